"""What ``autokd doctor --target`` looks at on a board. Every check gives a finding."""

import re
import time
from typing import TYPE_CHECKING

from autokd.cli.checks import Finding, Level
from autokd.cli.target_trial import check_trial
from autokd.core.units import format_bytes
from autokd.errors import DeviceError, MeasurementError

if TYPE_CHECKING:
    from autokd.core.device import DeviceProfile
    from autokd.measure.protocol import BenchAnswer, Host, RuntimeFacts, StateFacts

# Other work that takes a tenth of a processor moves a median by more than a measurement may.
_BUSY_LOAD = 0.5
_LEAST_MEMORY_BYTES = 150 * 2**20  # onnxruntime with the smallest student
_MOST_SKEW_SECONDS = 120.0
_32_BIT = re.compile(r"arm(v[4-8].*)?|i[3-6]86|mips|riscv32")


def check_target(
    text: str, profile: "DeviceProfile | None", *, accept_host_key: str | None
) -> list[Finding]:
    """Reach a target, judge what it says about itself, and time a student there.

    Args:
        text: Its address.
        profile: What it should be; None judges the machine alone, and times nothing.
        accept_host_key: Of a board that is met for the first time.

    Raises:
        ConfigError: It is no address.
    """
    from autokd.core.device import load_profile
    from autokd.measure.target import open_target

    described = profile or load_profile("host")
    with open_target(text, described, accept_host_key=accept_host_key) as target:
        try:
            probed = target.probe()
        except (DeviceError, MeasurementError) as fault:
            advice = "The message says what to do."
            return [Finding("fail", "target", str(fault), advice, is_device=True)]
        findings = judge_probe(target.name, probed, profile)
        if profile is not None and all(finding.level != "fail" for finding in findings):
            findings += check_trial(target, profile)
    return findings


def judge_probe(name: str, probed: "BenchAnswer", profile: "DeviceProfile | None") -> list[Finding]:
    """Give the findings about a machine that answered a probe."""
    host, runtime, around = probed.host, probed.runtime, probed.state
    if host is None or runtime is None or around is None:
        return [Finding("fail", "target", f"{name}: says nothing of itself", "", is_device=True)]
    text = (
        f"{name}: {host.board or host.cpu_model or 'unknown processor'}, {host.machine}, "
        f"{host.nproc} processors, {host.os}, kernel {host.kernel}, Python {host.python}"
    )
    state = around.before
    return [
        Finding("ok", "target", text, is_device=True),
        _check_machine(host, profile),
        _check_runtime(runtime, profile),
        _check_governor(state),
        _check_load(state),
        _check_memory(state, profile),
        _check_heat(state),
        _check_clock(state),
    ]


def _check_machine(host: "Host", profile: "DeviceProfile | None") -> Finding:
    if host.virtualised == "qemu-user":
        advice = "Its times say nothing about a processor: only what it computes can be compared."
        return _found("fail", "machine", "runs under qemu-user", advice)
    if _32_BIT.fullmatch(host.machine):
        advice = "There is no onnxruntime wheel for it: install the 64-bit system."
        return _found("fail", "machine", f"{host.machine} is a 32-bit system", advice)
    if profile is not None and profile.cpu.arch not in ("any", host.machine):
        advice = f"The profile {profile.id!r} is of {profile.cpu.arch}: give another device."
        return _found("fail", "machine", host.machine, advice)
    if host.virtualised != "none":
        advice = "What else runs on that machine cannot be seen from inside."
        return _found("warn", "machine", f"{host.machine} in a {host.virtualised}", advice)
    return _found("ok", "machine", f"{host.machine}, not virtual")


def _check_runtime(runtime: "RuntimeFacts", profile: "DeviceProfile | None") -> Finding:
    text = f"{runtime.name} {runtime.version} with {', '.join(runtime.providers_available)}"
    wanted = None if profile is None else profile.runtime
    if profile is None or wanted is None:
        return _found("ok", "runtime there", text)
    missing = [name for name in wanted.providers if name not in runtime.providers_available]
    if missing:
        advice = f"The profile asks for {', '.join(missing)}: install the build that has it."
        return _found("fail", "runtime there", text, advice)
    for bad in profile.known_bad:
        if (bad.package, bad.version) == (wanted.package, runtime.version):
            advice = f"This version fails there: {bad.reason}. Install another."
            return _found("fail", "runtime there", text, advice)
    if _numbers(runtime.version) < _numbers(wanted.version):
        advice = f"Older than the profile's {wanted.version}: install that, or correct the profile."
        return _found("fail", "runtime there", text, advice)
    return _found("ok", "runtime there", text)


def _check_governor(state: "StateFacts") -> Finding:
    others = [name for name in state.governor if name != "performance"]
    if not others:
        text = "performance" if state.governor else "cannot be read there"
        return _found("ok", "governor", text)
    advice = (
        "The clock changes while models are timed. On the board: echo performance | sudo tee "
        "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
    )
    return _found("warn", "governor", ", ".join(others), advice)


def _check_load(state: "StateFacts") -> Finding:
    load = state.loadavg[0] if state.loadavg else 0.0
    if load > _BUSY_LOAD:
        advice = "Other work runs there: end it, or measurements are INVALID."
        return _found("warn", "load there", f"load average {load:.1f}", advice)
    return _found("ok", "load there", f"load average {load:.1f}")


def _check_memory(state: "StateFacts", profile: "DeviceProfile | None") -> Finding:
    if state.mem_available_kb is None:
        return _found("ok", "memory there", "cannot be read there")
    free = state.mem_available_kb * 1024
    text = f"{format_bytes(free)} available"
    if free < _LEAST_MEMORY_BYTES:
        advice = "Too little for onnxruntime: end other programs, or a desktop, there."
        return _found("fail", "memory there", text, advice)
    usable = None if profile is None else int(profile.memory.ram_usable_mib.value * 2**20)
    if usable is not None and free < usable:
        advice = f"The profile counts on {format_bytes(usable)}: end other programs there."
        return _found("warn", "memory there", text, advice)
    return _found("ok", "memory there", text)


def _check_heat(state: "StateFacts") -> Finding:
    from autokd.measure.measurement import describe_throttling
    from autokd.measure.protocol import StateAround

    said = describe_throttling(StateAround(before=state))
    if said in (None, "none"):
        return _found("ok", "power and heat", "not throttled" if said else "not told there")
    is_now = bool((state.throttled or 0) & 0xF) or bool(state.cooling)
    advice = "Give it a better supply and a fan" + ("." if is_now else "; it is well now.")
    return _found("fail" if is_now else "warn", "power and heat", str(said), advice)


def _check_clock(state: "StateFacts") -> Finding:
    skew = state.utc_seconds - time.time()
    text = f"{skew:+.0f} s against this machine"
    if abs(skew) > _MOST_SKEW_SECONDS:
        advice = "Reports carry wrong times, and pip refuses certificates: set it, or install NTP."
        return _found("warn", "clock there", text, advice)
    return _found("ok", "clock there", text)


def _found(level: Level, what: str, found: str, advice: str = "") -> Finding:
    return Finding(level, what, found, advice, is_device=True)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])

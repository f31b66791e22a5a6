"""A profile of a board from what the agent's probe says of it.

What the probe measured says so with its date. What it cannot tell, such as the bandwidth of memory
or how fast operators run, is that of a neighbour, and says so too.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from autokd.core.device import DeviceProfile
from autokd.core.latency import LatencyModel
from autokd.core.onnx_versions import onnx_limits
from autokd.errors import DeviceError, ProfileError
from autokd.measure.protocol import BenchAnswer, Host, StateFacts

_SESSION_MIB = 30.0  # beside the import; measured on x86-64 with onnxruntime 1.32
_LEAST_INTERVAL = 2.0
_LONGEST_NAME = 80
_SAFE_EXPORT = {
    "opset": 15,
    "ir": 8,
    "input": "uint8",
    "reason": "every onnxruntime from 1.10 (opset 15, IR 8) loads it",
}
_SIGILL = {
    "package": "onnxruntime",
    "version": "1.21.0",
    "reason": "dies with SIGILL on Cortex-A53 and A72 (microsoft/onnxruntime issues 23957, 24112, "
    "24512; fixed by pull request 23978)",
}


def nearest_profile(answer: BenchAnswer) -> str:
    """Give the id of the shipped profile whose processor is the likest by its features."""
    host = _host(answer)
    if host.machine == "x86_64":
        return "intel-n100"
    return "raspberry-pi-5" if "asimddp" in host.cpu_features else "raspberry-pi-4b"


def profile_of(
    name: str, answer: BenchAnswer, *, like: DeviceProfile, date: str, is_this_host: bool
) -> DeviceProfile:
    """Give the profile of the board that answered a probe.

    Args:
        name: Its id.
        answer: Of the agent.
        like: A neighbour, for what a probe cannot tell.
        date: Of the probe, as YYYY-MM-DD.
        is_this_host: Whether it is the machine that autokd runs on.

    Raises:
        DeviceError: The machine is none that onnxruntime runs on, or is emulated.
        ProfileError: ``like`` has no runtime, or ``name`` is no id.
    """
    host = _host(answer)
    if host.machine not in ("aarch64", "x86_64"):
        msg = (
            f"the target is a {host.machine} machine, for which there is no onnxruntime wheel; "
            "it needs a 64-bit system, aarch64 or x86_64."
        )
        raise DeviceError(msg)
    if host.virtualised == "qemu-user":
        msg = "the target runs under qemu-user, so its numbers are of no processor; probe a board."
        raise DeviceError(msg)
    usable = _usable_mib(answer, date)
    raw: dict[str, Any] = {
        "schema_version": 1,
        "id": name,
        "name": (host.board or host.cpu_model or name)[:_LONGEST_NAME],
        "kind": _kind(host, is_this_host=is_this_host),
        "software": f"{host.os}, Python {host.python}"
        + ("" if host.virtualised == "none" else f", in a {host.virtualised}"),
        "cpu": _cpu(host, answer.state.before if answer.state else None, like, date),
        "memory": {
            "ram_mib": _number(round((host.mem_total_kb or 0) / 1024), _measured(date, "MemTotal")),
            "ram_usable_mib": usable,
            "bandwidth_gb_per_s": _number(
                like.memory.bandwidth_gb_per_s.value, f"estimate: as {like.id}"
            ),
        },
        "runtimes": [_runtime(answer, like, date)],
        "export": _SAFE_EXPORT,
        "limits": {
            "max_latency_ms": _number(33, "policy: 30 frames a second"),
            "max_memory_mib": _number(usable["value"] // 2, "policy: half of the usable memory"),
        },
    }
    if host.machine == "aarch64" and "asimddp" not in host.cpu_features:
        raw["known_bad"] = [_SIGILL]
    try:
        return DeviceProfile.model_validate(raw)
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        rule = first["msg"].removeprefix("Value error, ")
        msg = f"no profile can be made of what the target says: {place}: {rule}."
        raise ProfileError(msg.replace(": : ", ": ")) from None


def _host(answer: BenchAnswer) -> Host:
    if answer.host is None:
        msg = "the agent's probe says nothing about the machine; probe it again."
        raise DeviceError(msg)
    return answer.host


def _kind(host: Host, *, is_this_host: bool) -> str:
    if is_this_host:
        return "host"
    return "minipc" if host.machine == "x86_64" else "sbc"


def _cpu(host: Host, state: StateFacts | None, like: DeviceProfile, date: str) -> dict[str, Any]:
    cores = _number(host.nproc, _measured(date, "processors that the agent may use"))
    if like.cpu.arch == host.machine and like.cpu.cores.value < host.nproc:
        cores = _number(
            like.cpu.cores.value, f"estimate: as {like.id}, of {host.nproc} that the agent may use"
        )
    return {
        "arch": host.machine,
        "model": (host.cpu_model or "not named by the system")[:_LONGEST_NAME],
        "cores": cores,
        "clock_ghz": _clock_ghz(state, like, date),
        "fp32_flop_per_cycle": _flop_per_cycle(host),
    }


def _clock_ghz(state: StateFacts | None, like: DeviceProfile, date: str) -> dict[str, Any]:
    """Give the fastest clock seen, if no governor may have lowered it while nothing ran."""
    if state is not None and state.freq_khz:
        seen = round(max(state.freq_khz) / 1e6, 3)
        if set(state.governor) == {"performance"}:
            return _number(seen, _measured(date, "with the performance governor"))
        if seen > like.cpu.clock_ghz.value:
            return _number(seen, f"estimate: seen on {date}, it may rise under load")
    return _number(like.cpu.clock_ghz.value, f"estimate: as {like.id}; read yours off lscpu")


def _flop_per_cycle(host: Host) -> dict[str, Any]:
    features = set(host.cpu_features)
    if "avx512f" in features:
        lanes = 64, "two 512-bit fused multiply-adds a cycle; some have one"
    elif "avx_vnni" in features:
        lanes = 16, "small Intel cores with AVX-VNNI do two 128-bit halves a cycle; big ones twice"
    elif {"avx2", "fma"} <= features:
        lanes = 32, "two 256-bit fused multiply-adds a cycle"
    elif host.machine == "x86_64":
        lanes = 8, "a 128-bit multiply and a 128-bit add a cycle"
    elif "asimddp" in features:
        lanes = 16, "two 128-bit fused multiply-adds a cycle; Cortex-A55 has one"
    else:
        lanes = 8, "one 128-bit fused multiply-add a cycle"
    return _number(lanes[0], f"estimate: by the processor's features, {lanes[1]}")


def _usable_mib(answer: BenchAnswer, date: str) -> dict[str, Any]:
    free_kb = answer.state.before.mem_available_kb if answer.state else None
    if free_kb is None:
        msg = "the target does not say how much memory is free; it needs a Linux with /proc."
        raise DeviceError(msg)
    return _number(round(free_kb / 1024), _measured(date, "MemAvailable"))


def _runtime(answer: BenchAnswer, like: DeviceProfile, date: str) -> dict[str, Any]:
    found, host = answer.runtime, _host(answer)
    limits = onnx_limits(found.version) if found else None
    if found is None or limits is None:
        version = found.version if found else "without a version"
        msg = f"the target has onnxruntime {version}; autokd knows 1.10 and later: install one."
        raise DeviceError(msg)
    others = [name for name in found.providers_available if name != "CPUExecutionProvider"]
    also = f"; it offers {', '.join(others)} too" if others else ""
    neighbour = like.required_runtime()
    threads = min(host.nproc, like.threads if like.cpu.arch == host.machine else host.nproc)
    return {
        "id": "cpu",
        "package": found.name,
        "version": found.version,
        "providers": ["CPUExecutionProvider"],
        "threads": threads,
        "max_opset": limits[0],
        "max_ir": limits[1],
        "precisions": ["fp32", "int8"],
        "int8": _int8_form(host),
        "source": f"{_measured(date, 'version')}; limits of the newest release up to it that was "
        f"tried{also}",
        "base_memory_mib": _base_memory(answer, date),
        "weight_memory_factor": _number(
            neighbour.weight_memory_factor.value, f"estimate: as {like.id}"
        ),
        "latency": {"fp32": _latency(neighbour.latency["fp32"], like)},
    }


def _int8_form(host: Host) -> Mapping[str, Any]:
    if host.machine == "aarch64":
        return {"activation": "int8", "per_channel": True, "reduce_range": False}
    has_vnni = not {"avx512_vnni", "avx_vnni"}.isdisjoint(host.cpu_features)
    return {"activation": "uint8", "per_channel": True, "reduce_range": not has_vnni}


def _base_memory(answer: BenchAnswer, date: str) -> dict[str, Any]:
    imported_kb = answer.memory_kb.after_import if answer.memory_kb else None
    if imported_kb is None:
        return _number(75, "estimate: as on x86-64 with onnxruntime 1.32")
    session = f"and {_SESSION_MIB:g} MiB of session as on x86-64"
    return _number(
        round(imported_kb / 1024 + _SESSION_MIB, 1),
        f"estimate: {imported_kb / 1024:.0f} MiB after import measured on {date}, {session}",
    )


def _latency(model: LatencyModel, like: DeviceProfile) -> dict[str, Any]:
    given = {name: getattr(model, name) for name in model.model_fields_set - {"calibration"}}
    copied = {
        name: _number(number.value, f"estimate: as {like.id}") for name, number in given.items()
    }
    factor = max(model.interval_factor.value, _LEAST_INTERVAL)
    copied["interval_factor"] = _number(factor, f"estimate: nothing was timed; as {like.id}")
    ordered = [name for name in type(model).model_fields if name in copied]
    return {name: copied[name] for name in ordered}


def _number(value: float, source: str) -> dict[str, Any]:
    return {"value": value, "source": source}


def _measured(date: str, what: str) -> str:
    return f"measured by autokd on {date}: {what}"

"""What ``autokd doctor --device`` looks at in a profile, before any board is asked."""

from typing import TYPE_CHECKING

from autokd.cli.checks import Finding, Package
from autokd.errors import ProfileError

if TYPE_CHECKING:
    from autokd.core.device import DeviceProfile


def check_device(name: str, packages: dict[str, Package]) -> list[Finding]:
    """Check a profile, its runtime, and that onnx here can write what the runtime loads."""
    from autokd.core.device import load_profile

    try:
        profile = load_profile(name)
    except ProfileError as fault:
        return [Finding("fail", "device", str(fault), "Correct the profile.", is_device=True)]
    return [
        Finding("ok", "device", f"{profile.id}: {profile.name}", is_device=True),
        _check_runtime(profile, packages),
        _check_format(profile, packages.get("onnx")),
        _check_time_limit(profile),
        *_check_calibration(profile),
    ]


def _check_runtime(profile: "DeviceProfile", packages: dict[str, Package]) -> Finding:
    runtime = profile.runtime
    if runtime is None:
        assert profile.takes is not None  # noqa: S101 - a profile has one of the two
        text = f"no onnxruntime; {profile.takes.tool} takes the {profile.takes.form} file"
        return Finding("ok", "runtime", text, is_device=True)
    version = runtime.version
    if profile.kind == "host" and (here := packages.get(runtime.package)) and here.version:
        version = here.version  # the host's profile describes this very process
    text = f"{runtime.package} {version}"
    for bad in profile.known_bad:
        if (bad.package, bad.version) == (runtime.package, version):
            advice = (
                f"This version fails there: {bad.reason}. Use another, and say so in the profile."
            )
            return Finding("fail", "runtime", text, advice, is_device=True)
    return Finding("ok", "runtime", f"{text}, not known to be bad", is_device=True)


def _check_format(profile: "DeviceProfile", onnx: Package | None) -> Finding:
    target, runtime = profile.export, profile.runtime
    text = f"opset {target.opset} and IR {target.ir}"
    if runtime is not None:
        text += f"; the runtime loads up to opset {runtime.max_opset} and IR {runtime.max_ir}"
    if onnx is None or onnx.opset is None or onnx.ir is None:
        advice = "onnx cannot be imported here, so nothing can be exported."
        return Finding("fail", "ONNX form", text, advice, is_device=True)
    if target.opset > onnx.opset or target.ir > onnx.ir:
        advice = (
            f"onnx {onnx.version} writes up to opset {onnx.opset} and IR {onnx.ir}: upgrade it."
        )
        return Finding("fail", "ONNX form", text, advice, is_device=True)
    return Finding("ok", "ONNX form", text, is_device=True)


def _check_time_limit(profile: "DeviceProfile") -> Finding:
    """Check that something makes students fast: fewer operations alone do not."""
    limit = profile.limits.max_latency_ms
    if limit is not None:
        return Finding("ok", "limit on time", f"{limit.value:g} ms", is_device=True)
    if profile.runtime is None:
        return Finding("ok", "limit on time", "none: no time is known there", is_device=True)
    advice = "Fewer parameters alone make no student faster: give --max-latency-ms to a run."
    return Finding("warn", "limit on time", "none in the profile", advice, is_device=True)


def _check_calibration(profile: "DeviceProfile") -> list[Finding]:
    """Check that predictions of latency come from timings of this very board."""
    model = profile.latency
    if model is None:
        return []
    made = model.calibration
    if made is None:
        text = f"not of this board: right within a factor of {model.interval_factor.value:g}"
        advice = (
            f"A run with --target corrects them as it goes, 'autokd devices calibrate {profile.id} "
            "--target T' once and for all."
        )
        return [Finding("warn", "predictions", text, advice, is_device=True)]
    used = profile.required_runtime()
    text = f"fitted on {made.date} to {made.graphs} graphs on {made.runtime}, "
    text += f"{made.threads} threads; median error {made.median_error:.0%}"
    now = f"{used.version} and {used.threads} threads"
    if made.threads != used.threads or not made.runtime.endswith(f" {used.version}"):
        advice = f"The profile says {now} now: calibrate it again."
        return [Finding("warn", "predictions", text, advice, is_device=True)]
    return [Finding("ok", "predictions", text, is_device=True)]

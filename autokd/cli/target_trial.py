"""What ``autokd doctor --target`` finds by timing a student there: some seconds, random weights.

Latency does not depend on the weights, so the file tells at once whether the runtime loads it,
which provider runs it, whether timings are steady, whether INT8 is the faster, and what the
profile's prediction is worth.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from autokd.cli.checks import Finding, Level
from autokd.errors import DeviceError, MeasurementError

if TYPE_CHECKING:
    from autokd.core.device import DeviceProfile
    from autokd.core.measurement import LatencyMeasurement
    from autokd.measure.target import Target

_SECONDS = 1.0
_WARMUP_SECONDS = 1.0
_ROUNDS = 2  # in turns, so that a machine that slows down does not decide for one


def check_trial(target: "Target", profile: "DeviceProfile") -> list[Finding]:
    """Time a student with random weights on ``target``, in fp32 and as INT8, and judge it.

    Args:
        target: It answered a probe.
        profile: What it is; only the board itself is timed.
    """
    if profile.runtime is None or not target.is_device:
        return []
    from autokd.pipeline.trial_student import write_trial_student

    with tempfile.TemporaryDirectory(prefix="autokd-doctor-") as folder:
        student = write_trial_student(Path(folder), profile)
        try:
            rounds = [
                [_time(target, file, profile) for file in student.files] for _ in range(_ROUNDS)
            ]
        except DeviceError as fault:
            advice = "No student would run there as the profile says."
            return [_found("fail", "a student there", str(fault), advice)]
        except MeasurementError as fault:
            return [_found("fail", "a student there", str(fault), "End other work there.")]
    return list(judge_trial(rounds, student.predicted_ms))


def judge_trial(
    rounds: "list[list[LatencyMeasurement]]", predicted_ms: tuple[float, float, float] | None
) -> Iterator[Finding]:
    """Give the findings about a student that was timed.

    Args:
        rounds: In each the timing of the fp32 file, then that of the INT8 file if there is one.
        predicted_ms: The lower end, the prediction and the upper end for the fp32 file.
    """
    first = [timings[0] for timings in rounds]
    shown = next((one for one in first if one.valid), first[0])
    text = f"p50 {shown.p50_ms:.3g} ms, p90 {shown.p90_ms:.3g} ms, {shown.provider}"
    if not shown.valid:
        advice = "No timing there counts so: end other work, and set the governor to performance."
        yield _found("fail", "a student there", f"{text}, INVALID: {shown.reason}", advice)
        return
    yield _found("ok", "a student there", text)
    if predicted_ms is not None:
        yield _judge_prediction(shown.p50_ms, predicted_ms)
    pairs = [timings for timings in rounds if len(timings) > 1 and all(t.valid for t in timings)]
    if pairs:
        yield _judge_int8(median(int8.p50_ms / fp32.p50_ms for fp32, int8 in pairs))


def _judge_prediction(measured_ms: float, predicted_ms: tuple[float, float, float]) -> Finding:
    low, middle, high = predicted_ms
    text = f"{middle:.3g} ms ({low:.3g} to {high:.3g}) for {measured_ms:.3g} ms"
    if low <= measured_ms <= high:
        return _found("ok", "prediction there", text)
    advice = "The profile does not fit this board: autokd devices calibrate D --target T."
    return _found("warn", "prediction there", text, advice)


def _judge_int8(ratio: float) -> Finding:
    text = f"{ratio:.2f} of the time of fp32"
    if ratio >= 1:
        advice = "int8 gains nothing there: leave --precision on auto, which times both."
        return _found("warn", "int8 there", text, advice)
    return _found("ok", "int8 there", text)


def _time(target: "Target", file: Path, profile: "DeviceProfile") -> "LatencyMeasurement":
    from autokd.measure.target import measure_on

    return measure_on(target, file, profile, seconds=_SECONDS, max_warmup_seconds=_WARMUP_SECONDS)


def _found(level: Level, what: str, found: str, advice: str = "") -> Finding:
    return Finding(level, what, found, advice, is_device=True)

"""What ``autokd doctor --target`` finds by timing a student there: some seconds, random weights.

Latency does not depend on the weights, so the file tells at once whether the runtime loads it,
which provider runs it, whether timings are steady, whether INT8 is the faster, and what the
profile's prediction is worth.
"""

import tempfile
from collections.abc import Iterator, Sequence
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
_TRIES = 2  # at a valid timing
_RATIO_SECONDS = 0.5
_RATIOS = 5  # each in a process of its own; where a file lies in memory moves it by some percent


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
            timing = _time(target, student.files[0], profile)
            for _ in range(_TRIES - 1):
                timing = timing if timing.valid else _time(target, student.files[0], profile)
            ratios = _time_in_turns(target, student.files, profile) if timing.valid else []
        except DeviceError as fault:
            advice = "No student would run there as the profile says."
            return [_found("fail", "a student there", str(fault), advice)]
        except MeasurementError as fault:
            return [_found("fail", "a student there", str(fault), "End other work there.")]
    return list(judge_trial(timing, ratios, student.predicted_ms))


def judge_trial(
    shown: "LatencyMeasurement",
    int8_ratios: Sequence[float],
    predicted_ms: tuple[float, float, float] | None,
) -> Iterator[Finding]:
    """Give the findings about a student that was timed.

    Args:
        shown: The timing of the fp32 file.
        int8_ratios: Times of the INT8 file over those of the fp32 file beside it; none if it has no
            INT8 file.
        predicted_ms: The lower end, the prediction and the upper end for the fp32 file.
    """
    text = f"p50 {shown.p50_ms:.3g} ms, p90 {shown.p90_ms:.3g} ms, {shown.provider}"
    if not shown.valid:
        advice = "No timing there counts so: end other work, and set the governor to performance."
        yield _found("fail", "a student there", f"{text}, INVALID: {shown.reason}", advice)
        return
    yield _found("ok", "a student there", text)
    if predicted_ms is not None:
        yield _judge_prediction(shown.p50_ms, predicted_ms)
    if int8_ratios:
        yield _judge_int8(int8_ratios)


def _judge_prediction(measured_ms: float, predicted_ms: tuple[float, float, float]) -> Finding:
    low, middle, high = predicted_ms
    text = f"{middle:.3g} ms ({low:.3g} to {high:.3g}) for {measured_ms:.3g} ms"
    if low <= measured_ms <= high:
        return _found("ok", "prediction there", text)
    advice = "The profile does not fit this board: autokd devices calibrate D --target T."
    return _found("warn", "prediction there", text, advice)


def _judge_int8(ratios: Sequence[float]) -> Finding:
    low, high = min(ratios), max(ratios)
    text = f"{median(ratios):.2f} of the time of fp32 ({low:.2f} to {high:.2f})"
    if low < 1 <= high:
        return _found("ok", "int8 there", f"{text}: too close to tell")
    if low >= 1:
        advice = "int8 gains nothing there: leave --precision on auto, which times both."
        return _found("warn", "int8 there", text, advice)
    return _found("ok", "int8 there", text)


def _time_in_turns(
    target: "Target", files: Sequence[Path], profile: "DeviceProfile"
) -> list[float]:
    from autokd.measure.target import measure_on

    found = [
        measure_on(
            target,
            file,
            profile,
            seconds=_RATIO_SECONDS,
            max_warmup_seconds=_WARMUP_SECONDS,
            reference=files[0],
        )
        for file in files[1:]
        for _ in range(_RATIOS)
    ]
    counted = [one for one in found if one.lasting_reason is None]
    return [one.reference_ratio for one in counted if one.reference_ratio is not None]


def _time(target: "Target", file: Path, profile: "DeviceProfile") -> "LatencyMeasurement":
    from autokd.measure.target import measure_on

    return measure_on(target, file, profile, seconds=_SECONDS, max_warmup_seconds=_WARMUP_SECONDS)


def _found(level: Level, what: str, found: str, advice: str = "") -> Finding:
    return Finding(level, what, found, advice, is_device=True)

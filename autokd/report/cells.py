"""Values of a report as text: one form for each kind of number, and a reason for each gap."""

from dataclasses import dataclass

from autokd.core.cost import Cost
from autokd.core.measurement import LatencyMeasurement
from autokd.core.results import Report
from autokd.core.units import format_bytes

DASH = "–"  # noqa: RUF001 - an en dash, which stands for a value that there is not


@dataclass(frozen=True, slots=True)
class Cell:
    """What one place of a table shows.

    Attributes:
        text: The value with its unit, or a dash.
        note: The interval of an estimate, or why there is a dash.
    """

    text: str
    note: str = ""


def percent(fraction: float) -> str:
    """Give a fraction in percent, such as ``71.30 %``."""
    return f"{100 * fraction:.2f} %"


def points(difference: float) -> str:
    """Give the size of a difference of two fractions, such as ``1.30 points``."""
    return f"{100 * abs(difference):.2f} points"


def milliseconds(value_ms: float) -> str:
    """Give a time with two or three digits, such as ``0.055 ms``, ``3.21 ms`` or ``48.0 ms``."""
    digits = 3 if value_ms < 0.0995 else 2 if value_ms < 9.995 else 1 if value_ms < 99.95 else 0
    return f"{value_ms:.{digits}f} ms"


def whole(number: int) -> str:
    """Give a count in full, such as ``147,912``."""
    return f"{number:,}"


def limit_value(limit: str, value: float) -> str:
    """Give a value of the limit named ``limit``, a field of `autokd.core.cost.Limits`."""
    if limit.endswith("_bytes"):
        return format_bytes(value)
    return milliseconds(value) if limit.endswith("_ms") else whole(round(value))


LIMIT_NAMES = {
    "max_params": "parameters",
    "max_size_bytes": "file size",
    "max_memory_bytes": "memory",
    "max_latency_ms": "latency",
}


def validation_cell(report: Report, accuracy: float | None) -> Cell:
    """Give an accuracy on validation images."""
    if accuracy is not None:
        return Cell(percent(accuracy))
    return Cell(DASH, "the images have no labels" if not report.data.labelled else "not scored")


def test_cell(report: Report, accuracy: float | None) -> Cell:
    """Give an accuracy on test images."""
    if accuracy is not None:
        return Cell(percent(accuracy))
    if not report.data.labelled:
        return Cell(DASH, "the images have no labels")
    return Cell(DASH, "there are no test images" if not report.data.test_images else "not scored")


NO_CLAIM = Cell("no claim", "onnxruntime does not run there, so no time is known")


def latency_cell(cost: Cost) -> Cell:
    """Give the latency, measured or predicted with its interval, or say that there is no claim."""
    if cost.latency_interval_ms is None:
        return NO_CLAIM
    low, middle, high = (milliseconds(value) for value in cost.latency_interval_ms)
    if cost.is_measured:
        return Cell(middle, "measured on the target with random weights")
    return Cell(middle, f"estimate, 80 % interval {low} to {high}")


def measured_cell(measurement: LatencyMeasurement | None) -> Cell:
    """Give a measured median, with its tail or with the reason why it does not count."""
    if measurement is None:
        return Cell(DASH, "not measured")
    tail = f"p90 {milliseconds(measurement.p90_ms)}, {_p99(measurement)}"
    if not measurement.valid:
        tail = f"INVALID: {measurement.reason or 'no reason was given'}"
    return Cell(milliseconds(measurement.p50_ms), tail)


def measured_where(report: Report, measurement: LatencyMeasurement | None) -> str:
    """Say on what machine a measurement ran."""
    if measurement is not None and measurement.is_device:
        reached = "" if measurement.target == "this host" else f" ({measurement.target})"
        return f"on {report.device_name}{reached}"
    return "on this host, not the board"


def optional_bytes(size: int | None, reason: str) -> Cell:
    """Give bytes, or a dash with ``reason``."""
    return Cell(DASH, reason) if size is None else Cell(format_bytes(size))


def _p99(measurement: LatencyMeasurement) -> str:
    if measurement.p99_ms is None:
        return f"p99 {DASH} ({measurement.samples} samples are too few)"
    return f"p99 {milliseconds(measurement.p99_ms)}"

"""Results of a run as short text for a terminal."""

from pathlib import Path

from autokd.cli.output import render_table, wrap
from autokd.core.measurement import LatencyMeasurement
from autokd.core.results import Feasibility, Report, Winner
from autokd.core.shortfall import limit_name, limit_text
from autokd.core.units import format_bytes, format_count

_UNKNOWN = "-"


def winner_folder(run: Path, winner: Winner) -> Path:
    """Give the folder of an exported student."""
    return run / "winners" / str(winner.rank)


def render_result(report: Report, run: Path) -> str:
    """Give the verdict, the best student beside its teacher, and where the files are."""
    best = report.winners[0]
    teacher = report.teacher
    teacher_params = _UNKNOWN if teacher.params is None else format_count(teacher.params)
    rows = [
        (
            "validation accuracy",
            _percent(teacher.validation_accuracy),
            _percent(best.export.validation_accuracy),
        ),
        ("test accuracy", _percent(teacher.test_accuracy), _percent(best.test_accuracy)),
        ("parameters", teacher_params, format_count(best.cost.params)),
        ("file size", format_bytes(teacher.size_bytes), format_bytes(best.file_bytes)),
        ("memory (predicted)", _UNKNOWN, format_bytes(best.cost.memory_bytes)),
        (
            "latency (untrained)" if best.cost.is_measured else "latency (predicted)",
            _UNKNOWN,
            _before_training(best, report.device),
        ),
        ("latency (measured)", _UNKNOWN, _measured(best.measurement)),
    ]
    chosen = best.chosen_variant
    file = best.export.file if chosen is None else str(chosen.file)
    model = winner_folder(run, best) / Path(file).name
    places = [("student", str(model)), ("report", str(run / "report.html"))]
    parts = [
        wrap(report.verdict),
        render_table(("", "teacher", "student"), rows),
        "\n".join(f"{what:<9}{place}" for what, place in places),
    ]
    return "\n\n".join(parts)


def render_feasibility(found: Feasibility) -> str:
    """Give how many drawn students fit, limit by limit."""
    share = f"{found.fitting} of {found.drawn} drawn students fit all limits."
    rows = [
        (
            limit_name(row.limit),
            limit_text(row.limit, row.value),
            f"{row.fitting} of {found.drawn}",
            limit_text(row.limit, row.nearest),
        )
        for row in found.limits
    ]
    parts = [share]
    if rows:
        parts.append(render_table(("limit", "at most", "fit", "smallest seen"), rows))
    binding = next((row for row in found.limits if row.limit == found.binding), None)
    if binding is not None:
        name, stopped = limit_name(binding.limit), found.drawn - binding.fitting
        if stopped:
            parts.append(f"The limit on {name} stops the most: {stopped} of {found.drawn}.")
        else:
            parts.append(f"No limit alone stops any of them; the nearest is that on {name}.")
    return "\n\n".join(parts)


def _before_training(winner: Winner, device: str) -> str:
    interval = winner.cost.latency_interval_ms
    if interval is None:
        return f"no claim on {device}, where onnxruntime does not run"
    low, middle, high = interval
    if winner.cost.is_measured:
        return f"{middle:.3g} ms on the target, with random weights"
    return f"{middle:.3g} ms on {device} ({low:.3g} to {high:.3g})"


def _measured(measurement: LatencyMeasurement | None) -> str:
    if measurement is None:
        return "not measured"
    where = measurement.host if measurement.is_device else "this host, not the board"
    if not measurement.valid:
        return f"INVALID on {where}: {measurement.reason}"
    return f"p50 {measurement.p50_ms:.3g} ms, p90 {measurement.p90_ms:.3g} ms on {where}"


def _percent(fraction: float | None) -> str:
    return _UNKNOWN if fraction is None else f"{100.0 * fraction:.2f} %"

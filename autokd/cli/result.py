"""Results of a run as short text for a terminal."""

from pathlib import Path

from autokd.cli.output import render_table, wrap
from autokd.core.results import Feasibility, LatencyMeasurement, Report, RunStatus, Winner
from autokd.core.units import format_bytes, format_count, format_duration

_UNKNOWN = "-"
_LIMIT_NAMES = {
    "max_params": "parameters",
    "max_size_bytes": "size",
    "max_memory_bytes": "memory",
    "max_latency_ms": "latency",
}


def winner_folder(run: Path, winner: Winner) -> Path:
    """Give the folder of an exported student."""
    return run / "winners" / str(winner.rank)


def render_result(report: Report, run: Path) -> str:
    """Give the verdict, the best student beside its teacher, and where the files are."""
    best = report.winners[0]
    teacher = report.teacher
    low, high = best.cost.latency_low_ms, best.cost.latency_high_ms
    rows = [
        (
            "validation accuracy",
            _percent(teacher.validation_accuracy),
            _percent(best.export.validation_accuracy),
        ),
        ("test accuracy", _percent(teacher.test_accuracy), _percent(best.export.test_accuracy)),
        ("parameters", format_count(teacher.params), format_count(best.cost.params)),
        ("file size", format_bytes(teacher.size_bytes), format_bytes(best.export.size_bytes)),
        ("memory (predicted)", _UNKNOWN, format_bytes(best.cost.memory_bytes)),
        (
            "latency (predicted)",
            _UNKNOWN,
            f"{best.cost.latency_ms:.3g} ms on {report.device} ({low:.3g} to {high:.3g})",
        ),
        ("latency (measured)", _UNKNOWN, _measured(best.measurement)),
    ]
    model = winner_folder(run, best) / Path(best.export.file).name
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
    if found.binding is not None:
        parts.append(f"The limit on {limit_name(found.binding)} stops most of them.")
    return "\n\n".join(parts)


def explain_infeasible(found: Feasibility) -> str:
    """Say which limits no student meets, by how much, and what to do."""
    misses = [row for row in found.limits if row.nearest > row.value]
    nearest = "; ".join(
        f"{limit_name(row.limit)}: at most {limit_text(row.limit, row.value)}, "
        f"the smallest student needs {limit_text(row.limit, row.nearest)}"
        for row in misses
    )
    why = nearest or "each limit can be met alone, but no student meets all of them together"
    return (
        f"none of {found.drawn} drawn students fits the limits ({why}). "
        "Raise a limit, give smaller images with --size, or choose another device."
    )


def render_status(status: RunStatus) -> str:
    """Give where a run stands."""
    budget, best = status.budget_seconds, status.best_accuracy
    spent = format_duration(status.spent_seconds)
    states = ", ".join(f"{count} {state}" for state, count in status.trials_by_state.items())
    rows = [
        ("run", status.run),
        ("state", status.state),
        ("trials", states or "none yet"),
        *[
            (
                f"rung {row.rung}",
                f"{row.finished} finished, best validation accuracy {_percent(row.best_accuracy)}",
            )
            for row in status.rungs
        ],
        ("best", "none yet" if best is None else f"{_percent(best)} validation accuracy"),
        ("time", spent if budget is None else f"{spent} of {format_duration(budget)}"),
    ]
    text = render_table(("", ""), rows)
    if status.state == "stopped":
        text += f"\n\nGo on with: autokd resume {status.run}"
    return text


def limit_name(limit: str) -> str:
    """Give the word of a person for a field of Limits."""
    return _LIMIT_NAMES[limit]


def limit_text(limit: str, value: float) -> str:
    """Give the value of a field of Limits with its unit."""
    if limit.endswith("_bytes"):
        return format_bytes(value)
    return f"{value:.3g} ms" if limit.endswith("_ms") else format_count(value)


def _measured(measurement: LatencyMeasurement | None) -> str:
    if measurement is None:
        return "not measured"
    where = measurement.host if measurement.is_device else "this host, not the board"
    if not measurement.valid:
        return f"INVALID on {where}: {measurement.reason}"
    return f"p50 {measurement.p50_ms:.3g} ms, p90 {measurement.p90_ms:.3g} ms on {where}"


def _percent(fraction: float | None) -> str:
    return _UNKNOWN if fraction is None else f"{100.0 * fraction:.2f} %"

"""Where a run stands as text for a terminal, 80 columns wide."""

from autokd.cli.output import render_table
from autokd.core.run_status import STAGE_WORDS, Leader, RunStatus
from autokd.core.units import format_bytes, format_count, format_duration

BAR_WIDTH = 24


def render_status(status: RunStatus) -> str:
    """Give all that is known, the best students so far among it."""
    states = ", ".join(f"{count} {state}" for state, count in status.trials_by_state.items())
    rows = [
        ("run", status.run),
        ("state", _state(status)),
        ("trials", (states or "none yet") + _planned(status)),
        *[
            (
                f"rung {row.rung}",
                f"{row.finished} finished, best validation accuracy {_percent(row.best_accuracy)}",
            )
            for row in status.rungs
        ],
        (
            "best",
            "none yet"
            if status.best_accuracy is None
            else f"{_percent(status.best_accuracy)} validation accuracy",
        ),
        ("time", _time(status)),
    ]
    parts = [render_table(("", ""), rows)]
    if status.leaders:
        head = ("student", "rung", "accuracy", "parameters", "memory", "latency", "operator")
        parts.append(render_table(head, [_leader(leader) for leader in status.leaders]))
    if status.state == "stopped":
        parts.append(f"Go on with: autokd resume {status.run}")
    return "\n\n".join(parts)


def status_line(status: RunStatus) -> str:
    """Give it in one line, for a log."""
    results = sum(row.finished for row in status.rungs)
    failed = status.trials_by_state.get("failed", 0)
    parts = [f"{results} {'result' if results == 1 else 'results'}"]
    if failed:
        parts.append(f"{failed} failed")
    if status.best_accuracy is not None:
        parts.append(f"best {_percent(status.best_accuracy)}")
    spent = format_duration(status.spent_seconds)
    return f"{spent}  {STAGE_WORDS[status.stage]}: {', '.join(parts)}"


def _state(status: RunStatus) -> str:
    if status.state == "done":
        end = status.exit
        return f"done, exit code {end.code} ({end.name})" if end and end.code else "done"
    doing = STAGE_WORDS[status.stage]
    return f"running, {doing}" if status.state == "running" else f"stopped while {doing}"


def _planned(status: RunStatus) -> str:
    return "" if status.planned_trials is None else f" (the search ends at {status.planned_trials})"


def _time(status: RunStatus) -> str:
    spent = format_duration(status.spent_seconds)
    if status.budget_seconds is None:
        return spent
    share = min(status.spent_seconds / status.budget_seconds, 1.0)
    full = round(BAR_WIDTH * share)
    bar = "#" * full + "-" * (BAR_WIDTH - full)
    return f"{spent} of {format_duration(status.budget_seconds)}  [{bar}]"


def _leader(leader: Leader) -> tuple[str, ...]:
    latency = "-" if leader.latency_ms is None else f"{leader.latency_ms:.3g} ms"
    return (
        str(leader.trial_id),
        str(leader.rung),
        _percent(leader.accuracy),
        format_count(leader.params),
        format_bytes(leader.memory_bytes),
        latency,
        f"{leader.block} {leader.input_px} px",
    )


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100.0 * fraction:.2f} %"

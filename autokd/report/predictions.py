"""Predicted against measured latency, of all students that were timed on the target."""

import statistics

from autokd.core.results import Report
from autokd.report.axes import make_log_axis
from autokd.report.cells import milliseconds
from autokd.report.figures import Mark, Plot

FEWEST_FOR_SHARE = 10


def predictions_plot(report: Report) -> Plot | None:
    """Give measured against predicted latency, both on one scale; None where none was timed."""
    if not report.timed:
        return None
    values = [ms for timed in report.timed for ms in (timed.predicted_ms, timed.measured_ms)]
    x = make_log_axis("predicted, ms, logarithmic", values, lambda v: f"{v:g}")
    y = make_log_axis("measured, ms, logarithmic", values, lambda v: f"{v:g}")
    winners = {winner.trial_id: winner.rank for winner in report.winners}
    marks = []
    for timed in report.timed:
        rank = winners.get(-1 if timed.trial_id is None else timed.trial_id)
        name = "Refused" if timed.trial_id is None else f"Trial {timed.trial_id}"
        name = name if rank is None else f"Student {rank}"
        marks.append(
            Mark(
                x.place(timed.predicted_ms),
                round(100 - y.place(timed.measured_ms), 2),
                "last" if rank is None else "winner",
                f"{name}: predicted {milliseconds(timed.predicted_ms)}, "
                f"measured {milliseconds(timed.measured_ms)}",
            )
        )
    marks.sort(key=lambda mark: mark.kind == "winner")
    title = "Each student with random weights, before it was trained"
    return Plot(title, x, y, tuple(marks), diagonal=(0, 100, 100, 0))


def predictions_sentence(report: Report) -> str:
    """Say how far predictions were off, and to which side; empty where none was timed."""
    if not report.timed:
        return ""
    ratios = [timed.measured_ms / timed.predicted_ms for timed in report.timed]
    errors = sorted(abs(ratio - 1) for ratio in ratios)
    count = len(errors)
    if count == 1:
        return f"One student was timed: it took {ratios[0]:.2f} times what was predicted."
    side = statistics.median(ratios) - 1
    bias = f"{_percent(abs(side))} {'more' if side > 0 else 'less'} than"
    half = _percent(statistics.median(errors))
    parts = [f"{count} students were timed. Half of the predictions were off by at most {half}"]
    if count >= FEWEST_FOR_SHARE:
        parts.append(f"nine of ten by at most {_percent(errors[-(-9 * count // 10) - 1])}")
    parts.append(f"the worst by {_percent(errors[-1])}")
    middle = f"In the middle a student took {bias if abs(side) >= 0.005 else 'just'} what"
    return f"{', '.join(parts)}. {middle} was predicted."


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"

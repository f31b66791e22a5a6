"""What a student costs, as axes that accuracy is drawn against, and the front on each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from autokd.core.cost import Cost
from autokd.core.results import Report
from autokd.core.units import format_bytes, format_count
from autokd.report.figures import has_result, round_percent, top_rung

Against = Literal["limits", "params", "latency", "memory", "size"]


@dataclass(frozen=True, slots=True)
class CostMeasure:
    """One axis of cost.

    Attributes:
        name: As a person chooses it.
        label: With its unit.
        form: Gives the text of a tick.
        limit: In the unit of the axis.
    """

    key: Against
    name: str
    label: str
    value_of: Callable[[Cost], float]
    form: Callable[[float], str]
    limit: float | None


def cost_measures(report: Report) -> tuple[CostMeasure, ...]:
    """Give the axes of a report, the most telling first; latency only where it is claimed."""
    limits = report.limits
    costs = [trial.candidate.cost for trial in report.trials if has_result(trial)]
    costs += [winner.cost for winner in report.winners]
    measures = [
        _memory_measure(report, costs),
        CostMeasure(
            "size",
            "File size",
            "file size, KiB",
            lambda cost: cost.size_bytes / 2**10,
            lambda value: f"{value:,.10g}",
            None if limits.max_size_bytes is None else limits.max_size_bytes / 2**10,
        ),
        CostMeasure(
            "params",
            "Parameters",
            "parameters",
            lambda cost: cost.params,
            lambda value: format_count(value) if value else "0",
            limits.max_params,
        ),
        CostMeasure(
            "limits",
            "Use of the limits",
            "use of the tightest limit",
            limits.utilisation,
            round_percent,
            None if limits.is_empty() else 1.0,
        ),
    ]
    if costs and all(cost.latency_high_ms is not None for cost in costs):
        timed = any(cost.is_measured for cost in costs)
        latency = CostMeasure(
            "latency",
            "Latency",
            f"latency, ms ({'measured, or ' if timed else ''}upper end of the estimate)",
            lambda cost: cost.latency_high_ms or 0.0,
            lambda value: f"{value:g}",
            limits.max_latency_ms,
        )
        measures.insert(0, latency)
    return tuple(measures)


def front_ids(report: Report, measure: CostMeasure) -> frozenset[int]:
    """Give the trials that no other beats in both accuracy and ``measure``.

    By the rule of `Report.front`, which is that of the use of the limits: only trials of the
    highest rung are compared, and two that are equal are both on it.
    """
    if measure.key == "limits":
        return frozenset(report.front)
    top = top_rung(report)
    ranked = sorted(
        (-t.accuracy, measure.value_of(t.candidate.cost), t.trial_id)
        for t in report.trials
        if has_result(t) and t.rung == top
    )
    front: set[int] = set()
    last: tuple[float, float] | None = None
    for loss, value, trial_id in ranked:
        if last is None or value < last[1] or (loss, value) == last:
            front.add(trial_id)
            last = loss, value
    return frozenset(front)


def _memory_measure(report: Report, costs: list[Cost]) -> CostMeasure:
    """Give memory as what a student adds to the runtime, which is the same for all of them."""
    runtimes = {cost.runtime_bytes for cost in costs}
    fixed = runtimes.pop() if len(runtimes) == 1 else 0
    beyond = f" beyond the {format_bytes(fixed)} of the runtime" if fixed else ""
    limit = report.limits.max_memory_bytes
    return CostMeasure(
        "memory",
        "Memory",
        f"memory{beyond}, KiB (estimate)",
        lambda cost: (cost.memory_bytes - fixed) / 2**10,
        lambda value: f"{value:,.10g}",
        None if limit is None or limit <= fixed else (limit - fixed) / 2**10,
    )

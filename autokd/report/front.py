"""The front: accuracy against what it costs, on each axis of cost, with every trial.

The search compares trials by their use of the tightest limit, and `Report.front` is of that. On any
other axis the front is taken anew, by the same rule, over the same trials.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from autokd.core.cost import Cost
from autokd.core.results import Report, Winner
from autokd.core.trial import Trial
from autokd.core.units import format_bytes
from autokd.report.axes import Axis, make_axis
from autokd.report.cells import latency_cell, percent, whole
from autokd.report.cost_measures import Against, CostMeasure, cost_measures, front_ids
from autokd.report.figures import (
    KIND_NAMES,
    Kind,
    Line,
    Mark,
    Plot,
    accuracy_axis,
    has_result,
    kinds_of,
    of_search,
    top_rung,
    winner_score,
)


@dataclass(frozen=True, slots=True)
class CostAxis:
    """One axis of cost.

    Attributes:
        name: As a person chooses it.
        steps: The front on this axis.
        limit: Place of the limit in percent; None where there is none near.
    """

    key: Against
    name: str
    x: Axis
    steps: tuple[Line, ...]
    limit: float | None


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A trial, or a student at full length.

    Attributes:
        key: Its name in the page.
        label: It in a few words.
        kind: ``winner``, ``last`` or ``early``.
        places: From the left in percent, on each axis.
        fronts: Numbers of the axes on whose front it is.
        y: From the top in percent.
        facts: Rows of its card.
    """

    key: str
    label: str
    kind: Literal["winner", "last", "early"]
    places: tuple[float, ...]
    fronts: tuple[int, ...]
    y: float
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FrontFigure:
    """Points over a choice of axes; a point that is kept when the page opens comes first.

    Attributes:
        kept: Key of the point that is shown at first.
        hidden: Trials that have no result and so no place.
        below: Trials so far below the others that they stand on the lower edge.
    """

    y: Axis
    axes: tuple[CostAxis, ...]
    points: tuple[FrontPoint, ...]
    kept: str
    hidden: int
    below: int

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """List the kinds of points that occur, those on a front as such."""
        found: set[Kind] = {point.kind for point in self.points}
        found |= {"front"} if any(point.fronts for point in self.points) else set()
        return tuple(kind for kind in KIND_NAMES if kind in found)


def front_plots(report: Report) -> dict[Against, Plot]:
    """Give a plot for each axis, the most telling first; latency only where it is claimed."""
    report = of_search(report)
    return {m.key: _plot(report, m) for m in cost_measures(report)}


def front_figure(report: Report) -> FrontFigure | None:
    """Give all axes over one set of points; None before the first result."""
    everything, report = report, of_search(report)
    measures = cost_measures(report)
    plots = [_plot(report, measure) for measure in measures]
    trials = [t for t in report.trials if has_result(t)]
    if not trials:
        return None
    fronts = [front_ids(report, measure) for measure in measures]
    y = plots[0].y
    axes = tuple(
        CostAxis(m.key, m.name, plot.x, plot.steps, plot.limit)
        for m, plot in zip(measures, plots, strict=True)
    )

    def places(cost: Cost) -> tuple[float, ...]:
        return tuple(p.x.place(m.value_of(cost)) for m, p in zip(measures, plots, strict=True))

    top = top_rung(report)
    points = [
        FrontPoint(
            f"trial-{trial.trial_id}",
            f"Trial {trial.trial_id}, {percent(trial.accuracy)}",
            "last" if trial.rung == top else "early",
            places(trial.candidate.cost),
            tuple(n for n, ids in enumerate(fronts) if trial.trial_id in ids),
            round(100 - y.place(trial.accuracy), 2),
            _trial_facts(report, trial),
        )
        for trial in trials
    ]
    points += [
        FrontPoint(
            f"student-{winner.rank}",
            f"Student {winner.rank}, {percent(winner_score(report, winner))} at full length",
            "winner",
            places(winner.cost),
            (),
            round(100 - y.place(winner_score(report, winner)), 2),
            _winner_facts(report, winner),
        )
        for winner in report.winners
    ]
    points.sort(key=lambda point: (point.places[0], point.y))  # as arrow keys go through them
    best = max(trials, key=lambda t: (t.rung, t.accuracy))
    kept = "student-1" if report.winners else f"trial-{best.trial_id}"
    hidden = sum(not has_result(trial) for trial in everything.trials)
    below = sum(trial.accuracy < y.low for trial in trials)
    return FrontFigure(y, axes, tuple(points), kept, hidden, below)


def _plot(report: Report, measure: CostMeasure) -> Plot:
    trials = [trial for trial in report.trials if has_result(trial)]
    value_of, limit = measure.value_of, measure.limit
    values = [value_of(t.candidate.cost) for t in trials]
    values += [value_of(winner.cost) for winner in report.winners]
    # A limit far beyond all students would press them into a corner; the table has it.
    if limit is not None and limit > 1.5 * max(values, default=0.0):
        limit = None
    shown = values if limit is None else [*values, limit]
    x = make_axis(measure.label, shown, measure.form, zero=True)
    y = accuracy_axis(report, [winner_score(report, winner) for winner in report.winners])
    front, kinds = front_ids(report, measure), kinds_of(report.model_copy(update={"front": ()}))
    marks = [
        Mark(
            x.place(value_of(t.candidate.cost)),
            round(100 - y.place(t.accuracy), 2),
            "front" if t.trial_id in front else kinds[t.trial_id],
            f"Trial {t.trial_id}, rung {t.rung}: {percent(t.accuracy)}",
        )
        for t in trials
    ]
    # The most important come last, so that they are drawn on top.
    marks.sort(key=lambda mark: ("early", "last", "front").index(mark.kind))
    marks += [
        Mark(
            x.place(value_of(w.cost)),
            round(100 - y.place(winner_score(report, w)), 2),
            "winner",
            f"Student {w.rank} (trial {w.trial_id}) at full length: "
            f"{percent(winner_score(report, w))}",
        )
        for w in report.winners
    ]
    steps = _front_steps(report, front, value_of, x, y)
    place = None if limit is None else x.place(limit)
    return Plot(measure.name, x, y, tuple(marks), steps=steps, limit=place)


def _front_steps(
    report: Report, ids: frozenset[int], value_of: Callable[[Cost], float], x: Axis, y: Axis
) -> tuple[Line, ...]:
    front = [t for t in report.trials if t.trial_id in ids and has_result(t)]
    places = sorted((x.place(value_of(t.candidate.cost)), y.place(t.accuracy)) for t in front)
    steps: list[Line] = []
    for (x1, up1), (x2, up2) in itertools.pairwise(places):
        steps += [(x1, 100 - up1, x2, 100 - up1), (x2, 100 - up1, x2, 100 - up2)]
    return tuple((a, round(b, 2), c, round(d, 2)) for a, b, c, d in steps)


def _trial_facts(report: Report, trial: Trial) -> tuple[tuple[str, str], ...]:
    candidate, seen = trial.candidate, trial.observations[-1]
    family, distill = candidate.family, candidate.distill
    epochs = seen.fidelity.images / report.data.train_images
    return (
        ("Trained", f"{epochs:.1f} epochs, rung {trial.rung}"),
        *_cost_facts(report, candidate.cost),
        ("Built of", f"{family.block}, {family.input_px} px"),
        ("Taught by", f"{distill.loss}, T {distill.temperature:.1f}, alpha {distill.alpha:.2f}"),
        ("Proposed by", candidate.origin),
    )


def _winner_facts(report: Report, winner: Winner) -> tuple[tuple[str, str], ...]:
    distill = winner.distill
    return (
        ("Trained", f"{winner.epochs:.1f} epochs, full length"),
        *_cost_facts(report, winner.cost),
        ("Built of", f"{winner.genotype.block}, {winner.genotype.input_px} px"),
        ("Taught by", f"{distill.loss}, T {distill.temperature:.1f}, alpha {distill.alpha:.2f}"),
        ("From", f"trial {winner.trial_id}"),
    )


def _cost_facts(report: Report, cost: Cost) -> tuple[tuple[str, str], ...]:
    latency = latency_cell(cost)
    facts = [
        ("Latency", f"{latency.text}, {latency.note}"),
        ("Memory", f"{format_bytes(cost.memory_bytes)}, estimate"),
        ("File size", format_bytes(cost.size_bytes)),
        ("Parameters", whole(cost.params)),
    ]
    if not report.limits.is_empty():
        facts.append(("Tightest limit", f"{percent(report.limits.utilisation(cost))} used"))
    return tuple(facts)

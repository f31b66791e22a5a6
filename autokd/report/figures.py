"""The charts of a report as places in percent of their plot, which the template draws.

A plot has its own width on every screen while its text keeps its size, so no place is in pixels.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from autokd.core.cost import Cost
from autokd.core.results import Report, Winner
from autokd.core.trial import Trial, searched
from autokd.core.units import format_bytes, format_count
from autokd.report.cells import latency_cell, percent

Kind = Literal["winner", "front", "last", "early", "failed"]


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values and its ticks.

    Attributes:
        label: What it shows, with the unit.
        ticks: Place in percent and text.
    """

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Give where ``value`` stands, 0 to 100 from low to high, rounded to a hundredth."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)


@dataclass(frozen=True, slots=True)
class Mark:
    """A point: ``x`` from the left, ``y`` from the top, in percent."""

    x: float
    y: float
    kind: Kind
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart.

    Attributes:
        steps: Horizontal and vertical lines (x1, y1, x2, y2) of a front or of a running best.
        limit: Place of the limit on the x axis, None where there is none.
        kinds: Of marks that occur, for the key.
    """

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    steps: tuple[tuple[float, float, float, float], ...] = ()
    limit: float | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """List the kinds of marks that occur, most important first."""
        order: tuple[Kind, ...] = ("winner", "front", "last", "early", "failed")
        found = {mark.kind for mark in self.marks}
        return tuple(kind for kind in order if kind in found)


def make_axis(
    label: str, values: Sequence[float], form: Callable[[float], str], *, zero: bool
) -> Axis:
    """Give an axis with round ticks that covers ``values``, and zero if asked."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    low = min(low, 0.0) if zero else low
    if high - low < 1e-9:
        high, low = (
            high + max(abs(high), 1e-3) * 0.5,
            low if zero else low - max(abs(low), 1e-3) / 2,
        )
    step = tick_step(high - low)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    low, high = first * step, last * step
    bare = Axis(label, low, high, ())
    marks = [number * step for number in range(first, last + 1)]
    return Axis(label, low, high, tuple((bare.place(value), form(value)) for value in marks))


def tick_step(span: float) -> float:
    """Give the distance of ticks, 1, 2 or 5 times a power of ten, for three to six of them."""
    power: float = 10.0 ** math.floor(math.log10(span / 3))
    return next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= 5)


def front_plots(report: Report) -> tuple[Plot, Plot, Plot]:
    """Give accuracy against use of the limits, parameters and latency, with every trial.

    Where no latency is claimed, memory stands in its place.
    """
    report = _of_search(report)
    limits = report.limits
    use = _Measure(
        "use of the tightest limit",
        limits.utilisation,
        _round_percent,
        None if limits.is_empty() else 1.0,
    )
    params = _Measure("parameters", lambda cost: cost.params, _short_count, limits.max_params)
    first = _scatter(report, "Use of the limits", use)
    steps = _front_steps(report, limits.utilisation, first.x, first.y)
    return (
        replace(first, steps=steps),
        _scatter(report, "Parameters", params),
        _latency_plot(report),
    )


def _latency_plot(report: Report) -> Plot:
    limits = report.limits
    if report.winners[0].cost.latency_interval_ms is not None:
        timed = any(trial.candidate.cost.is_measured for trial in report.trials)
        latency = _Measure(
            f"latency, ms ({'measured, or ' if timed else ''}estimate, upper end of its interval)",
            _highest_latency_ms,
            lambda value: f"{value:g}",
            limits.max_latency_ms,
        )
        return _scatter(report, "Latency", latency)
    memory = _Measure(
        "memory, KiB (estimate)",
        lambda cost: cost.memory_bytes / 2**10,
        lambda value: f"{value:g}",
        None if limits.max_memory_bytes is None else limits.max_memory_bytes / 2**10,
    )
    return _scatter(report, "Memory", memory)


def _highest_latency_ms(cost: Cost) -> float:
    assert cost.latency_high_ms is not None, "costs of one run claim all or nothing"  # noqa: S101
    return cost.latency_high_ms


def progress_plot(report: Report) -> Plot:
    """Give the accuracy of each trial in its order, and the best so far as steps."""
    report = _of_search(report)
    trials = report.trials
    x = make_axis("trial", [t.trial_id for t in trials], lambda v: f"{v:g}", zero=True)
    y = _accuracy_axis(report, [])
    kinds = _kinds(report)
    marks = tuple(
        _trial_mark(trial, kinds[trial.trial_id], x.place(trial.trial_id), y) for trial in trials
    )
    steps: list[tuple[float, float, float, float]] = []
    best: float | None = None
    since = 0.0
    for trial in trials:
        if not _has_result(trial) or (best is not None and trial.accuracy <= best):
            continue
        here, height = x.place(trial.trial_id), 100 - y.place(trial.accuracy)
        if best is not None:
            before = 100 - y.place(best)
            steps += [(since, before, here, before), (here, before, here, height)]
        best, since = trial.accuracy, here
    if best is not None:
        height = 100 - y.place(best)
        steps.append((since, height, x.place(max(t.trial_id for t in trials)), height))
    return Plot("Best so far", x, y, marks, tuple(steps))


def _of_search(report: Report) -> Report:
    """Give the report with the trials as the search compared them; winners stay as they are."""
    if report.full_rung is None:
        return report
    trials = searched(report.trials, full_rung=report.full_rung)
    return report.model_copy(update={"trials": trials})


@dataclass(frozen=True, slots=True)
class _Measure:
    """What a scatter plot has on its x axis."""

    label: str
    value_of: Callable[[Cost], float]
    form: Callable[[float], str]
    limit: float | None


def _scatter(report: Report, title: str, measure: _Measure) -> Plot:
    trials = [trial for trial in report.trials if _has_result(trial)]
    value_of, limit = measure.value_of, measure.limit
    values = [value_of(t.candidate.cost) for t in trials]
    values += [value_of(winner.cost) for winner in report.winners]
    # A limit far beyond all students would press them into a corner; the table has it.
    if limit is not None and limit > 1.5 * max(values):
        limit = None
    x = make_axis(
        measure.label, values if limit is None else [*values, limit], measure.form, zero=True
    )
    y = _accuracy_axis(report, [_winner_score(report, winner) for winner in report.winners])
    kinds = _kinds(report)
    marks = [
        _trial_mark(t, kinds[t.trial_id], x.place(value_of(t.candidate.cost)), y) for t in trials
    ]
    # The most important come last, so that they are drawn on top.
    marks.sort(key=lambda mark: ("early", "last", "front").index(mark.kind))
    marks += [_winner_mark(report, w, x.place(value_of(w.cost)), y) for w in report.winners]
    return Plot(title, x, y, tuple(marks), limit=None if limit is None else x.place(limit))


def _front_steps(
    report: Report, value_of: Callable[[Cost], float], x: Axis, y: Axis
) -> tuple[tuple[float, float, float, float], ...]:
    front = [t for t in report.trials if t.trial_id in report.front and _has_result(t)]
    places = sorted((x.place(value_of(t.candidate.cost)), y.place(t.accuracy)) for t in front)
    steps: list[tuple[float, float, float, float]] = []
    for (x1, up1), (x2, up2) in itertools.pairwise(places):
        steps += [(x1, 100 - up1, x2, 100 - up1), (x2, 100 - up1, x2, 100 - up2)]
    return tuple(steps)


def _accuracy_axis(report: Report, more: list[float]) -> Axis:
    values = [trial.accuracy for trial in report.trials if _has_result(trial)] + more
    name = "accuracy, validation" if report.data.labelled else "agreement with the teacher"
    return make_axis(name, values, _round_percent, zero=False)


def _kinds(report: Report) -> dict[int, Kind]:
    """Give the kind of each trial's mark by its id."""
    top = max((trial.rung for trial in report.trials if _has_result(trial)), default=0)
    kinds: dict[int, Kind] = {}
    for trial in report.trials:
        kind: Kind = "last" if trial.rung == top else "early"
        kind = "front" if trial.trial_id in report.front else kind
        kinds[trial.trial_id] = kind if _has_result(trial) else "failed"
    return kinds


def _trial_mark(trial: Trial, kind: Kind, x: float, y: Axis) -> Mark:
    cost = trial.candidate.cost
    size = f"{format_count(cost.params)} parameters, {format_bytes(cost.memory_bytes)} memory"
    latency = latency_cell(cost)
    costs = f"{size} (estimate), {latency.text} ({latency.note})"
    if not _has_result(trial):
        why = trial.failure.kind if trial.failure else "no rung was finished"
        return Mark(x, 100.0, kind, f"Trial {trial.trial_id}: {why}. {costs}")
    title = f"Trial {trial.trial_id}, rung {trial.rung}: {percent(trial.accuracy)}. {costs}"
    return Mark(x, round(100 - y.place(trial.accuracy), 2), kind, title)


def _winner_mark(report: Report, winner: Winner, x: float, y: Axis) -> Mark:
    score = _winner_score(report, winner)
    title = (
        f"Student {winner.rank} (trial {winner.trial_id}) at full length: {percent(score)}. "
        f"{format_count(winner.cost.params)} parameters"
    )
    return Mark(x, round(100 - y.place(score), 2), "winner", title)


def _winner_score(report: Report, winner: Winner) -> float:
    if report.data.labelled and winner.validation_accuracy is not None:
        return winner.validation_accuracy
    return winner.validation_agreement


def _has_result(trial: Trial) -> bool:
    return bool(trial.observations) and trial.failure is None


def _round_percent(value: float) -> str:
    return f"{100 * value:.4g} %"


def _short_count(value: float) -> str:
    return format_count(value) if value else "0"

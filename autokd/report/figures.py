"""The charts of a report as places in percent of their plot, which the template draws.

A plot has its own width on every screen while its text keeps its size, so no place is in pixels.
"""

from dataclasses import dataclass
from typing import Literal

from autokd.core.results import Report, Winner
from autokd.core.trial import Trial, searched
from autokd.core.units import format_bytes, format_count
from autokd.report.axes import Axis, make_axis, make_log_axis, without_stragglers
from autokd.report.cells import latency_cell, percent

Kind = Literal["winner", "front", "last", "early", "failed"]
KIND_NAMES: dict[Kind, str] = {
    "winner": "student at full length",
    "front": "on the front",
    "last": "trial, last rung",
    "early": "trial, earlier rung",
    "failed": "no result",
}
Line = tuple[float, float, float, float]  # x1, y1, x2, y2, from the left and from the top


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
        steps: Horizontal and vertical lines of a front or of a running best.
        limit: Place of the limit on the x axis, None where there is none.
        diagonal: From corner to corner, where both axes show one quantity.
    """

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    steps: tuple[Line, ...] = ()
    limit: float | None = None
    diagonal: Line | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """List the kinds of marks that occur, most important first."""
        found = {mark.kind for mark in self.marks}
        return tuple(kind for kind in KIND_NAMES if kind in found)


@dataclass(frozen=True, slots=True)
class Curve:
    """What one trial came to, the longer it was trained.

    Attributes:
        points: From the left and from the top, in percent.
        is_winner: Whether it was exported.
    """

    points: tuple[tuple[float, float], ...]
    is_winner: bool
    title: str


@dataclass(frozen=True, slots=True)
class Curves:
    """Accuracy against the length of training; winners come last."""

    x: Axis
    y: Axis
    curves: tuple[Curve, ...]


def progress_plot(report: Report) -> Plot:
    """Give the accuracy of each trial in its order, and the best so far as steps."""
    report = of_search(report)
    trials = report.trials
    x = make_axis("trial", [t.trial_id for t in trials], lambda v: f"{v:g}", zero=True)
    y = accuracy_axis(report, [])
    kinds = kinds_of(report)
    marks = tuple(
        _trial_mark(trial, kinds[trial.trial_id], x.place(trial.trial_id), y) for trial in trials
    )
    steps: list[Line] = []
    best: float | None = None
    since = 0.0
    for trial in trials:
        if not has_result(trial) or (best is not None and trial.accuracy <= best):
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


def learning_curves(report: Report) -> Curves | None:
    """Give a curve a trial over its rungs, the full length included; None without a second rung.

    The length counts images seen, in epochs, on a logarithmic axis. Each rung ends with a learning
    rate near zero, so its accuracy is that of a whole training, only a shorter one.
    """
    compared = {trial.trial_id for trial in of_search(report).trials}
    trials = [t for t in report.trials if t.trial_id in compared and has_result(t)]
    if not any(len(trial.observations) > 1 for trial in trials):
        return None
    epoch = report.data.train_images
    seen = [o.fidelity.images / epoch for t in trials for o in t.observations]
    x = make_log_axis("epochs of training seen, logarithmic", seen, lambda v: f"{v:g}")
    scores = [o.accuracy for t in trials for o in t.observations]
    kept = without_stragglers(scores)
    y = make_axis(_accuracy_name(report), kept, round_percent, zero=False)
    ranks = {winner.trial_id: winner.rank for winner in report.winners}
    curves = []
    for trial in sorted(trials, key=lambda t: -ranks.get(t.trial_id, len(ranks) + 1)):
        rank = ranks.get(trial.trial_id)
        points = tuple(
            (x.place(o.fidelity.images / epoch), round(100 - y.place(o.accuracy), 2))
            for o in trial.observations
        )
        values = ", ".join(percent(o.accuracy) for o in trial.observations)
        name = f"Trial {trial.trial_id}" if rank is None else f"Student {rank}"
        curves.append(Curve(points, rank is not None, f"{name}: {values}"))
    return Curves(x, y, tuple(curves))


def of_search(report: Report) -> Report:
    """Give the report with the trials as the search compared them; winners stay as they are."""
    if report.full_rung is None:
        return report
    trials = searched(report.trials, full_rung=report.full_rung)
    return report.model_copy(update={"trials": trials})


def accuracy_axis(report: Report, more: list[float]) -> Axis:
    """Give the axis of what a search maximises, over ``more`` and all trials but stragglers."""
    scores = [trial.accuracy for trial in report.trials if has_result(trial)]
    values = without_stragglers(scores) + more
    return make_axis(_accuracy_name(report), values, round_percent, zero=False)


def kinds_of(report: Report) -> dict[int, Kind]:
    """Give the kind of each trial's mark by its id."""
    top = top_rung(report)
    kinds: dict[int, Kind] = {}
    for trial in report.trials:
        kind: Kind = "last" if trial.rung == top else "early"
        kind = "front" if trial.trial_id in report.front else kind
        kinds[trial.trial_id] = kind if has_result(trial) else "failed"
    return kinds


def top_rung(report: Report) -> int:
    """Give the highest rung that a trial finished."""
    return max((trial.rung for trial in report.trials if has_result(trial)), default=0)


def winner_score(report: Report, winner: Winner) -> float:
    """Give what the search maximised, of a student at full length."""
    if report.data.labelled and winner.validation_accuracy is not None:
        return winner.validation_accuracy
    return winner.validation_agreement


def has_result(trial: Trial) -> bool:
    """Whether a trial finished a rung and did not fail."""
    return bool(trial.observations) and trial.failure is None


def round_percent(value: float) -> str:
    """Give a fraction at a tick, such as ``40 %``."""
    return f"{100 * value:.4g} %"


def _accuracy_name(report: Report) -> str:
    return "accuracy, validation" if report.data.labelled else "agreement with the teacher"


def _trial_mark(trial: Trial, kind: Kind, x: float, y: Axis) -> Mark:
    cost = trial.candidate.cost
    size = f"{format_count(cost.params)} parameters, {format_bytes(cost.memory_bytes)} memory"
    latency = latency_cell(cost)
    costs = f"{size} (estimate), {latency.text} ({latency.note})"
    if not has_result(trial):
        why = trial.failure.kind if trial.failure else "no rung was finished"
        return Mark(x, 100.0, kind, f"Trial {trial.trial_id}: {why}. {costs}")
    title = f"Trial {trial.trial_id}, rung {trial.rung}: {percent(trial.accuracy)}. {costs}"
    return Mark(x, round(100 - y.place(trial.accuracy), 2), kind, title)

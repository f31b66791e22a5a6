"""How far off the runs of a race are over its course: what its figures show of each strategy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from autokd.search.pool import FloatArray
from tools.race.judge import recommended_scores, regret_of, score_of_none, target_score
from tools.race.tables import Table
from tools.race.traces import Run

Clock = Literal["evaluations", "full trainings"]

_PLACES = 120  # at which a curve is read, evenly on a logarithmic axis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Quartiles over the runs of one strategy, each value held up to the next place.

    Attributes:
        at: (k,) rising; the last is where the curve ends, because half of the runs had ended.
        low: (k,) first quartile of the regret.
        middle: (k,) median.
        high: (k,) third quartile.
    """

    strategy: str
    at: FloatArray
    low: FloatArray
    middle: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One table.

    Attributes:
        table: Its name.
        target: Regret of the worst row of the top share.
        curves: Of the strategies with something to show.
    """

    table: str
    target: float
    curves: tuple[Curve, ...]


def panel_of(table: Table, runs: Sequence[Run], clock: Clock) -> Panel:
    """Read the regret of all runs on a table by a clock.

    The clock is of trials begun, or of simulated seconds in full trainings of a feasible row of
    mean cost. Before its first recommendation a run has the regret of the worst feasible row.
    """
    steps = {
        name: [_steps(run, table, clock) for run in runs if run.strategy == name]
        for name in dict.fromkeys(run.strategy for run in runs)
    }
    ends = {name: float(np.median([at[-1] for at, _ in each])) for name, each in steps.items()}
    begun = [at[at > 0][0] for each in steps.values() for at, _ in each if at[-1] > 0]
    curves = tuple(
        _curve(name, each, _places(min(begun), ends[name], clock))
        for name, each in steps.items()
        if begun and ends[name] >= min(begun)
    )
    target = float(regret_of(target_score(table), table))
    return Panel(table=table.name, target=target, curves=curves)


def _steps(run: Run, table: Table, clock: Clock) -> tuple[FloatArray, FloatArray]:
    """Give places on the clock, 0 first, and the regret from each on."""
    trace = run.trace
    at = trace.evaluations if clock == "evaluations" else trace.seconds / _full_seconds(table)
    scores = np.concatenate([[score_of_none(table)], recommended_scores(trace, table)])
    return np.concatenate([[0.0], at]), regret_of(scores, table)


def _full_seconds(table: Table) -> float:
    return float(table.seconds[table.feasible()].mean())


def _places(start: float, end: float, clock: Clock) -> FloatArray:
    """Give where a curve is read, from start to end; whole numbers of evaluations."""
    places = np.geomspace(start, end, _PLACES)
    return np.unique(np.rint(places) if clock == "evaluations" else places)


def _curve(name: str, steps: Sequence[tuple[FloatArray, FloatArray]], places: FloatArray) -> Curve:
    held = [regret[np.searchsorted(at, places, side="right") - 1] for at, regret in steps]
    low, middle, high = np.quantile(held, [0.25, 0.5, 0.75], axis=0)
    return Curve(strategy=name, at=places, low=low, middle=middle, high=high)

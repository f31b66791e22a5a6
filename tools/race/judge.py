"""What one run is judged by: how soon it recommends a good row, how far off it is, and its front.

All of it reads the true scores of the table, which no search sees; those in a file of runs are
rounded and are not compared. Rows that break the limits count for nothing.
"""

from dataclasses import dataclass

import numpy as np

from autokd.search.pool import FloatArray
from tools.race.tables import BoolArray, Table
from tools.race.traces import NONE_YET, IntArray, Rules, Trace

TOP_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a run took to arrive, in evaluations or in seconds.

    Attributes:
        counted: What it counts as: the cap where it never arrived, or did later than the cap.
        least: What it took at least; below ``counted`` where a run that never arrived had stopped
            short of the cap.
        is_over: It took longer than ``least``, nobody knows how much.
    """

    counted: float
    least: float
    is_over: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a run first recommended a row of a score that was wanted.

    Attributes:
        evaluations: Trials begun until then.
        seconds: Simulated training seconds until then.
        missed: It never did.
    """

    evaluations: Wait
    seconds: Wait
    missed: bool


def top_rows(table: Table, *, share: float = TOP_SHARE) -> int:
    """Give how many of the feasible rows are the best ``share``, one at least."""
    return max(int(share * table.feasible().sum()), 1)


def target_score(table: Table, *, share: float = TOP_SHARE) -> float:
    """Give the lowest true score of the best ``share`` of the feasible rows."""
    scores = np.sort(table.true_scores[table.feasible()])[::-1]
    return float(scores[top_rows(table, share=share) - 1])


def arrival(trace: Trace, table: Table, *, target: float, rules: Rules) -> Arrival:
    """Tell when a run arrived; later recommendations of worse rows do not count against it.

    Args:
        trace: Of the run; may have ended early, or hold no job at all.
        table: What was searched.
        target: True score that is to be reached.
        rules: Of the run, for the caps.
    """
    reached = _has_feasible(trace, table) & (table.true_scores[trace.recommended] >= target)
    jobs = np.flatnonzero(reached)
    first = int(jobs[0]) if len(jobs) else None
    return Arrival(
        _wait(trace.evaluations, first, cap=rules.evaluations),
        _wait(trace.seconds, first, cap=rules.seconds(table)),
        missed=first is None,
    )


def recommended_scores(trace: Trace, table: Table) -> FloatArray:
    """Give the true score of the recommended row after each job, (jobs,).

    As long as there is no recommendation it is that of the worst feasible row.
    """
    recommended = table.true_scores[trace.recommended]
    return np.where(_has_feasible(trace, table), recommended, score_of_none(table))


def score_of_none(table: Table) -> float:
    """Give what counts as the true score without a recommendation: the worst feasible one."""
    return float(table.true_scores[table.feasible()].min())


def score_after(trace: Trace, table: Table, *, evaluations: int) -> float:
    """Give the true score of what is recommended after so many trials."""
    jobs = int(np.searchsorted(trace.evaluations, evaluations, side="right"))
    return float(recommended_scores(trace, table)[jobs - 1]) if jobs else score_of_none(table)


def regret_of(true_score: float | FloatArray, table: Table) -> FloatArray:
    """Give how far off rows with such true scores are, in the shape of ``true_score``.

    0 is the best feasible row, 1 the median one: the distance to the best true score, divided by
    that of the median.
    """
    scores = table.true_scores[table.feasible()]
    best, middle = scores.max(), np.median(scores)
    assert best > middle, f"{table.name}: half of the rows are the best"
    return np.asarray((best - true_score) / (best - middle))


def hypervolume(trace: Trace, table: Table) -> FloatArray:
    """Give the area that the rows trained so far dominate, as a share of what all rows would.

    The objectives are true score, larger is better, and use of the tightest limit, smaller is
    better. Only rows that were trained at full length count, and those that failed do not. The area
    lies above the median true score of the feasible rows, since the worst rows of a table would
    make any front look alike, and left of a use of 1. Without limits it is the best true score
    alone.

    Returns:
        (jobs,) in 0..1.
    """
    feasible = table.feasible()
    floor = float(np.median(table.true_scores[feasible]))
    gain = np.where(feasible, np.maximum(table.true_scores - floor, 0.0), 0.0)
    best = dominated_area(gain[feasible], table.use[feasible])
    if best == 0:
        return np.zeros(len(trace.place))
    is_full = trace.length_index == len(table.lengths) - 1
    counts = is_full & (trace.score > 0) & feasible[trace.place]
    front = np.empty(0, dtype=np.int64)
    areas, area = [], 0.0
    for place, is_counted in zip(trace.place, counts, strict=True):
        better = (gain[front] >= gain[place]) & (table.use[front] <= table.use[place])
        if is_counted and not better.any():
            worse = (gain[front] <= gain[place]) & (table.use[front] >= table.use[place])
            front = np.append(front[~worse], place)
            area = dominated_area(gain[front], table.use[front])
        areas.append(area)
    return np.array(areas) / best


def area_after(areas: FloatArray, trace: Trace, *, evaluations: int) -> float:
    """Give the `hypervolume` after so many trials; the last one where the run was shorter."""
    jobs = int(np.searchsorted(trace.evaluations, evaluations, side="right"))
    return float(areas[jobs - 1]) if jobs else 0.0


def dominated_area(gain: FloatArray, use: FloatArray) -> float:
    """Give the area under the staircase of the best gain at each use of 0..1.

    Args:
        gain: (n,) not negative.
        use: (n,) in 0..1.
    """
    order = np.argsort(use)
    height = np.maximum.accumulate(gain[order])
    width = np.diff(np.append(use[order], 1.0))
    return float((height * width).sum())


def _has_feasible(trace: Trace, table: Table) -> BoolArray:
    """Tell after which jobs a feasible row is recommended, (jobs,)."""
    return np.asarray((trace.recommended != NONE_YET) & table.feasible()[trace.recommended])


def _wait(spent: FloatArray | IntArray, first: int | None, *, cap: float) -> Wait:
    """Give the wait until job ``first``, of what was spent after each job, (jobs,)."""
    if first is None:
        return Wait(cap, min(float(spent[-1]) if len(spent) else 0.0, cap), is_over=True)
    at = min(float(spent[first]), cap)
    return Wait(at, at, is_over=bool(spent[first] > cap))

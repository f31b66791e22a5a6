"""What races are judged by: how soon a search recommends one of the best rows, and its front.

All of it reads true scores, which no search sees. Rows that break the limits count for nothing.
"""

from dataclasses import dataclass

import numpy as np

from autokd.search.pool import FloatArray
from tools.race.tables import Table
from tools.race.traces import Rules, Run, Trace

TOP_SHARE = 0.005
RESAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a search first recommended a row of the top share.

    Attributes:
        evaluations: Trials begun until then; the cap when it never did.
        seconds: Simulated training seconds until then; the cap when it never did or was later.
        missed: It never did.
    """

    evaluations: int
    seconds: float
    missed: bool


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of medians with its bootstrap interval."""

    ratio: float
    low: float
    high: float


def target_score(table: Table, *, share: float = TOP_SHARE) -> float:
    """Give the lowest true score of the best ``share`` of the feasible rows, of one at least."""
    scores = np.sort(table.true_scores[table.feasible()])[::-1]
    return float(scores[max(int(share * len(scores)), 1) - 1])


def arrival(
    trace: Trace,
    table: Table,
    *,
    cap_evaluations: int,
    cap_seconds: float,
    share: float = TOP_SHARE,
) -> Arrival:
    """Tell when a search arrived; later recommendations of worse rows do not count against it."""
    feasible = table.feasible()
    is_top = feasible[trace.recommended] & (trace.true_score >= target_score(table, share=share))
    found = np.flatnonzero(is_top & (trace.recommended >= 0))
    if not len(found):
        return Arrival(cap_evaluations, cap_seconds, missed=True)
    job = found[0]
    return Arrival(
        min(int(trace.evaluations[job]), cap_evaluations),
        min(float(trace.seconds[job]), cap_seconds),
        missed=False,
    )


def arrival_of(run: Run, table: Table) -> Arrival:
    """Tell when a run arrived, with the caps of its rules."""
    rules: Rules = run.rules
    return arrival(
        run.trace,
        table,
        cap_evaluations=rules.evaluations,
        cap_seconds=rules.seconds(table),
    )


def ratio_of_medians(
    slower: FloatArray, faster: FloatArray, *, seed: int = 0, resamples: int = RESAMPLES
) -> Ratio:
    """Give median(slower) / median(faster), with a percentile bootstrap interval.

    Both samples are drawn anew on their own: runs of one seed share no more than the seed. Misses
    that stand at the cap make the ratio one of what was seen, not of what would have been.

    Args:
        slower: (n,) positive numbers, such as evaluations until arrival.
        faster: (m,) the same of another strategy.
        seed: Of the resampling.
        resamples: How often.
    """
    rng = np.random.default_rng(seed)
    medians = [
        np.median(rng.choice(sample, size=(resamples, len(sample))), axis=1)
        for sample in (slower, faster)
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians[0] / medians[1], [tail, 1 - tail])
    return Ratio(float(np.median(slower) / np.median(faster)), float(low), float(high))


def hypervolume(trace: Trace, table: Table) -> FloatArray:
    """Give the area that the rows trained so far dominate, as a share of what all rows would.

    The objectives are true score, larger is better, and use of the tightest limit, smaller is
    better. Only rows that were trained at full length count. The area lies above the median true
    score of the feasible rows, since the worst rows of a table would make any front look alike,
    and left of a use of 1. Without limits it is the best true score alone.

    Returns:
        (jobs,) in 0..1.
    """
    feasible = table.feasible()
    floor = float(np.median(table.true_scores[feasible]))
    gain = np.where(feasible, np.maximum(table.true_scores - floor, 0.0), 0.0)
    best = dominated_area(gain[feasible], table.use[feasible])
    counts = (trace.length_index == len(table.lengths) - 1) & feasible[trace.place]
    areas, front = [], np.empty(0, dtype=np.int64)
    area = 0.0
    for place, is_counted in zip(trace.place, counts, strict=True):
        if is_counted and place not in front:
            front = np.append(front, place)
            area = dominated_area(gain[front], table.use[front])
        areas.append(area)
    return np.array(areas) / best if best > 0 else np.zeros(len(areas))


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

"""How each strategy stands on a table: what all its runs together came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from autokd.search.pool import FloatArray
from tools.race.judge import (
    Arrival,
    area_after,
    arrival,
    hypervolume,
    regret_of,
    score_after,
    target_score,
    top_rows,
)
from tools.race.ratios import Waits, middle_of
from tools.race.tables import Table
from tools.race.traces import Rules, Run, Trace

Measure = Literal["evaluations", "seconds"]

RANDOM = "random"
LAST_SUGGESTIONS = 10
# Evaluations; with two objectives a search is held against another that had ten times as many.
_AREA_ENDS = (50, 500)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """One strategy on one table; all arrays are (runs,).

    Attributes:
        seeds: Of its runs, rising.
        missed: Share of the runs that never recommended a row of the top share.
        evaluations: Until they did.
        seconds: Until they did, of simulated training.
        like_random: Evaluations until it recommended as good a row as each of random's runs did
            after `TableStandings.random_after`, from the worst of these to the best; empty where
            random did not race.
        areas: `tools.race.judge.hypervolume` after each number of `area_ends`, and at the end of
            the run; empty without limits, where there is one objective.
        suggestion_seconds: Median processor time of a new trial's suggestion, NaN without any.
        last_suggestion_seconds: The same of the last ten of each run.
        final_regret: Median at the end of the runs.
    """

    strategy: str
    seeds: tuple[int, ...]
    missed: float
    evaluations: Waits
    seconds: Waits
    like_random: tuple[Waits, ...]
    areas: tuple[FloatArray, ...]
    suggestion_seconds: float
    last_suggestion_seconds: float
    final_regret: float

    def waits(self, measure: Measure) -> Waits:
        """Give the waits until the top share by a measure."""
        return self.evaluations if measure == "evaluations" else self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStandings:
    """All strategies on one table.

    Attributes:
        table: Its name.
        rows: Of the table.
        feasible_rows: That keep the limits.
        top_rows: That are looked for.
        top_regret: Of the worst of them.
        lengths: Of training that there are scores for.
        full_seconds: Of the full training of a feasible row, on average.
        random_after: Evaluations of random search whose result the others are timed to.
        random_regret: What half of its runs have after these; None where it did not race.
        standings: In the order of their first runs.
    """

    table: str
    rows: int
    feasible_rows: int
    top_rows: int
    top_regret: float
    lengths: int
    full_seconds: float
    random_after: int
    random_regret: float | None
    standings: tuple[Standing, ...]

    def of(self, strategy: str) -> Standing | None:
        """Give the standing of a strategy, None when it did not race."""
        return next((s for s in self.standings if s.strategy == strategy), None)


def judge_table(table: Table, runs: Sequence[Run], *, after: int) -> TableStandings:
    """Judge all runs on a table.

    Args:
        table: What was searched.
        runs: On it, of equal rules, one at least.
        after: Evaluations of random search whose result the others are timed to.
    """
    names = dict.fromkeys(run.strategy for run in runs)
    random_runs = [run for run in runs if run.strategy == RANDOM]
    random_scores = sorted(score_after(r.trace, table, evaluations=after) for r in random_runs)
    random_regret = None
    if random_scores:
        half = random_scores[middle_of(len(random_scores))]
        random_regret = float(regret_of(half, table))
    feasible = table.feasible()
    return TableStandings(
        table=table.name,
        rows=len(table.points),
        feasible_rows=int(feasible.sum()),
        top_rows=top_rows(table),
        top_regret=float(regret_of(target_score(table), table)),
        lengths=len(table.lengths),
        full_seconds=float(table.seconds[feasible].mean()),
        random_after=after,
        random_regret=random_regret,
        standings=tuple(
            _judge_strategy([r for r in runs if r.strategy == name], table, random_scores)
            for name in names
        ),
    )


def area_ends(rules: Rules) -> tuple[int, ...]:
    """Give the evaluations after which areas are read, besides the end of the runs."""
    return tuple(end for end in _AREA_ENDS if end < rules.evaluations)


def _judge_strategy(runs: Sequence[Run], table: Table, random_scores: Sequence[float]) -> Standing:
    arrivals = _arrivals(runs, table, target_score(table))
    like_random = [_arrivals(runs, table, score) for score in random_scores]
    seconds = [_suggestion_seconds(run.trace) for run in runs]
    finals = [score_after(r.trace, table, evaluations=r.rules.evaluations) for r in runs]
    return Standing(
        strategy=runs[0].strategy,
        seeds=tuple(sorted(run.seed for run in runs)),
        missed=float(np.mean([a.missed for a in arrivals])),
        evaluations=Waits.of([a.evaluations for a in arrivals]),
        seconds=Waits.of([a.seconds for a in arrivals]),
        like_random=tuple(Waits.of([a.evaluations for a in each]) for each in like_random),
        areas=() if table.limits.is_empty() else _areas(runs, table),
        suggestion_seconds=_median(np.concatenate(seconds)),
        last_suggestion_seconds=_median(np.concatenate([s[-LAST_SUGGESTIONS:] for s in seconds])),
        final_regret=float(np.median(regret_of(np.array(finals), table))),
    )


def _arrivals(runs: Sequence[Run], table: Table, target: float) -> list[Arrival]:
    return [arrival(run.trace, table, target=target, rules=run.rules) for run in runs]


def _areas(runs: Sequence[Run], table: Table) -> tuple[FloatArray, ...]:
    ends = (*area_ends(runs[0].rules), runs[0].rules.evaluations)
    areas = [hypervolume(run.trace, table) for run in runs]
    pairs = list(zip(areas, [run.trace for run in runs], strict=True))
    return tuple(np.array([area_after(a, t, evaluations=end) for a, t in pairs]) for end in ends)


def _suggestion_seconds(trace: Trace) -> FloatArray:
    """Give the seconds of each new trial; of a trial that goes on nothing had to be modelled."""
    is_new = np.diff(trace.evaluations, prepend=0) > 0
    return np.asarray(trace.optimiser_seconds[is_new])


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if len(values) else float("nan")

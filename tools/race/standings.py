"""How each strategy stands on a table: what all its runs together came to."""

from collections.abc import Mapping, Sequence
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
from tools.race.traces import Run, Trace

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
        cap: Evaluations of its runs, at most.
        missed: Share of the runs that never recommended a row of the top share.
        evaluations: Until they did.
        seconds: Until they did, of simulated training.
        like_random: Evaluations until it recommended as good a row as each of random's runs did
            after `TableStandings.random_after`, from the worst of these to the best; empty where
            random did not race.
        like_random_seconds: Simulated seconds until then, likewise.
        areas: `tools.race.judge.hypervolume` by the evaluations after which it is read: those of
            `area_ends`, and ``cap``; empty without limits, where there is one objective.
        suggestion_seconds: Median processor time of a new trial's suggestion, NaN without any.
        last_suggestion_seconds: The same of the last ten of each run.
        final_regret: Median after `TableStandings.shortest` evaluations.
    """

    strategy: str
    seeds: tuple[int, ...]
    cap: int
    missed: float
    evaluations: Waits
    seconds: Waits
    like_random: tuple[Waits, ...]
    like_random_seconds: tuple[Waits, ...]
    areas: Mapping[int, FloatArray]
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
        shortest: Evaluations of the strategy with the fewest; others may be let run longer.
        shortest_seconds: Simulated seconds that a miss of that strategy counts as.
        random_after: Evaluations of random search whose result the others are timed to.
        random_after_seconds: What half of its runs had spent by then; 0 where it did not race.
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
    shortest: int
    shortest_seconds: float
    random_after: int
    random_after_seconds: float
    random_regret: float | None
    standings: tuple[Standing, ...]

    def of(self, strategy: str) -> Standing | None:
        """Give the standing of a strategy, None when it did not race."""
        return next((s for s in self.standings if s.strategy == strategy), None)


def judge_table(table: Table, runs: Sequence[Run], *, after: int) -> TableStandings:
    """Judge all runs on a table.

    Args:
        table: What was searched.
        runs: On it, one at least; their rules are equal within a strategy, and between two but for
            evaluations.
        after: Evaluations of random search whose result the others are timed to.
    """
    names = dict.fromkeys(run.strategy for run in runs)
    random_runs = [run for run in runs if run.strategy == RANDOM]
    random_scores = sorted(score_after(r.trace, table, evaluations=after) for r in random_runs)
    random_regret = None
    if random_scores:
        half = random_scores[middle_of(len(random_scores))]
        random_regret = float(regret_of(half, table))
    spent = [_seconds_after(run.trace, evaluations=after) for run in random_runs]
    shortest = min((run.rules for run in runs), key=lambda rules: rules.evaluations)
    feasible = table.feasible()
    return TableStandings(
        table=table.name,
        rows=len(table.points),
        feasible_rows=int(feasible.sum()),
        top_rows=top_rows(table),
        top_regret=float(regret_of(target_score(table), table)),
        lengths=len(table.lengths),
        full_seconds=float(table.seconds[feasible].mean()),
        shortest=shortest.evaluations,
        shortest_seconds=shortest.seconds(table),
        random_after=after,
        random_after_seconds=float(np.median(spent)) if spent else 0.0,
        random_regret=random_regret,
        standings=tuple(
            _judge_strategy(
                [r for r in runs if r.strategy == name],
                table,
                random_scores,
                shortest=shortest.evaluations,
            )
            for name in names
        ),
    )


def area_ends(cap: int) -> tuple[int, ...]:
    """Give the evaluations after which areas are read, besides the end of the runs at ``cap``."""
    return tuple(end for end in _AREA_ENDS if end < cap)


def _judge_strategy(
    runs: Sequence[Run], table: Table, random_scores: Sequence[float], *, shortest: int
) -> Standing:
    arrivals = _arrivals(runs, table, target_score(table))
    like_random = [_arrivals(runs, table, score) for score in random_scores]
    seconds = [_suggestion_seconds(run.trace) for run in runs]
    finals = [score_after(r.trace, table, evaluations=shortest) for r in runs]
    return Standing(
        strategy=runs[0].strategy,
        seeds=tuple(sorted(run.seed for run in runs)),
        cap=runs[0].rules.evaluations,
        missed=float(np.mean([a.missed for a in arrivals])),
        evaluations=Waits.of([a.evaluations for a in arrivals]),
        seconds=Waits.of([a.seconds for a in arrivals]),
        like_random=tuple(Waits.of([a.evaluations for a in each]) for each in like_random),
        like_random_seconds=tuple(Waits.of([a.seconds for a in each]) for each in like_random),
        areas={} if table.limits.is_empty() else _areas(runs, table),
        suggestion_seconds=_median(np.concatenate(seconds)),
        last_suggestion_seconds=_median(np.concatenate([s[-LAST_SUGGESTIONS:] for s in seconds])),
        final_regret=float(np.median(regret_of(np.array(finals), table))),
    )


def _arrivals(runs: Sequence[Run], table: Table, target: float) -> list[Arrival]:
    return [arrival(run.trace, table, target=target, rules=run.rules) for run in runs]


def _areas(runs: Sequence[Run], table: Table) -> Mapping[int, FloatArray]:
    cap = runs[0].rules.evaluations
    areas = [hypervolume(run.trace, table) for run in runs]
    pairs = list(zip(areas, [run.trace for run in runs], strict=True))
    return {
        end: np.array([area_after(a, t, evaluations=end) for a, t in pairs])
        for end in (*area_ends(cap), cap)
    }


def _seconds_after(trace: Trace, *, evaluations: int) -> float:
    """Give the simulated seconds of so many trials; those of the run where it was shorter."""
    jobs = int(np.searchsorted(trace.evaluations, evaluations, side="right"))
    return float(trace.seconds[jobs - 1]) if jobs else 0.0


def _suggestion_seconds(trace: Trace) -> FloatArray:
    """Give the seconds of each new trial; of a trial that goes on nothing had to be modelled."""
    is_new = np.diff(trace.evaluations, prepend=0) > 0
    return np.asarray(trace.optimiser_seconds[is_new])


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if len(values) else float("nan")

"""A small table whose answers are known in closed form."""

import numpy as np

from autokd.core.cost import Limits
from autokd.search.ranking import by_accuracy
from tools.race.tables import Table, middles, row_cost
from tools.race.traces import NONE_YET, Rules, Run, Trace

SIDE = 10


def made_up_table(*, lengths=(1.0,), members=1, limits=None) -> Table:
    """Give 100 rows, a grid of 10 by 10 choices.

    Row 10 i + j has params 100 + i + j, full training of 10 + i seconds, and the true score
    (i + 10 j) / 100 + 0.005, so that row 99 is the best and row 90 + j is the best of its column.
    At lower lengths the score is that of the full length times the length. Member m is 0.001 m
    above the first.
    """
    i, j = np.divmod(np.arange(SIDE * SIDE), SIDE)
    full = (i + 10 * j) / 100 + 0.005
    scores = np.stack(
        [np.stack([full * s + 0.001 * m for s in lengths], 1) for m in range(members)], 1
    )
    choices = (SIDE, SIDE)
    return Table(
        name="made-up",
        points=middles(np.column_stack([i, j]), choices),
        choices=choices,
        descriptors=(i + j)[:, None].astype(float),
        limits=Limits() if limits is None else limits,
        costs=[row_cost(params=100 + int(n)) for n in i + j],
        lengths=lengths,
        seconds=10.0 + i,
        scores=scores,
    )


class Script:
    """A peer that asks for given rows, the last one again and again, and keeps what it is told."""

    def __init__(self, asks) -> None:
        self._asks = list(asks)
        self.told = []

    def ask(self):
        return self._asks[min(len(self.told), len(self._asks) - 1)]

    def tell(self, place, length_index, score, seconds):
        self.told.append((place, length_index, score, seconds))


class Listed:
    """A strategy of autokd that proposes the nearest rows to given points, all on one rung."""

    def __init__(self, space, *, seed, ladder, points, first=0) -> None:
        self.ladder = ladder
        self._space = space
        self._points = points
        self._first = first

    def first_rung(self, trial_id):
        return self._first

    def ranking(self, trials, rung):
        return by_accuracy(trials, rung)

    def propose(self, trials, *, trial_id):
        return self._space.draw(self._points[trial_id], member_seed=trial_id, origin="random")


def hand_made(*steps, lengths=1, cpu_seconds=0.5) -> Trace:
    """Give a trace on `made_up_table` of (evaluations, seconds, recommended row, NONE_YET if none).

    Each job trains the recommended row in full; where there is none it trains row 0 and fails.
    """
    columns = np.array(steps, dtype=np.float64).reshape(-1, 3).T
    evaluations, seconds, recommended = columns[0], columns[1], columns[2].astype(np.int64)
    known = recommended != NONE_YET
    true_scores = made_up_table().true_scores
    return Trace(
        place=np.where(known, recommended, 0),
        length_index=np.full(len(steps), lengths - 1),
        score=np.where(known, 0.5, 0.0),
        evaluations=evaluations.astype(np.int64),
        seconds=seconds,
        recommended=recommended,
        true_score=np.where(known, true_scores[recommended], 0.0),
        optimiser_seconds=np.full(len(steps), cpu_seconds),
    )


def run_of(trace, *, strategy="script", seed=0, table="made-up", **rules) -> Run:
    """Give a run of at most 20 evaluations, if the rules do not say otherwise."""
    rules = Rules(**{"evaluations": 20, **rules})
    return Run(table=table, strategy=strategy, seed=seed, rules=rules, trace=trace)

"""A small table whose answers are known in closed form."""

import numpy as np

from autokd.core.cost import Limits
from tools.race.tables import Table, middles, row_cost

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

    def propose(self, trials, *, trial_id):
        return self._space.draw(self._points[trial_id], member_seed=trial_id, origin="random")

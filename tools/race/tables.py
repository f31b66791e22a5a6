"""A table of trained networks in memory, and the space that a search sees of it.

A row of a table is a network (or the hyper-parameters of one) with a point of the unit cube, scores
of one or more members (training seeds) at one or more lengths of training, exact costs and
training seconds. A search sees points, costs, descriptors and the scores that it asked for; true
scores are the judge's alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from autokd.core.cost import Cost, Limits
from autokd.core.family import FamilyParams
from autokd.core.trial import Candidate, DistillParams, Origin
from autokd.search.pool import FloatArray

BoolArray = NDArray[np.bool_]

FEASIBLE_SHARE = 0.3

# The search is written for families of students; of a candidate it reads member, cost and origin
# alone, so every row of a table is of one and the same family.
_FAMILY = FamilyParams(
    preset="paper",
    top_nodes=3,
    top_degree=2,
    top_rewire=0.5,
    mid_nodes=1,
    mid_edge=0.5,
    bottom_nodes=3,
    bottom_degree=2,
    bottom_rewire=0.5,
    input_px=32,
)


class Entry(Candidate):
    """What a search proposes: a row of the table, and which of its members.

    Attributes:
        place: Row of the table.
        member_seed: Number of the member, 0 to the row's members - 1.
        cost: Of the row, exact; limits are checked on it.
    """

    place: int
    family: FamilyParams = _FAMILY
    distill: DistillParams = DistillParams(temperature=1.0, alpha=0.0)
    base_width: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """One benchmark; n rows, d coordinates, k descriptors.

    Attributes:
        name: As it is called on the command line.
        points: (n, d) in the unit cube; a choice lies at the middle of its interval, as
            `autokd.space.dimension.Choice.encode` gives it.
        choices: Number of values of each coordinate, 0 for a real one.
        descriptors: (n, k) numbers that are known before training; k may be 0.
        limits: What is feasible; none set where the table has no costs.
        costs: Of each row. What the table does not have is 0.
        lengths: Shares of full training at which there are scores, rising; the last is 1.
        seconds: (n,) simulated seconds of full training.
        scores: (n, members, lengths) validation scores in 0..1, higher is better; 0 where training
            diverged, NaN in the last places of rows that have fewer members than others.
    """

    name: str
    points: FloatArray
    choices: tuple[int, ...]
    descriptors: FloatArray
    limits: Limits
    costs: Sequence[Cost]
    lengths: tuple[float, ...]
    seconds: FloatArray
    scores: FloatArray

    def __post_init__(self) -> None:
        rows, dimension = self.points.shape
        assert len(self.choices) == dimension, self.choices
        assert self.scores.shape[0] == rows, self.scores.shape
        assert self.scores.shape[2] == len(self.lengths), self.lengths
        assert len(self.costs) == len(self.seconds) == len(self.descriptors) == rows
        assert list(self.lengths) == sorted(set(self.lengths)), self.lengths
        assert self.lengths[-1] == 1.0, self.lengths
        missing = np.asarray(np.isnan(self.scores).any(axis=2))
        assert not missing[:, 0].any(), "rows without a member"
        assert (missing[:, 1:] >= missing[:, :-1]).all(), "members are missing before the last ones"

    def members(self, place: int) -> int:
        """Give how many members a row has."""
        return int(self._members[place])

    def score(self, place: int, member_seed: int, length_index: int) -> float:
        """Give the validation score of a member, in 0..1; 0 where it diverged."""
        return float(self.scores[place, member_seed % self.members(place), length_index])

    def seconds_until(self, place: int, length_index: int) -> float:
        """Give the simulated seconds from the start of training to the end of a length."""
        return float(self.seconds[place] * self.lengths[length_index])

    def true_score(self, place: int) -> float:
        """Give the mean over members of the score at full length; for the judge alone."""
        return float(self.true_scores[place])

    @cached_property
    def true_scores(self) -> FloatArray:
        """`true_score` of every row, (n,); for the judge alone."""
        return np.asarray(np.nanmean(self.scores[:, :, -1], axis=1))

    @cached_property
    def use(self) -> FloatArray:
        """Share of the tightest limit that each row uses, (n,); 0 without limits."""
        if self.limits.is_empty():
            return np.zeros(len(self.points))
        return np.array([self.limits.utilisation(cost) for cost in self.costs])

    def feasible(self) -> BoolArray:
        """Tell which rows keep the limits, (n,)."""
        return np.asarray(self.use <= 1.0)

    @cached_property
    def _members(self) -> NDArray[np.int64]:
        return np.asarray((~np.isnan(self.scores).any(axis=2)).sum(axis=1))


class TableSpace:
    """A table as `autokd.search.pool.Space`: points of the cube in, rows out.

    Attributes:
        dimension: Length of a point.
        limits: Of the table; none where infeasible rows are not free, so that a search can only
            learn from scores which rows these are.
        revision: Rows do not change.
    """

    revision = 0

    def __init__(self, table: Table, *, free_infeasible: bool = True) -> None:
        """Look at ``table``.

        Args:
            table: Holds the rows.
            free_infeasible: Whether limits are checked before training. If not, infeasible rows
                are drawn like others.
        """
        self.dimension = table.points.shape[1]
        self.limits = table.limits if free_infeasible else Limits()
        self._table = table
        self._drawn = table.feasible() if free_infeasible else np.full(len(table.points), True)
        self._nearest = _nearest_in(table)

    def starts(self) -> Sequence[FloatArray]:
        """Give no points: nothing is known of a table."""
        return ()

    def draw(self, point: FloatArray, *, member_seed: int, origin: Origin) -> Entry | None:
        """Give the row nearest to ``point``, (d,); None when it is infeasible."""
        place = self._nearest(point)
        if not self._drawn[place]:
            return None
        return Entry(
            place=place,
            member_seed=member_seed % self._table.members(place),
            cost=self._table.costs[place],
            origin=origin,
        )

    def point(self, candidate: Candidate) -> FloatArray:
        """Give the point of the candidate's row, (d,)."""
        return np.asarray(self._table.points[place_of(candidate)])

    def descriptors(self, candidate: Candidate) -> FloatArray:
        """Give the descriptors of the candidate's row, (k,)."""
        return np.asarray(self._table.descriptors[place_of(candidate)])


def _nearest_in(table: Table) -> Callable[[FloatArray], int]:
    """Give the function that finds the row nearest to a point, (d,)."""
    if 0 in table.choices or len(table.points) != prod(table.choices):
        tree = cKDTree(table.points)
        return lambda point: int(tree.query(point)[1])
    # All combinations are there: the row is known by the intervals that the coordinates fall in.
    counts = np.array(table.choices)
    rows = np.full(table.choices, -1)
    rows[tuple((table.points * counts).astype(np.int64).T)] = np.arange(len(table.points))
    assert (rows >= 0).all(), f"{table.name}: two rows at one point"
    return lambda point: int(rows[tuple(np.minimum((point * counts).astype(int), counts - 1))])


def place_of(candidate: Candidate) -> int:
    """Give the row of a candidate that a `TableSpace` drew."""
    assert isinstance(candidate, Entry), type(candidate)
    return candidate.place


def middles(values: NDArray[np.integer], choices: Sequence[int]) -> FloatArray:
    """Give numbers of choices, (n, d), as points of the unit cube."""
    return np.asarray((values + 0.5) / np.asarray(choices))


def score_of_losses(losses: FloatArray) -> FloatArray:
    """Map losses, not negative, to 0..1: 1 / (1 + loss^(1/4)), and 0 for what is not finite.

    The fourth root keeps losses from 1e-5 to 1e35 apart; near 1 the map is linear in the logarithm
    of the loss. It uses nothing of the table but the loss itself.
    """
    finite = np.isfinite(losses)
    root = np.power(np.where(finite, losses, 1.0), 0.25)
    return np.where(finite, 1.0 / (1.0 + root), 0.0)


def row_cost(*, params: int = 0, macs: int = 0, latency_ms: float = 0.0) -> Cost:
    """Give a cost of what tables have; the rest is 0."""
    return Cost(
        params=params,
        macs=macs,
        size_bytes=4 * params,
        activation_bytes=0,
        memory_bytes=0,
        latency_ms=latency_ms,
        latency_low_ms=latency_ms,
        latency_high_ms=latency_ms,
    )


def low_quantile(values: NDArray[np.floating | np.integer]) -> float:
    """Give the value that ``FEASIBLE_SHARE`` of ``values`` keep."""
    return float(np.quantile(values.astype(np.float64), FEASIBLE_SHARE, method="lower"))

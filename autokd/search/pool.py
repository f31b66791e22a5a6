"""Candidates that a strategy may choose from; each of them fits the limits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autokd.core.cost import Limits
from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Origin, Trial
from autokd.errors import InfeasibleError
from autokd.search.front import pareto_front

FloatArray = NDArray[np.float64]

RANDOM_TRIES = 2000
_BLOCK = 16  # random members that a suggestion adds
_WINDOW = 16  # blocks that a suggestion looks at
_NEIGHBOURS = 16
_STEPS = 16  # members around the best of the pool, each round
_TRIES_PER_MEMBER = 4
_STEP = 0.12  # of the unit interval, standard deviation
_JUMPS = 0.5  # share of changes that are to any value


class Space(Protocol):
    """What the search needs of a student space; `autokd.space.students.StudentSpace` is one."""

    @property
    def dimension(self) -> int:
        """Length of a point."""
        ...

    @property
    def limits(self) -> Limits:
        """What every member keeps."""
        ...

    @property
    def revision(self) -> int:
        """Another number whenever `draw` would size members in another way than before."""
        ...

    def starts(self) -> Sequence[FloatArray]:
        """Give points that are known to do well, to try first; none where nothing is known."""
        ...

    def draw(self, point: FloatArray, *, member_seed: int, origin: Origin) -> Candidate | None:
        """Draw a member of the family at a point of the unit cube; None when it is infeasible."""
        ...

    def point(self, candidate: Candidate) -> FloatArray:
        """Give the point that a candidate was drawn at, the inverse of `draw` up to rounding."""
        ...

    def descriptors(self, candidate: Candidate) -> FloatArray:
        """Describe a member in numbers, without training it."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate with what a surrogate sees of it.

    Attributes:
        features: Point of the unit cube, then descriptors; (dimension + descriptors,).
    """

    candidate: Candidate
    features: FloatArray


def describe_member(space: Space, candidate: Candidate) -> Member:
    """Give a candidate with its features."""
    features = np.concatenate([space.point(candidate), space.descriptors(candidate)])
    return Member(candidate, features)


def random_candidate(space: Space, seed: int, *, origin: Origin) -> Candidate:
    """Draw uniformly from the unit cube until a member fits the limits.

    Raises:
        InfeasibleError: None of many fits.
    """
    rng = np.random.default_rng(seed)
    for attempt in range(RANDOM_TRIES):
        found = space.draw(
            rng.random(space.dimension),
            member_seed=derive_seed(seed, "member", attempt),
            origin=origin,
        )
        if found is not None:
            return found
    limits = space.limits.model_dump(exclude_none=True)
    msg = (
        f"limits {limits}: none of {RANDOM_TRIES} students drawn at random fits; raise a limit "
        "('autokd compress --dry-run' shows which one binds)."
    )
    raise InfeasibleError(msg)


class Pool:
    """Random members and neighbours of the front.

    The random members are numbered in blocks, and suggestion t looks at the blocks up to t, so a
    suggestion draws one block anew and finds the others in memory. What it gives depends on its
    arguments alone; the memory only saves time.
    """

    def __init__(self, space: Space, *, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._blocks: dict[int, tuple[Member, ...]] = {}
        self._described: dict[int, Member] = {}
        self._design: list[Candidate] = []
        self._reference: tuple[Member, ...] | None = None
        self._revision = space.revision

    def initial(self, number: int, *, design: int) -> Candidate | None:
        """Give point ``number`` of the ``design`` first ones.

        These are those that the space starts with, then such that are spread evenly over the cube.
        Infeasible points are replaced by the next of the sequence.

        Returns:
            None when the sequence holds too few feasible points.
        """
        self._forget_older_sizes()
        if not self._design:
            self._design = list(self._draw_design(design))
        return self._design[number] if number < len(self._design) else None

    def describe(self, trials: Sequence[Trial]) -> list[Member]:
        """Give the candidates of ``trials`` with their features."""
        for trial in trials:
            if trial.trial_id not in self._described:
                self._described[trial.trial_id] = describe_member(self._space, trial.candidate)
        return [self._described[trial.trial_id] for trial in trials]

    def reference(self) -> tuple[Member, ...]:
        """Give some members at random, always the same: the first block."""
        if self._reference is None:
            self._reference = self._blocks.get(0) or tuple(self._draw_block(0))
        return self._reference

    def members(self, trials: Sequence[Trial], *, trial_id: int) -> list[Member]:
        """Give the candidates for trial ``trial_id``; some hundreds, or none in a tiny space."""
        self._forget_older_sizes()
        first = max(0, trial_id - _WINDOW + 1)
        self._blocks = {n: b for n, b in self._blocks.items() if n >= first}
        for number in range(first, trial_id + 1):
            if number not in self._blocks:
                self._blocks[number] = tuple(self._draw_block(number))
        random = [m for n in range(first, trial_id + 1) for m in self._blocks[n]]
        return self._not_tried([*random, *self._draw_neighbours(trials, trial_id)], trials)

    def around(
        self, centres: Sequence[Member], trials: Sequence[Trial], *, trial_id: int, number: int
    ) -> list[Member]:
        """Give members that differ from one of ``centres`` in one or two coordinates.

        Args:
            centres: Where to step from.
            trials: What was tried already is left out.
            trial_id: That the suggestion is for.
            number: Of the round; each draws others.
        """
        points = [self._space.point(centre.candidate) for centre in centres]
        seed = derive_seed(self._seed, "around", trial_id, number)
        return self._not_tried(self._steps_from(points, seed, _STEPS), trials)

    def _forget_older_sizes(self) -> None:
        """Draw anew what was sized before the space learnt how fast its device is."""
        if self._revision != self._space.revision:
            self._revision = self._space.revision
            self._blocks, self._design = {}, []

    def _draw_design(self, size: int) -> Iterator[Candidate]:
        from scipy.stats import qmc  # takes longer to import than all else here

        sobol = qmc.Sobol(
            self._space.dimension, rng=np.random.default_rng(derive_seed(self._seed, "design"))
        )
        spread = sobol.random_base2((8 * size - 1).bit_length())
        points = [*self._space.starts(), *spread]
        found = 0
        for number, point in enumerate(points):
            seed = derive_seed(self._seed, "design", number)
            candidate = self._space.draw(point, member_seed=seed, origin="prior")
            if candidate is not None:
                yield candidate
                found += 1
            if found == size:
                return

    def _draw_block(self, number: int) -> Iterator[Member]:
        seed = derive_seed(self._seed, "pool", number)
        rng = np.random.default_rng(seed)
        points = (rng.random(self._space.dimension) for _ in range(_BLOCK * _TRIES_PER_MEMBER))
        yield from self._feasible(points, seed, _BLOCK)

    def _draw_neighbours(self, trials: Sequence[Trial], trial_id: int) -> Iterator[Member]:
        front = set(pareto_front(trials, self._space.limits))
        centres = [self._space.point(t.candidate) for t in trials if t.trial_id in front]
        if not centres:
            return
        seed = derive_seed(self._seed, "neighbours", trial_id)
        yield from self._steps_from(centres, seed, _NEIGHBOURS)

    def _steps_from(self, centres: Sequence[FloatArray], seed: int, count: int) -> Iterator[Member]:
        rng = np.random.default_rng(seed)
        points = (
            _neighbour(centres[number % len(centres)], rng)
            for number in range(count * _TRIES_PER_MEMBER)
        )
        yield from self._feasible(points, seed, count)

    def _not_tried(self, members: Iterable[Member], trials: Sequence[Trial]) -> list[Member]:
        tried = {self._identity(t.candidate) for t in trials}
        return [m for m in members if self._identity(m.candidate) not in tried]

    def _feasible(self, points: Iterator[FloatArray], seed: int, count: int) -> Iterator[Member]:
        found = 0
        for number, point in enumerate(points):
            member_seed = derive_seed(seed, "member", number)
            candidate = self._space.draw(point, member_seed=member_seed, origin="acquisition")
            if candidate is not None:
                yield describe_member(self._space, candidate)
                found += 1
            if found == count:
                return

    def _identity(self, candidate: Candidate) -> bytes:
        """Name the family and how it is taught: another member of it is nothing new to try."""
        return self._space.point(candidate).tobytes()


def _neighbour(centre: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Change one or two coordinates, by a small step or to any value.

    A choice has no order, so that its best value may be far from the one that it has.
    """
    point = centre.copy()
    changed = rng.choice(len(centre), size=min(int(rng.integers(1, 3)), len(centre)), replace=False)
    near = point[changed] + rng.normal(0.0, _STEP, size=len(changed))
    jumps = rng.random(len(changed)) < _JUMPS
    point[changed] = np.where(jumps, rng.random(len(changed)), near)
    return np.clip(point, 0.0, 1.0)

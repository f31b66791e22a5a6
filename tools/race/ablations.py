"""The default strategy with one part taken away, to see what that part gives.

All switches are here: the product has none of them.
"""

from collections.abc import Callable, Mapping, Sequence
from unittest import mock

from autokd.core.cost import Limits
from autokd.core.trial import Candidate, Origin, Trial
from autokd.search.pool import FloatArray, Space
from autokd.search.rungs import Ladder
from autokd.search.strategies import AutoKDStrategy

__all__ = ["ABLATIONS", "NEED_LENGTHS"]


class _SameSpace:
    """Passes all on to another space; what is derived from it changes one answer."""

    def __init__(self, space: Space) -> None:
        self._space = space

    @property
    def dimension(self) -> int:
        return self._space.dimension

    @property
    def limits(self) -> Limits:
        return self._space.limits

    @property
    def revision(self) -> int:
        return self._space.revision

    def starts(self) -> Sequence[FloatArray]:
        return self._space.starts()

    def draw(self, point: FloatArray, *, member_seed: int, origin: Origin) -> Candidate | None:
        return self._space.draw(point, member_seed=member_seed, origin=origin)

    def point(self, candidate: Candidate) -> FloatArray:
        return self._space.point(candidate)

    def descriptors(self, candidate: Candidate) -> FloatArray:
        return self._space.descriptors(candidate)


class _Undescribed(_SameSpace):
    def descriptors(self, candidate: Candidate) -> FloatArray:
        return self._space.descriptors(candidate)[:0]


class _OneMember(_SameSpace):
    def draw(self, point: FloatArray, *, member_seed: int, origin: Origin) -> Candidate | None:  # noqa: ARG002 - the one thing that is taken away
        return self._space.draw(point, member_seed=0, origin=origin)


def without_descriptors(space: Space, *, seed: int, ladder: Ladder) -> AutoKDStrategy:
    """Make one whose surrogate sees the point alone."""
    return AutoKDStrategy(_Undescribed(space), seed=seed, ladder=ladder)


def with_single_members(space: Space, *, seed: int, ladder: Ladder) -> AutoKDStrategy:
    """Make one to which each row is a single network: always the first member of the family.

    A run is still judged by all members. It differs only on tables with several members of a row.
    """
    return AutoKDStrategy(_OneMember(space), seed=seed, ladder=ladder)


class RawOutcomes(AutoKDStrategy):
    """Learns accuracies as they are, shifted and scaled to a variance of 1; failures are 0."""

    def propose(self, trials: Sequence[Trial], *, trial_id: int) -> Candidate:
        """As the default strategy does, of raw outcomes."""
        with _raw_outcomes():
            return super().propose(trials, trial_id=trial_id)

    def ranking(self, trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
        """As the default strategy does, of raw outcomes."""
        with _raw_outcomes():
            return super().ranking(trials, rung)


class FullLength(AutoKDStrategy):
    """Trains all in full at once."""

    def first_rung(self, trial_id: int) -> int:  # noqa: ARG002 - the same for all
        """Start every trial on the last rung."""
        return self.ladder.last


def _raw_outcomes() -> "mock._patch[Callable[[FloatArray], FloatArray]]":
    """Take ranks away while a surrogate is fitted, which looks their function up each time."""
    from autokd.search import surrogate  # brings torch

    return mock.patch.object(surrogate, "rank_normal", _as_they_are)


def _as_they_are(values: FloatArray) -> FloatArray:
    return values


ABLATIONS: Mapping[str, Callable[..., AutoKDStrategy]] = {
    "autokd-no-descriptors": without_descriptors,
    "autokd-raw-outcomes": RawOutcomes,
    "autokd-full-length": FullLength,
    "autokd-single-members": with_single_members,
}
"""By name; each is called with (space, *, seed, ladder)."""

NEED_LENGTHS = frozenset({"autokd-full-length"})
"""Those that are the default strategy on a table of one length."""

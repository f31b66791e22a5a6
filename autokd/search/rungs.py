"""Which trials are trained for longer: successive halving without waiting, by rank in a rung.

References:
    [ASHA]: L. Li et al. A System for Massively Parallel Hyperparameter Tuning. arXiv:1810.05934.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from autokd.core.trial import Trial, TrialState
from autokd.search.ranking import in_turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Rungs of growing length; each is ``eta`` times as long as the one below.

    Attributes:
        rungs: Number of rungs; trials start on rung 0.
        eta: One in ``eta`` of the trials of a rung goes on to the next.
        min_last: Trials that the last rung holds at the end, if so many trials lived.
        reused: Share of the time of a rung that a trial which goes on does not train again.
    """

    rungs: int
    eta: float = 3.0
    min_last: int = 3
    reused: float = 1.0

    def __post_init__(self) -> None:
        assert self.rungs >= 1, f"rungs = {self.rungs}"  # noqa: S101
        assert self.eta > 1, f"eta = {self.eta}"  # noqa: S101
        assert self.min_last >= 1, f"min_last = {self.min_last}"  # noqa: S101
        assert 0 <= self.reused <= 1, f"reused = {self.reused}"  # noqa: S101

    @property
    def last(self) -> int:
        """The highest rung."""
        return self.rungs - 1

    def added_seconds(self, until: float, *, spent: float) -> float:
        """Give what training up to a length adds to one that is over, both as if never paused."""
        return max(until - self.reused * spent, 0.0)


def ranked(trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
    """Give the trials that are done with ``rung``, best first; equal ones by id.

    A failed trial counts as worst on every rung that it was on, so that its place on the ladder
    goes to the next. One that was too slow was on none.
    """
    done = [t for t in trials if _is_done(t, rung)]
    return tuple(sorted(done, key=lambda t: (t.failure is not None, -_score(t, rung), t.trial_id)))


def promotable(trials: Sequence[Trial], ladder: Ladder) -> tuple[Trial, ...]:
    """Give the trials that earned the next rung, those on high rungs first.

    Of the n trials that are done with a rung ``n / eta``, rounded down, go on, in turns the best of
    all and the best of the slower half; how many more will come is not waited for.
    """
    found: list[Trial] = []
    for rung in range(ladder.last - 1, -1, -1):
        order = in_turns(ranked(trials, rung), rung)
        best = order[: int(len(order) / ladder.eta)]
        found += [t for t in best if _waits_on(t, rung)]
    return tuple(found)


def closing(
    trials: Sequence[Trial], ladder: Ladder, *, stuck: Collection[int] = ()
) -> tuple[Trial, ...]:
    """Give the trials that go on when no new ones are started, those on high rungs first.

    On each rung those go on, in turns the best of all and of the slower half, until the rung above
    holds ``min_last`` trials, those on the way included, except the ``stuck``: ids of trials that
    will not get there.
    """
    found: list[Trial] = []
    for rung in range(ladder.last - 1, -1, -1):
        missing = ladder.min_last - sum(_reaches(t, rung + 1, stuck) for t in trials)
        order = in_turns(ranked(trials, rung), rung)
        waiting = [t for t in order if _waits_on(t, rung)]
        found += waiting[: max(missing, 0)]
    return tuple(found)


def climbers_missing(
    trials: Sequence[Trial], ladder: Ladder, *, stuck: Collection[int] = ()
) -> int:
    """Give how many of the living trials that are not ``stuck`` the last rung still lacks."""
    living = [t for t in trials if t.failure is None and t.trial_id not in stuck]
    there = sum(_reaches(t, ladder.last, stuck) for t in living)
    return max(min(ladder.min_last, len(living)) - there, 0)


def _is_done(trial: Trial, rung: int) -> bool:
    if trial.failure is not None:
        return trial.failure.rung >= rung and not trial.too_slow
    return trial.rung >= rung


def _score(trial: Trial, rung: int) -> float:
    return next((o.accuracy for o in trial.observations if o.fidelity.rung == rung), 0.0)


def _waits_on(trial: Trial, rung: int) -> bool:
    return trial.state is TrialState.PAUSED and trial.rung == rung


def _reaches(trial: Trial, rung: int, stuck: Collection[int]) -> bool:
    """Whether the trial is done with ``rung`` or, not being stuck, on the way there now."""
    if trial.state is TrialState.FAILED:
        return False
    on_the_way = (
        trial.state in (TrialState.ASKED, TrialState.RUNNING) and trial.trial_id not in stuck
    )
    return trial.rung + int(on_the_way) >= rung

"""What to run next, and what came of it: ask and tell, with every step in the ledger first."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from autokd.core.trial import Candidate, Failure, Fidelity, Observation, Trial
from autokd.errors import InfeasibleError
from autokd.search.events import Job
from autokd.search.ledger import Ledger
from autokd.search.rungs import climbers_missing, closing, promotable
from autokd.search.slowdown import slowdown
from autokd.search.strategies import Strategy

FidelityOf = Callable[[Candidate, int], Fidelity]

# So many candidates in a row that a target finds too slow are no accident.
MOST_TOO_SLOW = 20


class Screen(Protocol):
    """Looks at a candidate before it becomes a trial."""

    def __call__(self, trial_id: int, candidate: Candidate) -> Candidate | Failure:
        """Give the candidate to train, which may be a narrower one, or why none is."""
        ...


def let_pass(trial_id: int, candidate: Candidate) -> Candidate:  # noqa: ARG001 - see Screen
    """Take every candidate as it is."""
    return candidate


# Below this many results their speed says too little about that of the next.
_MIN_PACE_RESULTS = 3


class Study:
    """Hands out jobs and takes results.

    Its state is the ledger alone: a study on the ledger of a killed one goes on where that one was.
    Jobs that were out at that moment are handed out again, once, before anything else.

    Attributes:
        ledger: Where it writes.
    """

    def __init__(
        self,
        ledger: Ledger,
        strategy: Strategy,
        *,
        fidelity_of: FidelityOf,
        max_trials: int | None = None,
        screen: Screen = let_pass,
    ) -> None:
        """Go on from what ``ledger`` holds.

        Args:
            ledger: Open for writing.
            strategy: Proposes the candidates of new trials, and says how they climb.
            fidelity_of: How long a candidate is trained up to a rung, earlier rungs included.
            max_trials: No trial is started beyond this many, failed ones included, those that
                ``screen`` refused not; None for no such end.
            screen: Sees each new candidate before it is a trial. One that it refuses becomes a
                trial that failed, so that nobody proposes it again.
        """
        self.ledger = ledger
        self._strategy = strategy
        self._ladder = strategy.ladder
        self._fidelity_of = fidelity_of
        self._max_trials = max_trials
        self._screen = screen
        self._left_over = deque(ledger.unfinished())
        self._out: set[tuple[int, int]] = set()

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, by id."""
        return self.ledger.trials()

    def ask(self, *, seconds_left: float = math.inf, workers: int = 1) -> Job | None:
        """Give the next job, which is then in the ledger; None when there is none at this moment.

        Left-over jobs of an earlier session come first, then promotions, then a new trial, and when
        no new one may start, the promotions that fill the last rung.

        Args:
            seconds_left: Nothing is handed out that would last longer than this.
            workers: How many jobs run side by side.

        Raises:
            InfeasibleError: No candidate meets the limits, as predicted or as measured.
            StorageError: The ledger cannot be written.
        """
        trials = self.trials
        pace = slowdown(trials, self._ladder, fewest_results=_MIN_PACE_RESULTS)
        for job in self._waiting(trials):
            if pace * self._job_seconds(job, trials) <= seconds_left:
                return self._hand_out(job)
        return self._new_or_closing(trials, seconds_left=seconds_left / pace, workers=workers)

    def started(self, job: Job) -> None:
        """Record that a worker begins with ``job``."""
        self.ledger.started(job)

    def tell(self, job: Job, result: Observation | Failure) -> None:
        """Record what came of ``job``.

        Raises:
            AssertionError: This job is not out; a defect of ours.
            StorageError: The ledger cannot be written.
        """
        assert job.key in self._out, f"trial and rung {job.key} are not out"  # noqa: S101
        if isinstance(result, Failure):
            self.ledger.failed(job.trial_id, result)
        else:
            assert result.fidelity.rung == job.fidelity.rung, "result of another rung"  # noqa: S101
            self.ledger.observed(job.trial_id, result)
        self._out.remove(job.key)

    def _waiting(self, trials: tuple[Trial, ...]) -> Iterator[Job]:
        yield from tuple(self._left_over)
        for trial in promotable(trials, self._ladder):
            yield self._next_rung(trial)

    def _new_or_closing(
        self, trials: tuple[Trial, ...], *, seconds_left: float, workers: int
    ) -> Job | None:
        refused: Failure | None = None
        for _ in range(MOST_TOO_SLOW):
            if not self._may_start(trials, seconds_left=seconds_left, workers=workers):
                break
            trial_id = trials[-1].trial_id + 1 if trials else 0
            proposed = self._strategy.propose(trials, trial_id=trial_id)
            seen = self._screen(trial_id, proposed)
            candidate = proposed if isinstance(seen, Failure) else seen
            fidelity = self._fidelity_of(candidate, self._strategy.first_rung(trial_id))
            if fidelity.seconds > seconds_left:
                break
            job = Job(trial_id=trial_id, candidate=candidate, fidelity=fidelity)
            if not isinstance(seen, Failure):
                return self._hand_out(job)
            refused = seen
            self.ledger.asked(job)
            self.ledger.failed(trial_id, refused)
            trials = self.trials
        else:
            assert refused is not None  # noqa: S101 - the loop ended without a break
            msg = (
                f"the last {MOST_TOO_SLOW} students that were timed on the target are all too "
                f"slow, the last one: {refused.message} Raise --max-latency-ms, or 'autokd devices "
                "calibrate' the profile on this target."
            )
            raise InfeasibleError(msg)
        for trial in closing(trials, self._ladder, stuck=self._stuck()):
            job = self._next_rung(trial)
            if self._job_seconds(job, trials) <= seconds_left:
                return self._hand_out(job)
        return None

    def _may_start(self, trials: tuple[Trial, ...], *, seconds_left: float, workers: int) -> bool:
        """Whether a new trial may start, and leaves time to bring the best to the last rung."""
        begun = sum(not trial.too_slow for trial in trials)
        if self._max_trials is not None and begun >= self._max_trials:
            return False
        if not trials:
            return True
        start = self._strategy.first_rung(trials[-1].trial_id + 1)
        first = self._fidelity_of(trials[-1].candidate, start).seconds
        last = self._fidelity_of(trials[-1].candidate, self._ladder.last).seconds
        # One round at least: a trial that could not climb any more would be started for nothing.
        missing = climbers_missing(trials, self._ladder, stuck=self._stuck())
        rounds = max(1, math.ceil(missing / workers))
        climb = self._ladder.added_seconds(last, spent=first)
        return first + rounds * climb <= seconds_left

    def _stuck(self) -> frozenset[int]:
        """Give the trials whose left-over jobs are too long for the time that is left."""
        return frozenset(job.trial_id for job in self._left_over)

    def _hand_out(self, job: Job) -> Job:
        if job in self._left_over:
            self._left_over.remove(job)
        else:
            self.ledger.asked(job)
        self._out.add(job.key)
        return job

    def _next_rung(self, trial: Trial) -> Job:
        fidelity = self._fidelity_of(trial.candidate, trial.rung + 1)
        return Job(trial_id=trial.trial_id, candidate=trial.candidate, fidelity=fidelity)

    def _job_seconds(self, job: Job, trials: tuple[Trial, ...]) -> float:
        """Give the training time that a job adds to what its trial has had."""
        observations = next((t.observations for t in trials if t.trial_id == job.trial_id), ())
        spent = observations[-1].fidelity.seconds if observations else 0.0
        return self._ladder.added_seconds(job.fidelity.seconds, spent=spent)

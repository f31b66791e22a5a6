"""The ledger of a study that need not outlive its process."""

from autokd.core.trial import Failure, Observation, Trial, TrialState
from autokd.search.events import Job


class MemoryLedger:
    """Trials and open jobs, with the methods of `autokd.search.ledger.Ledger` that a study calls.

    Trials and jobs keep the objects that they were given, candidates of other classes included.
    """

    def __init__(self) -> None:
        self._trials: dict[int, Trial] = {}
        self._unfinished: dict[tuple[int, int], Job] = {}

    def asked(self, job: Job) -> None:
        """Record that ``job`` is handed out."""
        self._unfinished[job.key] = job
        if job.trial_id in self._trials:
            self._change(job.trial_id, state=TrialState.RUNNING)
        else:
            self._trials[job.trial_id] = Trial.model_construct(
                trial_id=job.trial_id, candidate=job.candidate, state=TrialState.ASKED
            )

    def started(self, job: Job) -> None:
        """Record that a worker begins."""
        self._change(job.trial_id, state=TrialState.RUNNING)

    def observed(self, trial_id: int, observation: Observation) -> None:
        """Record a result."""
        earlier = self._trials[trial_id].observations
        del self._unfinished[trial_id, observation.fidelity.rung]
        self._change(trial_id, state=TrialState.PAUSED, observations=(*earlier, observation))

    def failed(self, trial_id: int, failure: Failure) -> None:
        """Record that the trial ends without a result."""
        del self._unfinished[trial_id, failure.rung]
        self._change(trial_id, state=TrialState.FAILED, failure=failure)

    def trials(self) -> tuple[Trial, ...]:
        """Give all trials, by id; a study numbers them in rising order."""
        return tuple(self._trials.values())

    def unfinished(self) -> tuple[Job, ...]:
        """Give the jobs that were handed out and have no result, in the order of asking."""
        return tuple(self._unfinished.values())

    def _change(self, trial_id: int, **changes: object) -> None:
        self._trials[trial_id] = self._trials[trial_id].model_copy(update=changes)

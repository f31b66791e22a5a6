"""Jobs that are known beforehand, run by the loop of a search and kept in the same ledger."""

from collections.abc import Sequence

from autokd.core.trial import Failure, Observation, Trial
from autokd.search.ledger import Job, Ledger


class JobList:
    """Hands out given jobs, except those that the ledger has a result of.

    Attributes:
        ledger: Where it writes.
    """

    def __init__(self, ledger: Ledger, jobs: Sequence[Job]) -> None:
        self.ledger = ledger
        trials = {trial.trial_id: trial for trial in ledger.trials()}
        self._asked = {job.key for job in ledger.unfinished()}
        self._waiting = [job for job in jobs if not _is_done(job, trials.get(job.trial_id))]

    def ask(self, *, seconds_left: float, workers: int) -> Job | None:  # noqa: ARG002 - see JobSource
        """Give the next job, which is then in the ledger; None when all are out."""
        if not self._waiting:
            return None
        job = self._waiting.pop(0)
        if job.key not in self._asked:
            self.ledger.asked(job)
        return job

    def started(self, job: Job) -> None:
        """Record that a worker begins with ``job``."""
        self.ledger.started(job)

    def tell(self, job: Job, result: Observation | Failure) -> None:
        """Record what came of ``job``."""
        if isinstance(result, Failure):
            self.ledger.failed(job.trial_id, result)
        else:
            self.ledger.observed(job.trial_id, result)


def _is_done(job: Job, trial: Trial | None) -> bool:
    if trial is None:
        return False
    return trial.failure is not None or trial.rung >= job.fidelity.rung

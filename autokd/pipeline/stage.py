"""What every step of training students needs, and jobs that are run side by side."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from autokd.core.config import RunConfig
from autokd.core.trial import Candidate
from autokd.distill.evaluator import StudentEvaluator, WorkerSetup
from autokd.pipeline.hardware import screening
from autokd.pipeline.plan import RunPlan
from autokd.pipeline.step_progress import StepProgress
from autokd.search.executors import ProcessExecutor
from autokd.search.joblist import JobList
from autokd.search.ledger import Job, Ledger
from autokd.search.loop import run_search
from autokd.search.study import Screen
from autokd.space.students import StudentSpace


@dataclass(frozen=True, slots=True)
class Stage:
    """What every step needs."""

    config: RunConfig
    plan: RunPlan
    space: StudentSpace
    setup: WorkerSetup
    ledger: Ledger
    steps: StepProgress

    def screening(
        self, hold_back: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> AbstractContextManager[Screen]:
        """Give what sees each new candidate, see `autokd.pipeline.hardware`."""
        return screening(
            self.config.target,
            self.space,
            self.plan,
            self.ledger,
            say=self.steps.say,
            hold_back=hold_back,
        )

    def job(self, trial_id: int, candidate: Candidate, rung: int) -> Job:
        """Give the job that trains a student up to a rung."""
        fidelity = self.plan.lengths.fidelity(self.space.program(candidate), rung)
        return Job(trial_id=trial_id, candidate=candidate, fidelity=fidelity)

    def run(self, jobs: Sequence[Job], what: str) -> None:
        """Run jobs side by side; a single one gets all the threads."""
        if not jobs:
            return
        cores = self.plan.workers * self.plan.threads
        workers = min(len(jobs), self.plan.workers)
        seconds = max(job.fidelity.seconds for job in jobs)
        self.steps.begin_seconds(what, seconds, since=self.ledger.spent_seconds)
        with ProcessExecutor(
            StudentEvaluator(self.setup), workers=workers, threads=max(1, cores // workers)
        ) as executor:
            run_search(
                JobList(self.ledger, jobs),
                executor,
                deadline_seconds=float("inf"),
                on_event=self.steps,
            )
        self.steps.end()

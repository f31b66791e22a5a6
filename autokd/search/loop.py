"""The loop of a search: keep all workers busy until there is nothing left to run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from autokd.core.trial import Failure, Observation
from autokd.errors import StoppedError
from autokd.search.events import Job
from autokd.search.executors import Executor
from autokd.search.ledger import Ledger
from autokd.search.worker_process import Outcome

# How long a kill can make the ledger forget of the time spent.
_HEARTBEAT_SECONDS = 1.0
# When so many first jobs all fail, the fault is not the candidates'.
_FAILURES_TO_STOP = 8


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a person may want to see.

    Attributes:
        kind: ``waiting`` comes about once a second while jobs run.
        spent_seconds: Of the search, all sessions together.
        job: What it is about; None for ``waiting``.
        result: Once there is one.
    """

    kind: Literal["started", "observed", "failed", "waiting"]
    spent_seconds: float
    job: Job | None = None
    result: Observation | Failure | None = None


class JobSource(Protocol):
    """What the loop needs of a study, or of anything else that hands out jobs."""

    @property
    def ledger(self) -> Ledger:
        """Where time is counted."""
        ...

    def ask(self, *, seconds_left: float, workers: int) -> Job | None:
        """Give the next job, or None when there is none at this moment."""
        ...

    def started(self, job: Job) -> None:
        """Take note that a worker begins."""
        ...

    def tell(self, job: Job, result: Observation | Failure) -> None:
        """Take a result."""
        ...


def ignore(event: Event) -> None:
    """Do nothing."""


def run_search(
    study: JobSource,
    executor: Executor,
    *,
    deadline_seconds: float | None = None,
    on_event: Callable[[Event], None] = ignore,
) -> None:
    """Run ``study`` until it has nothing more to run.

    Whatever ends it early ends the workers too, at once, and leaves a ledger to go on from.

    Args:
        study: Hands out the jobs.
        executor: Left open at a normal end.
        deadline_seconds: Search time, all sessions together, at which the last job is to be done; a
            job that cannot be is not started. None when the study has an end of its own.
        on_event: Told what happens.

    Raises:
        InfeasibleError: No candidate meets the limits.
        StorageError: The disk is full or refuses.
        StoppedError: The first jobs of this session all failed.
    """
    clock = _Clock(study.ledger)
    guard = _FailureGuard()
    try:
        while True:
            while executor.running < executor.workers:
                left = (
                    float("inf") if deadline_seconds is None else deadline_seconds - clock.spent()
                )
                job = study.ask(seconds_left=left, workers=executor.workers)
                if job is None:
                    break
                study.started(job)
                executor.submit(job)
                on_event(Event("started", clock.spent(), job))
            if executor.running == 0:
                return
            outcomes = executor.collect(_HEARTBEAT_SECONDS)
            clock.save()
            for outcome in outcomes:
                study.tell(outcome.job, outcome.result)
                on_event(_event_of(outcome, clock.spent()))
                guard.see(outcome.result)
            if not outcomes:
                on_event(Event("waiting", clock.spent()))
    except BaseException:
        executor.close()
        raise
    finally:
        clock.save()


def _event_of(outcome: Outcome, spent_seconds: float) -> Event:
    kind: Literal["observed", "failed"] = (
        "failed" if isinstance(outcome.result, Failure) else "observed"
    )
    return Event(kind, spent_seconds, outcome.job, outcome.result)


class _Clock:
    """Search time of all sessions together, saved in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._saved_seconds = ledger.spent_seconds
        self._since = time.monotonic()

    def spent(self) -> float:
        return self._saved_seconds + time.monotonic() - self._since

    def save(self) -> None:
        now = time.monotonic()
        self._ledger.add_seconds(now - self._since)
        self._saved_seconds += now - self._since
        self._since = now


class _FailureGuard:
    """Stops a search in which nothing works."""

    def __init__(self) -> None:
        self._failures: int | None = 0  # None: something has worked

    def see(self, result: Observation | Failure) -> None:
        if self._failures is None or isinstance(result, Observation):
            self._failures = None
            return
        self._failures += 1
        if self._failures >= _FAILURES_TO_STOP:
            msg = (
                f"the first {self._failures} students all failed, the last with "
                f"{result.kind}: {result.message}. Remove the cause, then go on with "
                "'autokd resume'."
            )
            raise StoppedError(msg)

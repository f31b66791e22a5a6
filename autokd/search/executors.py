"""Where jobs run: in this process, or in worker processes that may die without harm to the run."""

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing import connection
from typing import Protocol

from autokd.core.closing import Closing
from autokd.core.trial import Evaluator
from autokd.errors import StorageError
from autokd.search.events import Job
from autokd.search.worker import evaluate
from autokd.search.worker_process import Outcome, WorkerProcess


class Executor(Protocol):
    """Runs jobs side by side. `close` ends what still runs."""

    @property
    def workers(self) -> int:
        """How many jobs run side by side."""
        ...

    @property
    def running(self) -> int:
        """How many jobs are out."""
        ...

    def submit(self, job: Job) -> None:
        """Begin with ``job``; only when fewer than `workers` are out."""
        ...

    def collect(self, timeout_seconds: float) -> tuple[Outcome, ...]:
        """Wait until a job ends, at most so long, and give what has ended.

        Raises:
            StorageError: A worker cannot write; the job has no result.
        """
        ...

    def held_back(self) -> AbstractContextManager[None]:
        """Stop all workers for a while, so that something can be timed on this machine."""
        ...

    def close(self) -> None:
        """End all workers, at once, whatever they do."""
        ...


class InlineExecutor:
    """Runs one job at a time in this process, while `collect` waits for it."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._job: Job | None = None

    @property
    def workers(self) -> int:
        """How many jobs run side by side."""
        return 1

    @property
    def running(self) -> int:
        """How many jobs are out."""
        return int(self._job is not None)

    def submit(self, job: Job) -> None:
        """Keep ``job`` for `collect`."""
        assert self._job is None, "the executor is busy"  # noqa: S101
        self._job = job

    def collect(self, timeout_seconds: float) -> tuple[Outcome, ...]:  # noqa: ARG002 - see Executor
        """Run the job to its end.

        Raises:
            StorageError: The evaluator cannot write; the job has no result.
        """
        if self._job is None:
            return ()
        job, self._job = self._job, None
        result = evaluate(self._evaluator, job)
        if isinstance(result, StorageError):
            raise result
        return (Outcome(job, result),)

    def held_back(self) -> AbstractContextManager[None]:
        """Do nothing: a job runs in `collect` alone."""
        return nullcontext()

    def close(self) -> None:
        """Forget the job."""
        self._job = None


class ProcessExecutor(Closing):
    """Runs jobs in worker processes.

    A worker that dies is replaced and its job is run once more; if that dies too, the job has
    failed. Workers are a process and a pipe each, not a shared pool, so that it is known which job
    a worker died of, and so that one can be ended while it works. They ignore Ctrl-C, which is
    for the driver to answer, and do not outlive it, even when it is killed.
    """

    def __init__(self, evaluator: Evaluator, *, workers: int, threads: int) -> None:
        """Prepare; processes start with the first jobs.

        Args:
            evaluator: Sent to each worker once; it must pickle.
            workers: How many processes.
            threads: Threads that each may use for computation.
        """
        self._slots = [WorkerProcess(evaluator, threads) for _ in range(workers)]

    @property
    def workers(self) -> int:
        """How many jobs run side by side."""
        return len(self._slots)

    @property
    def running(self) -> int:
        """How many jobs are out."""
        return sum(slot.job is not None for slot in self._slots)

    def submit(self, job: Job) -> None:
        """Give ``job`` to an idle worker."""
        idle = next((slot for slot in self._slots if slot.job is None), None)
        assert idle is not None, "the executor is busy"  # noqa: S101
        idle.begin(job)

    def collect(self, timeout_seconds: float) -> tuple[Outcome, ...]:
        """Wait until a job ends, at most so long, and give what has ended.

        Raises:
            StorageError: A worker cannot write; the job has no result.
        """
        busy = {slot.pipe: slot for slot in self._slots if slot.job is not None}
        # A pipe is also ready, with end of file, when the process at its other end is gone.
        ready = connection.wait(list(busy), timeout_seconds)
        ended = [busy[pipe].take() for pipe in busy if pipe in ready]
        return tuple(outcome for outcome in ended if outcome is not None)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Stop all workers for a while, so that something can be timed on this machine."""
        for slot in self._slots:
            slot.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for slot in self._slots:
                slot.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End all workers, at once, whatever they do."""
        for slot in self._slots:
            slot.kill()

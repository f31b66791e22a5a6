"""Where jobs run: in this process, or in worker processes that may die without harm to the run."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from autokd.core.trial import Evaluator, Failure, Observation
from autokd.errors import StorageError
from autokd.search.events import Job
from autokd.search.worker import evaluate, serve

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

# A worker may be killed by a passing shortage of memory that is not its job's fault.
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job."""

    job: Job
    result: Observation | Failure


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

    def close(self) -> None:
        """Forget the job."""
        self._job = None


class ProcessExecutor:
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
        self._slots = [_Worker(evaluator, threads) for _ in range(workers)]

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

    def close(self) -> None:
        """End all workers, at once, whatever they do."""
        for slot in self._slots:
            slot.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Worker:
    """One process, its pipe and the job it is at."""

    def __init__(self, evaluator: Evaluator, threads: int) -> None:
        self.job: Job | None = None
        self._evaluator = evaluator
        self._threads = threads
        self._attempt = 0
        self._process: SpawnProcess | None = None
        self._pipe: connection.Connection | None = None

    @property
    def pipe(self) -> connection.Connection:
        assert self._pipe is not None, "the worker has not been started"  # noqa: S101
        return self._pipe

    def begin(self, job: Job, *, attempt: int = 1) -> None:
        self.job, self._attempt = job, attempt
        if self._process is None:
            self._start()
        try:
            self.pipe.send(job)
        except (
            BrokenPipeError,
            ConnectionResetError,
        ):  # died while idle, so of no job; `take` would blame this one
            self.kill()
            self._start()
            self.job = job
            self.pipe.send(job)

    def take(self) -> Outcome | None:
        """Give the outcome; None when the worker died and the job runs once more.

        Raises:
            StorageError: The worker cannot write.
        """
        job = self.job
        assert job is not None, "the worker has no job"  # noqa: S101
        try:
            result = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            code = self.kill()
            if self._attempt < _ATTEMPTS:
                self.begin(job, attempt=self._attempt + 1)
                return None
            message = (
                f"the training process ended by itself {_ATTEMPTS} times, at last with exit code "
                f"{code}; -9 often means that memory ran out (fewer --workers need less)"
            )
            result = Failure(kind="worker died", message=message, rung=job.fidelity.rung)
        self.job = None
        if isinstance(result, StorageError):
            raise result
        return Outcome(job, result)

    def kill(self) -> int | None:
        """End the process, forget the job, and give the process's exit code."""
        self.job = None
        if self._process is None:
            return None
        self.pipe.close()
        self._process.join(timeout=0.2)  # one that died by itself is let say of what
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        self._process = self._pipe = None
        return code

    def _start(self) -> None:
        # fork would copy the locks of torch's and SQLite's threads in whatever state they are in.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve,
            args=(theirs, self._evaluator, self._threads, os.getpid()),
            name="autokd-worker",
            daemon=True,
        )
        with _ctrl_c_held_back():
            self._process.start()
        theirs.close()


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach while they import; here it only comes later.

    A process inherits which signals its starter blocks. Ignoring the signal instead would be
    inherited too, but would lose a Ctrl-C of this very moment.
    """
    # Multiprocessing's own helper comes with the first process, and unblocks the signal after it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

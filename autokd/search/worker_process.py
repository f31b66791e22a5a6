"""A worker as the driver sees it: a process that may die, a pipe, and the job it is at."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from typing import TYPE_CHECKING

from autokd.core.trial import Evaluator, Failure, Observation
from autokd.errors import StorageError
from autokd.search.events import Job
from autokd.search.worker import serve

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

# A worker may be killed by a passing shortage of memory that is not its job's fault.
_ATTEMPTS = 2
# A training step takes and gives back tensors of megabytes, and each time the system hands them out
# in thousands of small pages, zeroed one by one. With this, glibc from 2.35 on asks for pages of
# megabytes; others do not read it. What it gains is in docs/training.md.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job."""

    job: Job
    result: Observation | Failure


class WorkerProcess:
    """One process, its pipe and the job it is at.

    Attributes:
        job: None while it is idle.
    """

    def __init__(self, evaluator: Evaluator, threads: int) -> None:
        """Prepare; the process starts with the first job."""
        self.job: Job | None = None
        self._evaluator = evaluator
        self._threads = threads
        self._attempt = 0
        self._process: SpawnProcess | None = None
        self._pipe: connection.Connection | None = None

    @property
    def pipe(self) -> connection.Connection:
        """Ready when a job has ended, or the process has."""
        assert self._pipe is not None, "the worker has not been started"  # noqa: S101
        return self._pipe

    def begin(self, job: Job, *, attempt: int = 1) -> None:
        """Give it ``job``."""
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

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self._process is not None and self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

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
        with _ctrl_c_held_back(), _environment(), _main_module_hidden():
            self._process.start()
        theirs.close()


@contextmanager
def _environment() -> Iterator[None]:
    """Start processes with `ENVIRONMENT`, as far as the person did not set it otherwise."""
    missing = {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name)


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Start processes that do not run the person's script once more.

    Multiprocessing would import it, so that functions of it can be found, and a script that calls
    autokd on its top level would train its teacher in every worker. Workers need nothing of it.
    """
    main = vars(sys.modules["__main__"])
    hidden: dict[str, object] = {
        name: main.pop(name) for name in ("__file__", "__spec__") if name in main
    }
    main["__spec__"] = None  # multiprocessing looks at it whatever there is
    try:
        yield
    finally:
        main.pop("__spec__")
        main.update(hidden)


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

"""The inside of a worker process: it runs the jobs that come down a pipe."""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from multiprocessing import connection
from pathlib import Path

from autokd.core.trial import Evaluator, Failure, Observation
from autokd.errors import AutoKDError, InterruptedRunError, StorageError, TrainingError
from autokd.search.events import Job

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def serve(pipe: connection.Connection, evaluator: Evaluator, threads: int, parent_pid: int) -> None:
    """Run jobs until the driver hangs up; the body of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with(parent_pid)
    _limit_threads(threads)
    while True:
        try:
            job = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        result = evaluate(evaluator, job)
        try:
            pipe.send(result)
        except BrokenPipeError:
            return


def evaluate(evaluator: Evaluator, job: Job) -> Observation | Failure | StorageError:
    """Train and score; whatever goes wrong with this candidate becomes a Failure.

    A disk that is full is not the candidate's fault, and a person who interrupts ends the run:
    neither is a Failure.
    """
    rung = job.fidelity.rung
    try:
        return evaluator(job.trial_id, job.candidate, job.fidelity)
    except TrainingError as fault:
        return Failure(kind="not finite", message=str(fault), rung=rung)
    except InterruptedRunError:
        raise
    except StorageError as fault:
        return fault
    except AutoKDError as fault:
        return Failure(kind=type(fault).__name__, message=str(fault), rung=rung)
    except Exception as fault:  # noqa: BLE001 - the one place: a search outlives any candidate
        frame = traceback.extract_tb(fault.__traceback__)[-1]
        where = f"{Path(frame.filename).name}, line {frame.lineno}"
        message = f"{str(fault) or 'no message'} ({where})"
        return Failure(kind=type(fault).__name__, message=message, rung=rung)


def _limit_threads(threads: int) -> None:
    """Hold this process to ``threads``: idle threads of OpenMP spin, and starve the others."""
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    torch = sys.modules.get("torch")  # one that comes later reads the variables
    if torch is not None:
        torch.set_num_threads(threads)


def _die_with(parent_pid: int) -> None:
    """Have this process end when its parent does, however that ends."""
    if sys.platform == "linux":
        import ctypes

        # PR_SET_PDEATHSIG of <sys/prctl.h>. The parent is the thread that started this process,
        # so the driver starts its workers from a thread that lives as long as the search.
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent_pid:  # it died before the line above
            os._exit(1)
    else:
        threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "not a worker"  # noqa: S101
    parent.join()
    os._exit(1)

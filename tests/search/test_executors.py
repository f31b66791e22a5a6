import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autokd.core.trial import Failure, Observation
from autokd.errors import DataError, StorageError, TrainingError
from autokd.search.events import Job
from autokd.search.executors import InlineExecutor, ProcessExecutor
from tests.search.fakes import FakeEvaluator, candidate, fidelity_of, observation

ROOT = Path(__file__).parents[2]


def job(trial_id: int) -> Job:
    return Job(trial_id=trial_id, candidate=candidate(), fidelity=fidelity_of(None, 0))


class Misbehaving:
    """Does by trial id what training may do; 100 and above is well."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def __call__(self, trial_id, candidate, fidelity) -> Observation:
        if trial_id == 0:
            raise TrainingError("loss is nan at step 3")
        if trial_id == 1:
            raise KeyError("conv1")
        if trial_id == 2:
            raise DataError("data/x.npy: is gone")
        if trial_id == 3:
            raise StorageError("the disk is full")
        if trial_id == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        if trial_id == 5 and not (self._folder / "died").exists():
            (self._folder / "died").touch()
            os._exit(7)
        if trial_id == 6:
            time.sleep(600)
        threads = float(os.environ.get("OMP_NUM_THREADS", "0"))
        return observation(0, 0.5, train_seconds=threads)


def drain(executor, count: int):
    outcomes = []
    while len(outcomes) < count:
        outcomes += executor.collect(5.0)
    return {outcome.job.trial_id: outcome.result for outcome in outcomes}


@pytest.fixture(params=["inline", "process"])
def executor(request, tmp_path):
    if request.param == "inline":
        yield InlineExecutor(Misbehaving(tmp_path))
        return
    with ProcessExecutor(Misbehaving(tmp_path), workers=1, threads=1) as made:
        yield made


def test_what_goes_wrong_in_a_candidate_is_a_failure_with_kind_and_message(executor) -> None:
    got = {}
    for number in (0, 1, 2, 100):
        executor.submit(job(number))
        assert executor.running == 1
        got |= drain(executor, 1)
    assert executor.running == 0
    assert got[0] == Failure(kind="not finite", message="loss is nan at step 3", rung=0)
    assert got[1].kind == "KeyError"
    assert "'conv1' (test_executors.py, line " in got[1].message
    assert got[2] == Failure(kind="DataError", message="data/x.npy: is gone", rung=0)
    assert isinstance(got[100], Observation)


def test_a_full_disk_is_not_the_candidates_fault(executor) -> None:
    executor.submit(job(3))
    with pytest.raises(StorageError, match="the disk is full"):
        drain(executor, 1)
    assert executor.running == 0


def test_an_idle_executor_gives_nothing(executor) -> None:
    assert executor.collect(0.0) == ()


def test_a_dead_worker_fails_its_own_job_after_one_more_try_and_is_replaced(tmp_path) -> None:
    with ProcessExecutor(Misbehaving(tmp_path), workers=2, threads=3) as executor:
        executor.submit(job(4))
        executor.submit(job(5))
        got = drain(executor, 2)
        assert got[4].kind == "worker died"
        assert "2 times, at last with exit code -9" in got[4].message
        assert isinstance(got[5], Observation)
        executor.submit(job(100))
        assert drain(executor, 1)[100].train_seconds == 3.0


def test_a_worker_that_dies_while_idle_costs_nothing(tmp_path) -> None:
    with ProcessExecutor(Misbehaving(tmp_path), workers=1, threads=1) as executor:
        executor.submit(job(100))
        drain(executor, 1)
        process = executor._slots[0]._process
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        executor.submit(job(101))
        assert isinstance(drain(executor, 1)[101], Observation)


def test_collect_returns_in_time_and_close_ends_workers_that_still_work(tmp_path) -> None:
    executor = ProcessExecutor(Misbehaving(tmp_path), workers=1, threads=1)
    executor.submit(job(6))
    process = executor._slots[0]._process
    pid = process.pid
    began = time.monotonic()
    assert executor.collect(0.1) == ()
    executor.close()
    assert time.monotonic() - began < 5
    assert executor.running == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_workers_ignore_ctrl_c_and_do_not_outlive_a_driver_that_is_killed(tmp_path) -> None:
    script = """
import sys, time
from autokd.search.executors import ProcessExecutor
from tests.search.test_executors import Misbehaving, drain, job
if __name__ == "__main__":
    executor = ProcessExecutor(Misbehaving(), workers=1, threads=1)
    executor.submit(job(100))
    drain(executor, 1)
    executor.submit(job(6))
    print(executor._slots[0]._process.pid, flush=True)
    time.sleep(600)
"""
    (tmp_path / "driver.py").write_text(script)
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "driver.py")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    worker = int(driver.stdout.readline())
    os.kill(worker, signal.SIGINT)
    time.sleep(0.2)
    assert is_running(worker)
    driver.kill()
    driver.wait()
    driver.stdout.close()  # not read to its end: a worker that lived on would hold it open
    deadline = time.monotonic() + 10
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    outlived = is_running(worker)
    if outlived:
        os.kill(worker, signal.SIGKILL)
    assert not outlived


def test_ctrl_c_reaches_the_driver_alone_while_workers_are_still_importing(tmp_path) -> None:
    (tmp_path / "slow_to_import.py").write_text("""
import multiprocessing, os, time
from pathlib import Path
from tests.search.fakes import FakeEvaluator
if multiprocessing.current_process().name == "autokd-worker":
    Path(__file__).with_name(f"importing{os.getpid()}").touch()
    time.sleep(1)
class Slow(FakeEvaluator):
    pass
""")
    (tmp_path / "driver.py").write_text("""
import signal
from autokd.search.executors import ProcessExecutor
from slow_to_import import Slow
from tests.search.test_executors import job
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    executor = ProcessExecutor(Slow(seconds=30), workers=2, threads=1)
    try:
        executor.submit(job(100))
        executor.submit(job(101))
        executor.collect(60.0)
    except KeyboardInterrupt:
        executor.collect(1.5)
        executor.close()
        print("interrupted")
""")
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "driver.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
        start_new_session=True,  # a terminal sends Ctrl-C to all processes of a group
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("importing*"))) < 2 and time.monotonic() < deadline:
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.02)
    os.killpg(driver.pid, signal.SIGINT)
    output, complaints = driver.communicate(timeout=60)
    assert (output, complaints) == ("interrupted\n", "")


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie, which is what a container without init keeps."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_evaluator_is_sent_once_and_its_results_are_those_of_this_process() -> None:
    inline = InlineExecutor(FakeEvaluator())
    inline.submit(job(100))
    with ProcessExecutor(FakeEvaluator(), workers=1, threads=1) as executor:
        executor.submit(job(100))
        assert drain(executor, 1) == drain(inline, 1)


class Ticking:
    """Writes the time into a file every hundredth of a second."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, trial_id, candidate, fidelity) -> Observation:
        end = time.monotonic() + 3.0
        while time.monotonic() < end:
            self._path.write_text(str(time.monotonic()))
            time.sleep(0.01)
        return observation(0, 0.5)


def test_workers_stand_still_while_they_are_held_back_and_go_on_after_it(tmp_path) -> None:
    path = tmp_path / "tick"
    with ProcessExecutor(Ticking(path), workers=1, threads=1) as executor:
        executor.submit(job(100))
        while not path.exists():
            time.sleep(0.05)
        with executor.held_back():
            time.sleep(0.1)
            before = path.read_text()
            time.sleep(0.5)
            assert path.read_text() == before
        assert drain(executor, 1)[100].accuracy == 0.5
        assert path.read_text() != before


class Environment:
    def __call__(self, trial_id, candidate, fidelity) -> Observation:
        large = os.environ.get("GLIBC_TUNABLES") == "glibc.malloc.hugetlb=1"
        return observation(0, 1.0 if large else 0.0)


def test_workers_take_their_memory_in_large_pages_unless_somebody_tuned_glibc(monkeypatch) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    for tuned, accuracy in ((None, 1.0), ("glibc.malloc.arena_max=1", 0.0)):
        if tuned:
            monkeypatch.setenv("GLIBC_TUNABLES", tuned)
        with ProcessExecutor(Environment(), workers=1, threads=1) as executor:
            executor.submit(job(100))
            assert drain(executor, 1)[100].accuracy == accuracy
        assert os.environ.get("GLIBC_TUNABLES") == tuned

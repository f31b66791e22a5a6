import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from autokd.core.trial import Failure, TrialState
from autokd.errors import InterruptedRunError, StoppedError, TrainingError
from autokd.search.executors import InlineExecutor, ProcessExecutor
from autokd.search.ledger import Ledger
from autokd.search.loop import run_search
from autokd.search.rungs import Ladder
from autokd.search.strategies import AshaStrategy
from autokd.search.study import Study
from autokd.search.worker_process import Outcome
from tests.search.fakes import FakeEvaluator, FakeSpace, fidelity_of, observation

ROOT = Path(__file__).parents[2]


def study_on(ledger: Ledger, max_trials: int | None = 5) -> Study:
    ladder = Ladder(rungs=2, min_last=2)
    strategy = AshaStrategy(FakeSpace(), seed=0, ladder=ladder)
    return Study(ledger, strategy, fidelity_of=fidelity_of, max_trials=max_trials)


def finished(trials) -> set[tuple[int, int]]:
    done = {(t.trial_id, o.fidelity.rung) for t in trials for o in t.observations}
    return done | {(t.trial_id, t.failure.rung) for t in trials if t.failure}


def test_it_ends_when_all_is_done_and_says_what_happens(tmp_path) -> None:
    events = []
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        study = study_on(ledger)
        run_search(study, InlineExecutor(FakeEvaluator()), on_event=events.append)
        assert len(ledger.trials()) == 5
        assert all(t.state is TrialState.PAUSED for t in ledger.trials())
        assert sum(t.rung == 1 for t in ledger.trials()) == 2
    counts = Counter(event.kind for event in events)
    assert counts == {"started": 7, "observed": 7}
    spent = [event.spent_seconds for event in events]
    assert spent == sorted(spent)


class FakeClockExecutor:
    """Runs jobs in no time on a clock that it moves, with several workers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, workers: int, pace: float = 1.0) -> None:
        self.workers = workers
        self.now = 1000.0
        self.busy = 0
        self._pace = pace
        self._jobs: list[tuple[float, object]] = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    @property
    def running(self) -> int:
        return len(self._jobs)

    def submit(self, job) -> None:
        before = fidelity_of(None, job.fidelity.rung - 1).seconds if job.fidelity.rung else 0.0
        seconds = self._pace * (job.fidelity.seconds - before)
        self._jobs.append((self.now + seconds, seconds, job))

    def collect(self, timeout_seconds: float) -> tuple[Outcome, ...]:
        self._jobs.sort(key=lambda entry: entry[0])
        end, seconds, job = self._jobs.pop(0)
        self.busy = max(self.busy, len(self._jobs) + 1)
        self.now = end
        rung = job.fidelity.rung
        return (Outcome(job, observation(rung, 0.5, train_seconds=seconds)),)

    def close(self) -> None:
        self._jobs.clear()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("pace", [1.0, 1.5])
def test_all_jobs_end_before_the_deadline_and_the_time_is_used(
    tmp_path, monkeypatch: pytest.MonkeyPatch, workers: int, pace: float
) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        executor = FakeClockExecutor(monkeypatch, workers, pace)
        run_search(study_on(ledger, max_trials=None), executor, deadline_seconds=600.0)
        assert executor.busy == workers
        assert 500.0 < ledger.spent_seconds <= 600.0
        assert sum(t.rung == 1 for t in ledger.trials()) >= 2
        assert ledger.unfinished() == ()


def test_the_time_of_earlier_sessions_counts(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_seconds(580.0)
        executor = FakeClockExecutor(monkeypatch, 1)
        run_search(study_on(ledger, max_trials=None), executor, deadline_seconds=600.0)
        assert len(ledger.trials()) == 1
        assert ledger.spent_seconds == 590.0


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), InterruptedRunError("SIGTERM")])
def test_an_interrupted_search_ends_its_workers_and_goes_on_later(tmp_path, fault) -> None:
    def interrupt(event) -> None:
        if event.kind == "observed":
            raise fault

    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        executor = ProcessExecutor(FakeEvaluator(), workers=2, threads=1)
        with pytest.raises(type(fault)):
            run_search(study_on(ledger), executor, on_event=interrupt)
        assert executor.running == 0
        assert all(slot._process is None for slot in executor._slots)
        assert len(finished(ledger.trials())) >= 1
        assert ledger.spent_seconds > 0
        run_search(study_on(ledger), InlineExecutor(FakeEvaluator()))
        assert len(ledger.trials()) == 5
        assert ledger.unfinished() == ()


class FailsAtFirst:
    """Fails so many times, then works."""

    def __init__(self, failures: int) -> None:
        self.calls = 0
        self._failures = failures

    def __call__(self, trial_id, candidate, fidelity):
        self.calls += 1
        if self.calls <= self._failures:
            msg = f"call {self.calls} is not finite"
            raise TrainingError(msg)
        return observation(fidelity.rung, 0.5)


def test_a_search_in_which_nothing_works_stops_with_the_reason(tmp_path) -> None:
    evaluator = FailsAtFirst(100)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(StoppedError, match=r"first 8 students all failed.*call 8 is not"):
            run_search(study_on(ledger, max_trials=50), InlineExecutor(evaluator))
        assert [t.failure.kind for t in ledger.trials()] == ["not finite"] * 8
        assert ledger.unfinished() == ()


def test_failures_do_not_stop_a_search_in_which_something_works(tmp_path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        run_search(study_on(ledger, max_trials=12), InlineExecutor(FailsAtFirst(7)))
        assert sum(isinstance(t.failure, Failure) for t in ledger.trials()) == 7
        assert len(ledger.trials()) == 12


def start(run: Path, *arguments: object) -> subprocess.Popen[str]:
    run.mkdir(exist_ok=True)
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.search.driver", str(run), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout.readline() == "open\n"
    return driver


def runs_of(run: Path) -> Counter[tuple[int, int]]:
    log = run / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter((int(a), int(b)) for a, b, _ in map(str.split, lines))


def kill_and_end(run: Path, *arguments: object, kills: int) -> list[Counter[tuple[int, int]]]:
    """Kill the driver at random moments, each time some results further, then let it end.

    Returns:
        For each kill: how often each job was run that the ledger then had a result of.
    """
    rng = np.random.default_rng(0)
    found = []
    for _ in range(kills):
        wanted = runs_of(run).total() + int(rng.integers(1, 6))
        driver = start(run, *arguments)
        while runs_of(run).total() < wanted:
            assert driver.poll() is None, "the driver ended before it could be killed"
            time.sleep(0.002)
        time.sleep(rng.uniform(0.0, 0.04))
        driver.kill()
        driver.communicate()
        with Ledger.open_read_only(run / "ledger.sqlite") as ledger:
            done = finished(ledger.trials())
        found.append(Counter({key: n for key, n in runs_of(run).items() if key in done}))
        assert set(found[-1]) == done
    driver = start(run, *arguments)
    driver.communicate(timeout=60)
    assert driver.returncode == 0
    return found


def assert_nothing_was_lost_or_run_again(run: Path, at_kills: list[Counter]) -> None:
    with Ledger.open_read_only(run / "ledger.sqlite") as ledger:
        assert finished(ledger.trials()) == set(runs_of(run))
        assert ledger.unfinished() == ()
    for runs in at_kills:
        assert runs == Counter({key: runs_of(run)[key] for key in runs})


@pytest.mark.parametrize("strategy", ["asha", "autokd"])
def test_a_search_that_is_killed_again_and_again_ends_like_one_that_was_not(
    strategy: str, tmp_path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    driver = start(whole, strategy, 24, 0, 0.0)
    driver.communicate(timeout=60)
    at_kills = kill_and_end(broken, strategy, 24, 0, 0.01, kills=4)
    assert_nothing_was_lost_or_run_again(broken, at_kills)
    with (
        Ledger.open_read_only(whole / "ledger.sqlite") as first,
        Ledger.open_read_only(broken / "ledger.sqlite") as second,
    ):
        assert second.trials() == first.trials()
    assert set(runs_of(whole).values()) == {1}


def test_with_workers_a_killed_search_loses_nothing_and_repeats_nothing(tmp_path) -> None:
    run = tmp_path / "run"
    at_kills = kill_and_end(run, "asha", 14, 2, 0.03, kills=2)
    assert_nothing_was_lost_or_run_again(run, at_kills)

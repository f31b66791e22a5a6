import subprocess
import sys

import pytest

from autokd.core.codec import save_record
from autokd.core.results import ExitStatus
from autokd.errors import ConfigError
from autokd.pipeline.status import RunReader, read_status
from autokd.search.ledger import Ledger
from tests.pipeline.run_folder import begin_run, job_of, write_failure, write_trial
from tests.report.conftest import build_report


@pytest.fixture
def run(tmp_path):
    def begin(**search: object):
        return begin_run(tmp_path, **search)

    return begin


def test_what_is_no_run_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"is no run folder \(it has no config.toml\)"):
        read_status(tmp_path)


def test_a_run_that_was_only_begun_has_no_trials(run) -> None:
    status = read_status(run())
    assert (status.state, status.trials_by_state, status.rungs) == ("stopped", {}, ())
    assert (status.best_accuracy, status.spent_seconds) == (None, 0.0)
    assert (status.budget_seconds, status.planned_trials) == (600.0, None)
    assert (status.stage, status.leaders, status.exit) == ("preflight", (), None)


def test_a_number_of_trials_has_no_budget(run) -> None:
    status = read_status(run(trials=5))
    assert (status.budget_seconds, status.planned_trials) == (None, 5)


def test_it_counts_states_and_rungs(run) -> None:
    folder = run()
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        write_trial(ledger, 0, 0.5, 0.7)
        write_trial(ledger, 1, 0.6)
        write_trial(ledger, 2, 0.55, 0.65)
        write_failure(ledger, 3)
        ledger.add_seconds(42.0)
    status = read_status(folder)
    assert status.trials_by_state == {"paused": 3, "failed": 1}
    assert [(r.rung, r.finished, r.best_accuracy) for r in status.rungs] == [
        (0, 3, 0.6),
        (1, 2, 0.7),
    ]
    assert (status.best_accuracy, status.spent_seconds) == (0.7, 42.0)


def test_leaders_are_five_and_a_higher_rung_goes_before_a_higher_accuracy(run) -> None:
    folder = run()
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        for trial_id, accuracies in enumerate([(0.1,), (0.9,), (0.3, 0.4), (0.2,), (0.8,), (0.7,)]):
            write_trial(ledger, trial_id, *accuracies)
        write_failure(ledger, 6)
        write_trial(ledger, 7, 0.95, origin="twin")
    leaders = read_status(folder).leaders
    assert [leader.trial_id for leader in leaders] == [2, 1, 4, 5, 3]
    assert [leader.accuracy for leader in leaders] == [0.4, 0.9, 0.8, 0.7, 0.2]
    cost = job_of(2, 0).candidate.cost
    assert (leaders[0].rung, leaders[0].params, leaders[0].latency_ms) == (
        1,
        cost.params,
        cost.latency_ms,
    )


def test_the_twin_is_never_the_best(run) -> None:
    folder = run()
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        write_trial(ledger, 0, 0.5)
        write_trial(ledger, 1, 0.9, 0.95, origin="twin")
    status = read_status(folder)
    assert status.best_accuracy == 0.5
    assert status.trials_by_state == {"paused": 2}


def test_the_stage_follows_from_the_files_that_are_there(run) -> None:
    folder = run()
    seen = [read_status(folder).stage]
    for name in ("plan.json", "search.json"):
        (folder / name).write_text("{}")
        seen.append(read_status(folder).stage)
    (folder / "winners").mkdir()
    assert [*seen, read_status(folder).stage] == ["preflight", "search", "finalists", "export"]


def test_a_run_is_running_while_somebody_writes_and_stopped_after(run) -> None:
    folder = run()
    with Ledger.open(folder / "ledger.sqlite"):
        assert read_status(folder).state == "running"
    assert read_status(folder).state == "stopped"


def test_a_run_with_a_report_is_done_and_ends_as_the_report_says(run) -> None:
    folder = run()
    gate = ExitStatus(code=4, name="gate_failed")
    save_record(build_report(exit=gate), folder / "results.json")
    with Ledger.open(folder / "ledger.sqlite"):  # the files after results.json are being written
        status = read_status(folder)
    assert (status.state, status.stage, status.exit) == ("done", "export", gate)


def test_damaged_results_are_told_in_words(run) -> None:
    folder = run()
    (folder / "results.json").write_text("{")
    with pytest.raises(ConfigError, match=r"results.json: is not valid JSON"):
        read_status(folder)


def test_a_reader_sees_what_is_new_and_reads_no_event_twice(run, monkeypatch) -> None:
    folder = run()
    reader = RunReader(folder)
    folds = []
    trials = Ledger.trials
    monkeypatch.setattr(Ledger, "trials", lambda self: folds.append(1) or trials(self))
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        versions = [reader.version(reader.read())]
        for trial_id in range(3):
            write_trial(ledger, trial_id, 0.5)
            for _ in range(4):
                ledger.add_seconds(1.0)  # time alone is nothing new
                versions.append(reader.version(reader.read()))
        assert reader.read().spent_seconds == 12.0
        assert [t.trial_id for t in reader.trials] == [0, 1, 2]
    assert len(folds) == 3
    assert [len(set(versions[:1])), *(len(set(versions[i : i + 4])) for i in (1, 5, 9))] == [1] * 4
    versions.append(reader.version(reader.read()))  # it has stopped
    assert len(set(versions)) == 5


def test_a_reader_leaves_the_ledger_as_one_file_at_the_end(run) -> None:
    folder = run()
    reader = RunReader(folder)
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        write_trial(ledger, 0, 0.5)
        reader.read()
    assert not (folder / "ledger.sqlite-wal").exists()


def test_reading_a_run_loads_no_torch() -> None:
    code = (
        "import sys, autokd.pipeline.live_report, autokd.report.serve\n"
        "sys.exit(bool({'torch', 'botorch', 'onnx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

import pytest

from autokd.core.codec import write_atomically
from autokd.core.toml import render_toml
from autokd.core.trial import Failure
from autokd.errors import ConfigError
from autokd.pipeline.status import read_status
from autokd.search.ledger import Job, Ledger
from tests.pipeline.fakes import make_config
from tests.search.fakes import candidate, fidelity_of, observation


@pytest.fixture
def run(tmp_path):
    def begin(**search: object):
        config = make_config(budget="10m", **search)
        write_atomically(tmp_path / "config.toml", render_toml(config.model_dump(mode="json")))
        return tmp_path

    return begin


def write(ledger: Ledger, trial_id: int, *accuracies: float, origin="random") -> None:
    for rung, accuracy in enumerate(accuracies):
        job = Job(
            trial_id=trial_id,
            candidate=candidate(member_seed=trial_id, origin=origin),
            fidelity=fidelity_of(None, rung),
        )
        ledger.asked(job)
        ledger.observed(trial_id, observation(rung, accuracy))


def test_what_is_no_run_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"is no run folder \(it has no config.toml\)"):
        read_status(tmp_path)


def test_a_run_that_was_only_begun_has_no_trials(run) -> None:
    status = read_status(run())
    assert (status.state, status.trials_by_state, status.rungs) == ("stopped", {}, ())
    assert (status.best_accuracy, status.spent_seconds) == (None, 0.0)
    assert status.budget_seconds == 600.0


def test_a_number_of_trials_has_no_budget(run) -> None:
    assert read_status(run(trials=5)).budget_seconds is None


def test_it_counts_states_and_rungs(run) -> None:
    folder = run()
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        write(ledger, 0, 0.5, 0.7)
        write(ledger, 1, 0.6)
        write(ledger, 2, 0.55, 0.65)
        job = Job(trial_id=3, candidate=candidate(), fidelity=fidelity_of(None, 0))
        ledger.asked(job)
        ledger.failed(3, Failure(kind="not finite", message="nan", rung=0))
        ledger.add_seconds(42.0)
    status = read_status(folder)
    assert status.trials_by_state == {"paused": 3, "failed": 1}
    assert [(r.rung, r.finished, r.best_accuracy) for r in status.rungs] == [
        (0, 3, 0.6),
        (1, 2, 0.7),
    ]
    assert (status.best_accuracy, status.spent_seconds) == (0.7, 42.0)


def test_the_twin_is_never_the_best(run) -> None:
    folder = run()
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        write(ledger, 0, 0.5)
        write(ledger, 1, 0.9, 0.95, origin="twin")
    status = read_status(folder)
    assert status.best_accuracy == 0.5
    assert status.trials_by_state == {"paused": 2}


def test_a_run_is_running_while_somebody_writes_and_stopped_after(run) -> None:
    folder = run()
    with Ledger.open(folder / "ledger.sqlite"):
        assert read_status(folder).state == "running"
    assert read_status(folder).state == "stopped"


def test_a_run_with_a_report_is_done(run) -> None:
    folder = run()
    (folder / "results.json").write_text("{}")
    assert read_status(folder).state == "done"

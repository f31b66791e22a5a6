"""Runs are written into a real SQLite store of MLflow and read back with its client."""

import contextlib
import os
import shutil

import pytest

pytest.importorskip("mlflow", reason="pip install 'autokd[mlflow]' brings mlflow")

from autokd.core.codec import load_record
from autokd.tracking.mlflow import LINK_FILE, MLflowLink, MLflowTracker
from tests.report.conftest import build_report
from tests.tracking.fakes import BEGAN, make_opening, some_results

# Of mlflow and what it imports.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

FILES = ("results.json", "report.html", "summary.md", "trials.csv", "config.toml")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store that is made once: its tables take seconds."""
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with contextlib.chdir(folder):  # which it makes a folder in
        MlflowClient(tracking_uri=uri).search_experiments()
    return uri


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # artifacts go below the working folder
    for name in [n for n in os.environ if n.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"of {tmp_path.name}")
    folder = tmp_path / "run"
    (folder / "winners" / "1").mkdir(parents=True)
    (folder / "winners" / "1" / "student.onnx").write_bytes(b"onnx")
    for name in FILES:
        (folder / name).write_text(name)
    return folder


def track(run, store, results, *, report=None, ends=True) -> MLflowTracker:
    tracker = MLflowTracker(store)
    tracker.open(make_opening(run))
    for one in results:
        tracker.tell(one)
    if report is not None:
        tracker.finish(report)
    elif ends:
        tracker.stop(interrupted=True)
    return tracker


class Found:
    """What the store holds of one run folder: the run, and its students by number."""

    def __init__(self, run, store) -> None:
        from mlflow import MlflowClient

        link = load_record(MLflowLink, run / LINK_FILE)
        self.client = MlflowClient(tracking_uri=store)
        self.experiment = self.client.get_experiment_by_name(link.experiment)
        every = self.client.search_runs([self.experiment.experiment_id])
        (self.run,) = [one for one in every if one.data.tags.get("autokd.key") == link.key]
        nested = [
            one for one in every if one.data.tags.get("mlflow.parentRunId") == self.run.info.run_id
        ]
        self.students = {int(one.data.tags["autokd.student"]): one for one in nested}
        assert len(every) == 1 + len(self.students) == 1 + len(nested)

    def points(self, run, name) -> list[tuple[int, float]]:
        history = self.client.get_metric_history(run.info.run_id, name)
        return sorted((one.step, one.value) for one in history)

    def curves(self, run) -> dict[str, list[tuple[int, float]]]:
        return {name: self.points(run, name) for name in run.data.metrics}


def test_the_curves_of_the_run_lie_over_the_number_of_results(run, store) -> None:
    track(run, store, some_results())
    found = Found(run, store)
    assert found.points(found.run, "rung0/accuracy") == [(1, 0.5), (3, 0.25)]
    assert found.points(found.run, "rung0/best_accuracy") == [(1, 0.5), (3, 0.5)]
    assert found.points(found.run, "rung1/accuracy") == [(4, 0.75)]
    assert found.points(found.run, "failed") == [(2, 1.0)]
    assert found.points(found.run, "cost/limit_use")[0] == (1, 0.5)
    (first, _) = found.client.get_metric_history(found.run.info.run_id, "rung0/accuracy")
    assert first.timestamp == 1000 * (BEGAN + 1)
    assert found.run.info.status == "KILLED"
    assert found.run.info.run_name == "run"
    assert found.run.data.params["search.trials"] == "4"


def test_each_student_is_a_nested_run_with_its_parameters(run, store) -> None:
    track(run, store, some_results())
    found = Found(run, store)
    assert sorted(found.students) == [0, 1, 2]
    promoted, failed = found.students[0], found.students[1]
    assert found.points(promoted, "accuracy") == [(1000, 0.5), (3000, 0.75)]
    assert promoted.data.params["member_seed"] == "0"
    assert promoted.data.params["block"] == "conv"
    assert [one.info.status for one in found.students.values()].count("FINISHED") == 2
    assert failed.info.status == "FAILED"
    assert failed.data.tags["autokd.failure"] == "the loss is nan."
    assert not failed.data.metrics


def test_a_run_that_goes_on_is_the_same_run_with_each_point_once(run, store) -> None:
    for end in (0, 1, 3):
        track(run, store, some_results()[:end])
    track(run, store, some_results(), report=build_report())
    found = Found(run, store)
    assert found.run.info.status == "FINISHED"
    for one in (found.run, *found.students.values()):
        for name, seen in found.curves(one).items():
            assert len({step for step, _ in seen}) == len(seen), name
    assert found.points(found.run, "rung0/accuracy") == [(1, 0.5), (3, 0.25)]
    assert found.points(found.students[0], "accuracy") == [(1000, 0.5), (3000, 0.75)]


@pytest.mark.slow
@pytest.mark.parametrize("calls", range(14))
def test_a_kill_between_any_two_calls_leaves_nothing_twice_and_loses_nothing(
    run, store, monkeypatch, calls
) -> None:
    from mlflow import MlflowClient

    class KilledError(BaseException):
        pass

    left = calls

    def dying(method):
        def call(*words, **options):
            nonlocal left
            if left == 0:
                raise KilledError
            left -= 1
            return method(*words, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("create_run", "log_batch", "set_tag", "set_terminated", "update_run"):
            patch.setattr(MlflowClient, name, dying(getattr(MlflowClient, name)))
        with contextlib.suppress(KilledError):
            track(run, store, some_results()[:3], ends=False)
    track(run, store, some_results())
    found = Found(run, store)
    assert found.points(found.run, "rung0/accuracy") == [(1, 0.5), (3, 0.25)]
    assert found.points(found.run, "failed") == [(2, 1.0)]
    assert sorted(found.students) == [0, 1, 2]
    assert found.points(found.students[0], "accuracy") == [(1000, 0.5), (3000, 0.75)]
    assert all("member_seed" in one.data.params for one in found.students.values())
    assert found.run.data.params["search.trials"] == "4"


def test_the_end_has_the_winner_the_verdict_and_the_files(run, store) -> None:
    report = build_report()
    track(run, store, some_results(), report=report)
    found = Found(run, store)
    metrics = found.run.data.metrics
    assert metrics["winner/validation_accuracy"] == report.winners[0].validation_accuracy
    assert metrics["winner/params"] == report.winners[0].cost.params
    assert found.run.data.tags["mlflow.note.content"] == report.verdict
    run_id = found.run.info.run_id
    assert {one.path for one in found.client.list_artifacts(run_id)} == {*FILES, "winners"}
    (student,) = found.client.list_artifacts(run_id, "winners/1")
    assert (student.path, student.file_size) == ("winners/1/student.onnx", 4)


def test_a_run_that_is_whole_is_left_alone(run, store) -> None:
    track(run, store, some_results(), report=build_report())
    before = Found(run, store)
    track(run, store, some_results(), report=build_report(seed=6))
    after = Found(run, store)
    assert after.run.info.end_time == before.run.info.end_time
    assert after.curves(after.run) == before.curves(before.run)


def test_a_run_that_was_deleted_in_mlflow_is_told_anew(run, store) -> None:
    track(run, store, some_results())
    found = Found(run, store)
    for one in (found.run, *found.students.values()):
        found.client.delete_run(one.info.run_id)
    track(run, store, some_results())
    assert Found(run, store).points(Found(run, store).run, "rung1/accuracy") == [(4, 0.75)]


def test_more_students_than_a_page_holds_are_all_found_again(run, store, monkeypatch) -> None:
    monkeypatch.setattr("autokd.tracking.mlflow._PAGE", 2)
    track(run, store, some_results())
    track(run, store, some_results())
    assert sorted(Found(run, store).students) == [0, 1, 2]


def test_nothing_is_printed(run, store, capsys) -> None:
    track(run, store, some_results(), report=build_report())
    assert capsys.readouterr().out == ""


class TestLink:
    def test_it_is_written_before_mlflow_is_asked(self, run) -> None:
        tracker = MLflowTracker("sqlite:////proc/no/such/folder/mlflow.db")
        with pytest.raises(Exception, match="/proc/no"):
            tracker.open(make_opening(run))
        assert load_record(MLflowLink, run / LINK_FILE).key

    def test_an_address_means_the_same_in_another_folder(self, run, store, monkeypatch) -> None:
        shutil.copy(store.removeprefix("sqlite:///"), run.parent / "here.db")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///here.db")
        MLflowTracker().open(make_opening(run))
        link = load_record(MLflowLink, run / LINK_FILE)
        assert link.uri == f"sqlite:///{run.parent / 'here.db'}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
        MLflowTracker().open(make_opening(run))
        assert not (run.parent / "elsewhere.db").exists()
        assert len(Found(run, link.uri).students) == 0

    def test_a_password_of_the_environment_stays_there(self, run, monkeypatch) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@localhost:1/db")
        with pytest.raises(Exception):  # noqa: B017, PT011 - which one is the driver's
            MLflowTracker().open(make_opening(run))
        text = (run / LINK_FILE).read_text()
        assert "secret" not in text
        assert load_record(MLflowLink, run / LINK_FILE).uri is None

    def test_the_experiment_is_autokd_unless_it_is_named(self, run, store, monkeypatch) -> None:
        monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
        track(run, store, [])
        assert load_record(MLflowLink, run / LINK_FILE).experiment == "autokd"

import dataclasses
from types import SimpleNamespace

import pytest
import torch

from autokd.core.codec import load_record, save_record, write_atomically
from autokd.core.config import ExportConfig, RunConfig
from autokd.core.progress import silent
from autokd.core.results import Feasibility
from autokd.core.toml import render_toml
from autokd.errors import ConfigError, GateError, InfeasibleError, TeacherError
from autokd.pipeline import run as pipeline_run
from autokd.pipeline.status import read_status
from tests.pipeline.fakes import Lines, folder_of, make_config, make_images, make_inputs, make_plan
from tests.report.conftest import build_report


@pytest.fixture(scope="module")
def report():
    return build_report()


@pytest.fixture
def inputs(monkeypatch):
    """Give the inputs that every load gives, and what it was called with."""
    made = make_inputs()
    asked = []

    def load(config, *, progress, run=None, module=None):
        asked.append(config)
        return made

    monkeypatch.setattr(pipeline_run, "load_inputs", load)
    return made, asked


def test_input_that_is_wrong_leaves_no_folder(tmp_path, monkeypatch) -> None:
    def fail(config, *, progress, module):
        message = "model.pt: is not there."
        raise TeacherError(message)

    monkeypatch.setattr(pipeline_run, "load_inputs", fail)
    with pytest.raises(TeacherError):
        pipeline_run.compress(make_config(), tmp_path / "run", progress=silent, say=print)
    assert not (tmp_path / "run").exists()


def test_a_run_keeps_its_settings_and_its_folder_to_the_end(
    tmp_path, monkeypatch, inputs, report
) -> None:
    states = []

    def look(*_args, **_options):
        states.append(read_status(tmp_path / "run").state)

    monkeypatch.setattr(pipeline_run, "make_plan", lambda *a, **k: look() or make_plan())
    for step in ("_exporter", "worker_setup"):
        monkeypatch.setattr(pipeline_run, step, look)
    monkeypatch.setattr(pipeline_run, "assemble_report", lambda *a: look() or report)
    trained = dataclasses.make_dataclass("Trained", ["finalists"])(())
    monkeypatch.setattr(pipeline_run, "train_students", lambda *a, **k: look() or trained)
    monkeypatch.setattr(pipeline_run, "deliver", look)
    monkeypatch.setattr(pipeline_run, "find_search_facts", look)
    monkeypatch.setattr(pipeline_run, "write_report", lambda *a: look())
    config = make_config(trials=3)
    pipeline_run.compress(config, tmp_path / "run", progress=silent, say=print)
    assert load_record(RunConfig, tmp_path / "run" / "config.toml") == config
    assert states == ["running"] * 8
    assert read_status(tmp_path / "run").state == "stopped"
    pipeline_run.resume(tmp_path / "run", progress=silent, say=print)
    assert inputs[1] == [config, config]
    with pytest.raises(ConfigError, match="run: holds a run already; give a new folder, or 'auto"):
        pipeline_run.compress(make_config(), tmp_path / "run", progress=silent, say=print)
    assert load_record(RunConfig, tmp_path / "run" / "config.toml") == config


def test_a_finished_run_gives_its_report_and_loads_nothing(tmp_path, inputs, report) -> None:
    save_record(report, tmp_path / "results.json")
    lines = Lines()
    found = pipeline_run.resume(tmp_path, progress=lines.progress, say=lines.say)
    assert found == report
    assert lines == [f"{tmp_path} is done already."]
    assert inputs[1] == []
    # A kill may have come between the files of the report.
    assert folder_of(tmp_path) == [
        "benchmark.json",
        "junit.xml",
        "report.html",
        "results.json",
        "summary.md",
        "trials.csv",
    ]


def test_a_precision_that_was_not_reached_ends_with_its_exit_code_after_the_report(
    tmp_path, inputs, report
) -> None:
    asked = report.config.model_copy(update={"export": ExportConfig(precision="int8")})
    save_record(report.model_copy(update={"config": asked}), tmp_path / "results.json")
    with pytest.raises(GateError, match="--precision int8: the gate failed") as fault:
        pipeline_run.resume(tmp_path, progress=silent, say=print)
    assert fault.value.exit_code == 4
    assert "report.html" in folder_of(tmp_path)


def test_where_nothing_fits_no_folder_is_made(tmp_path, monkeypatch, inputs) -> None:
    none = Feasibility(drawn=9, fitting=0, binding=None, limits=())
    monkeypatch.setattr(pipeline_run, "survey_space", lambda inputs: (None, none))
    with pytest.raises(InfeasibleError, match="none of 9 drawn students"):
        pipeline_run.compress(make_config(), tmp_path / "run", progress=silent, say=print)
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_is_not_gone_on_with(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"is no run folder \(it has no config.toml\)"):
        pipeline_run.resume(tmp_path, progress=silent, say=print)


def test_a_dry_run_tells_the_limits_and_writes_nothing(tmp_path, monkeypatch, inputs) -> None:
    monkeypatch.chdir(tmp_path)
    lines = Lines()
    found = pipeline_run.dry_run(make_config(), progress=lines.progress, say=lines.say)
    assert found.fitting > 0
    (line,) = lines
    assert line.startswith("limits on Raspberry Pi Zero 2 W: parameters 30 k, memory ")
    assert folder_of(tmp_path) == []


@pytest.mark.parametrize("winner", [0, 4])
def test_a_winner_that_is_not_there_is_refused(tmp_path, report, winner: int) -> None:
    save_record(report, tmp_path / "results.json")
    with pytest.raises(ConfigError, match=f"--winner {winner}: .* has the winners 1 to 3"):
        pipeline_run.export_winner_for(tmp_path, winner=winner, device="jetson-nano")


def test_a_winner_is_exported_for_another_device(tmp_path, monkeypatch, inputs, report) -> None:
    calls = []

    class Exporter:
        def export(self, trial, folder, *, images, target, device):
            calls.append((trial.trial_id, folder, target.opset, device, len(images)))
            return dataclasses.make_dataclass("Found", ["path"])(folder / "student.onnx")

    save_record(report, tmp_path / "results.json")
    write_atomically(tmp_path / "config.toml", render_toml(make_config().model_dump(mode="json")))
    monkeypatch.setattr(pipeline_run, "load_record", lambda cls, path: make_config())
    monkeypatch.setattr(pipeline_run, "_exporter", lambda *a: Exporter())
    settled = []

    def settle(exporter, source, *, timer, say):
        settled.append((source.profile.id, source.training, timer))
        return SimpleNamespace(chosen="int8")

    monkeypatch.setattr(pipeline_run, "settle_precision", settle)
    path = pipeline_run.export_winner_for(tmp_path, winner=2, device="jetson-nano")
    folder = tmp_path / "winners" / "2" / "jetson-nano"
    assert path == folder / "student.int8.onnx"
    assert settled == [("jetson-nano", None, None)]
    profile = pipeline_run.load_profile("jetson-nano")
    wanted = report.winners[1].trial_id
    assert calls == [(wanted, folder, profile.export.opset, "jetson-nano", 10)]


class Brightest:
    """A teacher that names the class of the first pixel; counts what it is shown."""

    def __init__(self) -> None:
        self.shown: list[int] = []

    def logits(self, images):
        self.shown.append(len(images))
        return torch.eye(3)[images[:, 0, 0, 0].long() % 3]


def read_test(test):
    teacher, lines = Brightest(), Lines()
    made = make_inputs()
    dataset = dataclasses.replace(made.dataset, _read_test=(lambda: test) if test else None)
    inputs = dataclasses.replace(made, dataset=dataset, teacher=teacher)
    return pipeline_run._read_test(inputs, lines.progress), teacher, lines


def test_the_teacher_names_all_test_images_in_parts() -> None:
    images = make_images(1100)
    (found, accuracy, classes), teacher, lines = read_test(images)
    expected = images.images[:, 0, 0, 0].numpy() % 3
    assert found is images
    assert classes.tolist() == expected.tolist()
    assert accuracy == (expected == images.labels.numpy()).mean()
    assert teacher.shown == [500, 500, 100]
    assert lines[-1] == ("teacher on the test split", 1100, 1100)


def test_only_images_with_labels_count() -> None:
    images = make_images(9)
    images.labels[3:] = -1
    (_, accuracy, classes), _, _ = read_test(images)
    assert accuracy == (classes[:3] == images.labels.numpy()[:3]).mean()
    (_, accuracy, _), _, _ = read_test(make_images(9, labelled=False))
    assert accuracy is None


def test_without_test_images_there_is_nothing_to_score() -> None:
    assert read_test(None)[0] == (None, None, None)
    found, teacher, _ = read_test(make_images(0))
    assert (found, teacher.shown) == ((None, None, None), [])

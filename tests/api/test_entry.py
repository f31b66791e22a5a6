"""Runs from Python: what goes in, and what is refused before anything is begun."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import autokd
from autokd.core.codec import load_record
from autokd.core.config import RunConfig
from autokd.errors import (
    ConfigError,
    DataError,
    InfeasibleError,
    InputError,
    ProfileError,
    TeacherError,
)
from autokd.pipeline.given_teacher import NOT_ASKED
from autokd.teacher.card import TeacherCard
from autokd.teacher.module import sha256_of_module
from tests.api.conftest import LIMITS, SIGHT, Pictures


def test_a_run_is_what_the_command_line_makes(done):
    run = done.result.run
    for name in ("results.json", "report.html", "summary.md", "winners/1/student.onnx"):
        assert (run / name).is_file()
    config = load_record(RunConfig, run / "config.toml")
    assert config == done.result.report.config
    assert (config.search.trials, config.limits.max_params) == (2, 20_000)
    assert done.said[0] == f"run folder: {run}"


def test_the_card_of_a_module_says_what_it_is_and_how_it_sees(done, teacher):
    card = load_record(TeacherCard, done.result.run / "teacher" / "card.json")
    assert (card.kind, card.file) == ("module", "module:tests.api.conftest.Net")
    assert card.sha256 == sha256_of_module(teacher)
    assert (card.input_px, card.mean, card.std) == (28, (0.5,), (0.5,))
    assert card.params == sum(weight.numel() for weight in teacher.parameters())


def test_the_teacher_stays_as_it_was_and_is_nowhere_on_disk(done, teacher):
    assert teacher.training
    assert all(weight.requires_grad for weight in teacher.parameters())
    raw = teacher.body[5].weight.detach().numpy().tobytes()[:64]
    files = [p for place in (done.result.run, done.cache) for p in place.rglob("*") if p.is_file()]
    assert not [path for path in files if raw in path.read_bytes()]


def test_the_scores_of_the_teacher_are_those_of_the_module(done, teacher, arrays):
    images, labels = arrays["test"]
    pixels = (torch.from_numpy(images).float()[:, None] / 255 - 0.5) / 0.5
    with torch.inference_mode():
        right = (teacher(pixels).argmax(1).numpy() == labels).mean()
    assert done.result.report.teacher.test_accuracy == pytest.approx(right)


def test_each_form_of_data_gives_its_split(done, arrays):
    data = done.result.report.data
    assert (data.train_images, data.validation_images, data.test_images) == (600, 200, 200)
    assert data.classes == Pictures.classes
    assert (data.image_px, data.image_channels) == (28, 1)


def test_images_are_kept_as_they_are_and_in_their_order(done, arrays):
    kept = Path(done.result.report.config.data.path)
    assert (np.load(kept / "train.images.npy")[..., 0] == arrays["train"][0]).all()
    assert (np.load(kept / "train.labels.npy") == arrays["train"][1]).all()


def test_a_finished_run_is_resumed_without_its_teacher(kept):
    said = []
    again = autokd.resume(kept.result.run, say=said.append)
    assert again.report == kept.result.report
    assert said == [f"{kept.result.run} is done already."]


def test_loading_asks_for_a_run_that_has_ended(tmp_path):
    with pytest.raises(ConfigError, match="give the folder of a run that has ended"):
        autokd.load(tmp_path)


@pytest.fixture
def stopped(kept, tmp_path):
    """The run as a kill before its delivery leaves it."""
    run = tmp_path / "stopped"
    shutil.copytree(kept.result.run, run)
    shutil.rmtree(run / "winners")
    for name in ("results.json", "report.html", "summary.md"):
        (run / name).unlink()
    return run


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("autokd.pipeline.winner_timing.BENCH_SECONDS", 0.05)


def test_a_stopped_run_goes_on_without_the_module_from_its_logits(stopped, quick, kept):
    result = autokd.resume(stopped)
    assert result.best.accuracy == kept.result.best.accuracy
    assert result.report.teacher.test_accuracy is None
    assert NOT_ASKED in result.report.warnings


def test_with_the_module_the_end_is_that_of_a_run_that_was_not_stopped(
    stopped, quick, kept, teacher, data
):
    result = autokd.resume(stopped, teacher=teacher, data=data)
    assert result.report.verdict == kept.result.report.verdict
    assert result.report.teacher == kept.result.report.teacher
    assert NOT_ASKED not in result.report.warnings


def test_without_logits_the_module_is_asked_for(stopped, tmp_path, monkeypatch):
    (stopped / "teacher" / "validation_logits.npy").unlink()
    with pytest.raises(TeacherError, match=r"module:tests\.api\.conftest\.Net: .*autokd\.resume"):
        autokd.resume(stopped)


def test_another_module_or_other_images_are_refused(stopped, teacher, arrays):
    other = type(teacher)()
    with pytest.raises(TeacherError, match="is not the teacher that this run began with"):
        autokd.resume(stopped, teacher=other)
    images, labels = arrays["train"]
    with pytest.raises(InputError, match="holds other images than this run began with"):
        autokd.resume(stopped, data=(images[::-1], labels))


def test_a_winner_is_exported_for_another_board_without_the_module(kept):
    from autokd.pipeline import export_winner_for

    path = export_winner_for(kept.result.run, winner=1, device="raspberry-pi-5")
    assert path.is_file()


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (
            {"max_latency": 3},
            ConfigError,
            r"^max_latency=: no such keyword; did you mean 'max_late",
        ),
        ({"budgets": "1h"}, ConfigError, r"did you mean 'budget'"),
        ({"max_params": -1}, ConfigError, r"^max_params= -1: must be greater than 0"),
        ({"budget": "soon"}, ConfigError, r"^budget= soon: "),
        ({"trials": 3, "budget": "1h"}, ConfigError, "^budget= and trials= exclude each other"),
        ({"epochs": 2.0}, ConfigError, "^epochs= goes with trials="),
        ({"device": "jetson"}, ProfileError, "jetson"),
        ({"device": None}, ConfigError, "^device=: is not given"),
        ({"teacher": None}, ConfigError, "^teacher=: is not given"),
        ({"teacher": 7}, ConfigError, "^teacher=: is a int; give a file, or a torch.nn.Module"),
        ({"data": 7}, DataError, "^data: is a int; give a folder, a Dataset"),
        ({"accept_host_key": "SHA256:x"}, ConfigError, "^accept_host_key=: goes with target="),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(folder, teacher, arrays, given, error, text):
    whole = {"teacher": teacher, "data": arrays["train"], "device": "jetson-nano", **SIGHT, **given}
    with pytest.raises(error, match=text):
        autokd.compress(**whole, out="run")
    assert not (folder / "run").exists()


def test_what_a_module_does_not_say_is_asked_for_in_one_go(folder, teacher, arrays):
    with pytest.raises(
        TeacherError, match=r"Net: a module does not say how it sees .*give mean: .*; std: "
    ):
        autokd.compress(teacher, arrays["train"], "jetson-nano", input_px=28)


def test_a_module_that_fails_on_the_images_says_so(folder, arrays):
    network = nn.Sequential(nn.Flatten(), nn.Linear(7, 10))
    with pytest.raises(TeacherError, match="fails on images of 1 channels and 28 px"):
        autokd.compress(network, arrays["train"], "jetson-nano", **SIGHT)


def test_weights_that_are_no_numbers_are_refused(folder, arrays, teacher):
    broken = type(teacher)()
    nn.init.constant_(broken.body[0].bias, float("nan"))
    with pytest.raises(TeacherError, match=r"body\.0\.bias has 16 of 16 values that are NaN"):
        autokd.compress(broken, arrays["train"], "jetson-nano", **SIGHT)


def test_an_untrained_module_is_stopped_at_preflight(folder, arrays, teacher):
    with pytest.raises(TeacherError, match=r"where chance has 10\.0%"):
        autokd.compress(nn.Sequential(nn.Flatten(), _Even()), arrays["train"], **LIMITS, **SIGHT)


def test_limits_that_nothing_keeps_are_infeasible(folder, arrays, teacher):
    with pytest.raises(InfeasibleError, match="The limit on parameters binds"):
        autokd.compress(teacher, arrays["train"], "jetson-nano", max_params=10, **SIGHT)


def test_a_folder_that_holds_something_is_not_overwritten(folder, arrays, teacher):
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"^out= .*: is not empty, and a run is never overwritten"):
        autokd.compress(teacher, arrays["train"], "jetson-nano", out=folder, **SIGHT)


def test_a_file_as_teacher_of_a_run_is_not_given_again(kept):
    with pytest.raises(ConfigError, match=r"^teacher=: is a file"):
        autokd.resume(kept.result.run, teacher="model.pt")


class _Even(nn.Module):
    """Says the first class of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(28 * 28, 10))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels @ self.weight + torch.arange(10, 0, -1)

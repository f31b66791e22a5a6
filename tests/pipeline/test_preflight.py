import os
from pathlib import Path

import numpy as np
import pytest
import torch

from autokd.core.codec import load_record, save_record
from autokd.core.seeds import derive_seed
from autokd.data.store import open_image_set
from autokd.errors import DataError, TeacherError
from autokd.pipeline import preflight
from autokd.pipeline.plan import RunPlan
from autokd.space.pace import Pace
from autokd.teacher.card import TeacherCard
from autokd.teacher.preflight import PreflightScore
from tests.pipeline.fakes import (
    CLASSES,
    PACE,
    Lines,
    folder_of,
    make_config,
    make_images,
    make_inputs,
    make_plan,
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOKD_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("cores", "wanted", "shared"),
    [
        (1, None, (1, 1)),
        (2, None, (2, 1)),
        (4, None, (4, 1)),
        (16, None, (4, 4)),
        (16, 1, (1, 16)),
        (6, 4, (4, 1)),
        (2, 8, (8, 1)),
    ],
)
def test_cores_are_shared_and_no_worker_is_without_one(
    monkeypatch: pytest.MonkeyPatch, cores: int, wanted: int | None, shared: tuple[int, int]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert preflight.share_cores(wanted) == shared


def test_a_worker_finds_the_images_and_the_views_of_the_teacher(tmp_path: Path) -> None:
    inputs = make_inputs(make_config(data={"flip": "no"}))
    setup = preflight.worker_setup(inputs, make_plan(), tmp_path / "run")
    assert torch.equal(open_image_set(setup.data_folder, "train").images, make_images(20).images)
    stored = open_image_set(setup.data_folder, "validation")
    assert torch.equal(stored.labels, make_images(10).labels)
    assert setup.view_seed == derive_seed(0, "views")
    assert (setup.image_px, setup.image_channels, setup.class_names) == (16, 1, CLASSES)
    assert (setup.mean, setup.std, setup.flip) == ((0.5,), (0.25,), False)
    assert setup.trials_folder == tmp_path / "run" / "trials"


def test_images_are_written_once(tmp_path: Path) -> None:
    inputs = make_inputs()
    folder = preflight.worker_setup(inputs, make_plan(), tmp_path).data_folder
    before = {name: (folder / name).stat().st_mtime_ns for name in folder_of(folder)}
    assert len(before) == 4
    preflight.worker_setup(inputs, make_plan(), tmp_path)
    assert {name: (folder / name).stat().st_mtime_ns for name in folder_of(folder)} == before
    (folder / "train.images.npy").write_bytes(b"damaged")
    preflight.worker_setup(inputs, make_plan(), tmp_path)
    assert len(open_image_set(folder, "train")) == 20


@pytest.fixture
def planned(tmp_path: Path) -> RunPlan:
    (tmp_path / "logits.npy").write_bytes(b"")
    (tmp_path / "teacher").mkdir()
    (tmp_path / "teacher" / "validation_logits.npy").write_bytes(b"")
    plan = make_plan(logits_file=str(tmp_path / "logits.npy"))
    save_record(plan, tmp_path / "plan.json")
    return plan


def test_a_plan_is_made_once(tmp_path: Path, planned: RunPlan) -> None:
    # The teacher of these inputs cannot be asked anything.
    lines = Lines()
    found = preflight.make_plan(make_inputs(), tmp_path, progress=lines.progress, say=lines.say)
    assert (found, lines) == (planned, [])


def test_a_run_does_not_go_on_with_other_images(tmp_path: Path, planned: RunPlan) -> None:
    with pytest.raises(DataError, match=r"are not those .* \(digest eeeeeeeeeeee, was dddddddd"):
        preflight.make_plan(make_inputs(digest="e" * 64), tmp_path, progress=None, say=None)


def test_a_run_does_not_go_on_with_another_teacher(tmp_path: Path, planned: RunPlan) -> None:
    inputs = make_inputs()
    inputs.teacher.card.sha256 = "a" * 64
    with pytest.raises(TeacherError, match=r"is not the teacher .*SHA-256 aaaaaaaaaaaa, was 5f5f"):
        preflight.make_plan(inputs, tmp_path, progress=None, say=None)


class Steps:
    """Stands in for what asks the teacher and trains; remembers what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.taught: list[dict[str, object]] = []
        self.threads: list[int] = []
        self.logits_file = tmp_path / "logits.npy"
        monkeypatch.setattr(preflight, "preflight", self.preflight)
        monkeypatch.setattr(preflight, "teach", self.teach)
        monkeypatch.setattr(preflight, "time_students", self.time_students)
        monkeypatch.setattr(preflight, "fit_pace", self.fit_pace)
        monkeypatch.setattr(preflight, "share_cores", lambda wanted: (2, 3))

    def preflight(self, teacher, validation, *, flip, progress) -> PreflightScore:
        logits = torch.zeros(len(validation), len(CLASSES))
        return PreflightScore(
            accuracy=0.9,
            mirrored_accuracy=0.8,
            mirrored_agreement=0.95,
            flip=True,
            logits=logits,
            warnings=("a doubt",),
        )

    def teach(self, teacher, train, **options: object) -> Path:
        self.taught.append(options)
        np.save(self.logits_file, np.zeros((options["views"], len(train), 3), np.float16))
        return self.logits_file

    def time_students(self, programs, data, *, progress, device) -> list[float]:
        self.threads.append(torch.get_num_threads())
        assert data.flip
        return [1.0] * len(programs)

    def fit_pace(self, programs, seconds) -> Pace:
        assert len(programs) == len(seconds) == preflight.PROBES
        return PACE


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Steps:
    return Steps(monkeypatch, tmp_path)


@pytest.fixture
def inputs():
    made = make_inputs(make_config(data={"views": 2}))
    card = TeacherCard.model_construct(**vars(made.teacher.card))
    made.teacher.card = card
    return made


def test_a_plan_holds_what_was_decided(tmp_path: Path, steps: Steps, inputs) -> None:
    lines, before = Lines(), torch.get_num_threads()
    plan = preflight.make_plan(inputs, tmp_path / "run", progress=lines.progress, say=lines.say)
    assert load_record(RunPlan, tmp_path / "run" / "plan.json") == plan
    assert (plan.workers, plan.threads, plan.lengths.pace) == (2, 3, PACE)
    assert plan.data.flip
    assert plan.data.classes == CLASSES
    assert (plan.teacher.validation_accuracy, plan.teacher.test_accuracy) == (0.9, None)
    assert plan.warnings == ("a doubt",)
    assert len(plan.mean) == len(plan.std) == 1
    assert steps.taught[0]["views"] == 2
    assert steps.taught[0]["flip"]
    assert steps.taught[0]["seed"] == derive_seed(0, "views")
    assert lines == [
        "teacher: state_dict, 30,000 parameters, 90.00% of 10 validation images right."
    ]
    # Students are timed with the threads that a worker has, and those of this process come back.
    assert (steps.threads, torch.get_num_threads()) == ([3], before)
    assert np.load(tmp_path / "run" / "teacher" / "validation_logits.npy").shape == (10, 3)


def test_what_is_gone_of_a_plan_is_made_again_and_the_rest_stays(
    tmp_path: Path, steps: Steps, inputs
) -> None:
    run, lines = tmp_path / "run", Lines()
    first = preflight.make_plan(inputs, run, progress=lines.progress, say=lines.say)
    steps.logits_file.unlink()
    second = preflight.make_plan(inputs, run, progress=lines.progress, say=lines.say)
    assert len(steps.taught) == 2
    assert second == first
    scored = run / "teacher" / "validation_logits.npy"
    scored.unlink()
    assert preflight.make_plan(inputs, run, progress=lines.progress, say=lines.say) == first
    assert scored.is_file()
    assert len(steps.taught) == 2

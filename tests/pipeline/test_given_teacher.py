"""Where the teacher of a run comes from."""

import pytest
import torch

from autokd.core.codec import save_record
from autokd.core.config import TeacherConfig
from autokd.core.progress import silent
from autokd.data.images import Dataset
from autokd.errors import TeacherError
from autokd.pipeline.given_teacher import CARD_FILE, find_teacher
from autokd.teacher.module import AbsentTeacher
from tests.pipeline.fakes import CLASSES, make_images
from tests.teacher.conftest import Tiny

IN_MEMORY = TeacherConfig(file="module:tests.Tiny", input_px=16, mean=(0.0,), std=(1.0,))


@pytest.fixture
def dataset():
    return Dataset(
        train=make_images(6),
        validation=make_images(4),
        class_names=CLASSES,
        digest="d" * 64,
        unreadable=(),
        test_images=0,
    )


def find(dataset, config, *, module=None, run=None):
    return find_teacher(config, dataset, module=module, run=run, progress=silent)


def test_a_module_is_the_teacher(dataset):
    teacher = find(dataset, IN_MEMORY, module=Tiny(channels=1))
    assert teacher.card.kind == "module"
    assert teacher.card.class_names == CLASSES


def test_its_card_stands_for_it_in_a_run_that_goes_on(dataset, tmp_path):
    card = find(dataset, IN_MEMORY, module=Tiny(channels=1)).card
    save_record(card, tmp_path / CARD_FILE)
    absent = find(dataset, IN_MEMORY, run=tmp_path)
    assert isinstance(absent, AbsentTeacher)
    assert absent.card == card


def test_without_module_and_card_it_is_asked_for(dataset, tmp_path):
    for run in (None, tmp_path):
        with pytest.raises(TeacherError, match=r"^module:tests\.Tiny: this teacher was a module"):
            find(dataset, IN_MEMORY, run=run)


def test_a_file_is_loaded_and_takes_no_module_beside_it(dataset, tmp_path):
    path = tmp_path / "model.pt"
    torch.save(Tiny(channels=1), path)
    config = TeacherConfig(file=str(path), trust_code=True)
    assert find(dataset, config).card.file == str(path)
    with pytest.raises(TeacherError, match="a module is given, and this run's teacher is the file"):
        find(dataset, config, module=Tiny())

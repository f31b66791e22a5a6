import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from autokd.pipeline.departures import LARGEST_PX, STRIP_IMAGES, find_departures
from tests.pipeline.fakes import make_images, make_plan
from tests.search.fakes import trial

CLASSES = 3


@pytest.fixture
def compared(tmp_path):
    """Give the departures of a student that names what it is told to, the last surest."""

    def go(images, student, teacher):
        logits = np.zeros((len(student), CLASSES), dtype=np.float32)
        logits[np.arange(len(student)), student] = 1 + np.arange(len(student))
        exporter = SimpleNamespace(
            plan=make_plan(), run=tmp_path, logits=lambda trial, images: logits
        )
        return find_departures(
            exporter, trial(4), 2, validation=images, teacher_classes=np.array(teacher)
        )

    return go


def pixels_of(path) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(path.read_bytes())))


def test_the_strip_shows_the_validation_images_that_it_names(compared, tmp_path) -> None:
    images = make_images(40)
    labels = images.labels.numpy()
    found = compared(images, (labels + 1) % CLASSES, labels).strip
    assert found.file == "winners/2/departures.png"
    assert (found.validation_images, found.differing, found.image_px) == (40, 40, 16)
    assert [image.index for image in found.images] == list(range(39, 39 - STRIP_IMAGES, -1))
    pixels = pixels_of(tmp_path / found.file)
    assert pixels.shape == (16, STRIP_IMAGES * 16)
    for place, image in enumerate(found.images):
        shown = pixels[:, 16 * place : 16 * place + 16]
        assert (shown == images.images[image.index, :, :, 0].numpy()).all()
        assert image.label == image.teacher != image.student


def test_large_images_are_shown_small(compared, tmp_path) -> None:
    images = make_images(3, px=128)
    found = compared(images, [1, 2, 0], [0, 1, 2]).strip
    assert found.image_px == LARGEST_PX
    assert pixels_of(tmp_path / found.file).shape == (LARGEST_PX, 3 * LARGEST_PX)


def test_a_student_that_agrees_on_everything_has_no_strip(compared, tmp_path) -> None:
    images = make_images(9)
    found = compared(images, images.labels.numpy(), images.labels.numpy())
    assert found.strip is None
    assert list(tmp_path.rglob("*.png")) == []
    assert [(s.images, s.student_right, s.teacher_right) for s in found.classes] == [(3, 3, 3)] * 3

import torch
from torch import Tensor

from autokd.core.progress import silent
from autokd.data.images import ImageSet
from autokd.teacher.card import TeacherCard
from autokd.teacher.diagnosis import find_repair, spread_index


class Strongest:
    """Names the strongest channel; its images cannot be prepared in another way."""

    card = TeacherCard(
        file="m",
        sha256="0",
        kind="onnx",
        arch=None,
        input_px=8,
        image_channels=3,
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        class_names=(),
        classes=3,
        params=1,
        size_bytes=1,
        macs=None,
    )

    def logits(self, images: Tensor) -> Tensor:
        return images.float().mean((1, 2))


def _coloured() -> ImageSet:
    labels = torch.arange(60) % 3
    pixels = torch.full((60, 8, 8, 3), 50, dtype=torch.uint8)
    pixels[torch.arange(60), :, :, labels] = 200
    return ImageSet(pixels, labels)


def test_a_teacher_that_cannot_be_adjusted_is_tried_with_swapped_channels() -> None:
    images = _coloured()
    swapped = ImageSet(images.images.flip(3), images.labels)
    teacher = Strongest()
    repair = find_repair(teacher, swapped, teacher.logits(swapped.images), progress=silent)
    assert repair is not None
    assert "BGR" in repair.cause
    assert (repair.accuracy, repair.kappa) == (1.0, 1.0)


def test_an_order_of_classes_that_no_swap_explains_is_given_by_the_outputs() -> None:
    images = _coloured()
    turned = ImageSet(images.images, (images.labels + 1) % 3)
    teacher = Strongest()
    repair = find_repair(teacher, turned, teacher.logits(turned.images), progress=silent)
    assert repair is not None
    assert repair.cause.endswith("mean the data's classes 1, 2, 0")


def test_labels_that_nothing_explains_have_no_repair() -> None:
    images, teacher = _coloured(), Strongest()
    noise = ImageSet(images.images, torch.arange(60) // 20)  # every colour in every class
    assert find_repair(teacher, noise, teacher.logits(noise.images), progress=silent) is None


def test_places_are_spread_over_the_whole_set() -> None:
    assert spread_index(100, 5).tolist() == [0, 25, 50, 74, 99]
    assert spread_index(3, 5).tolist() == [0, 1, 2]

import pytest
import torch
from torch import Tensor, nn

from autokd.core.progress import silent
from autokd.data.images import ImageSet
from autokd.errors import TeacherError
from autokd.teacher.card import TeacherCard
from autokd.teacher.preflight import PreflightScore, preflight
from autokd.teacher.torch_teacher import TorchTeacher

LEVELS = 10
CENTRES = (torch.arange(LEVELS) + 0.5) / LEVELS


class Bright(nn.Module):
    """Names the brightness, 0 to 9, of images normalised to -1..1."""

    def forward(self, x: Tensor) -> Tensor:
        level = x.mean((1, 2, 3))[:, None] / 2 + 0.5
        return -200 * (level - CENTRES) ** 2


class Colour(nn.Module):
    """Names the strongest channel."""

    def forward(self, x: Tensor) -> Tensor:
        return 10 * x.mean((2, 3))


class Side(nn.Module):
    """Names the brighter half, left or right."""

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.mean((1, 2)).chunk(2, dim=1)
        return 10 * torch.stack([left.mean(1), right.mean(1)], dim=1)


class Constant(nn.Module):
    """Says the same of every image."""

    def __init__(self, row: list[float]) -> None:
        super().__init__()
        self.row = torch.tensor(row)

    def forward(self, x: Tensor) -> Tensor:
        return self.row.expand(len(x), -1)


def _teacher(
    network: nn.Module, *, classes: int, mean: float = 0.5, std: float = 0.5
) -> TorchTeacher:
    card = TeacherCard(
        file="model.pt",
        sha256="0",
        kind="module",
        arch=None,
        input_px=8,
        image_channels=3,
        mean=(mean,) * 3,
        std=(std,) * 3,
        normalisation_source="given",
        class_names=(),
        classes=classes,
        params=1,
        size_bytes=1,
        macs=None,
    )
    return TorchTeacher(network.eval(), card)


def _bright(images: int = 200) -> ImageSet:
    labels = torch.arange(images) % LEVELS
    pixels = (CENTRES[labels] * 255)[:, None, None, None].expand(images, 8, 8, 3)
    return ImageSet(pixels.round().to(torch.uint8).contiguous(), labels)


def _coloured(images: int = 90) -> ImageSet:
    labels = torch.arange(images) % 3
    pixels = torch.full((images, 8, 8, 3), 50, dtype=torch.uint8)
    pixels[torch.arange(images), :, :, labels] = 200
    return ImageSet(pixels, labels)


def _sided(images: int = 100) -> ImageSet:
    labels = torch.arange(images) % 2
    pixels = torch.zeros(images, 8, 8, 3, dtype=torch.uint8)
    pixels[labels == 0, :, :4] = 200
    pixels[labels == 1, :, 4:] = 200
    return ImageSet(pixels, labels)


def _without_labels(images: ImageSet) -> ImageSet:
    return ImageSet(images.images, torch.full_like(images.labels, -1))


def _preflight(teacher: TorchTeacher, images: ImageSet, flip: str = "auto") -> PreflightScore:
    return preflight(teacher, images, flip=flip, progress=silent)


def test_a_good_teacher_is_scored_and_its_logits_are_kept() -> None:
    teacher, images = _teacher(Bright(), classes=LEVELS), _bright()
    score = _preflight(teacher, images)
    assert (score.accuracy, score.mirrored_accuracy, score.mirrored_agreement) == (1.0, 1.0, 1.0)
    assert score.flip
    assert score.warnings == ()
    assert torch.equal(score.logits, teacher.logits(images.images))


def test_images_that_change_their_class_are_not_mirrored() -> None:
    score = _preflight(_teacher(Side(), classes=2), _sided())
    assert (score.accuracy, score.mirrored_accuracy, score.mirrored_agreement) == (1.0, 0.0, 0.0)
    assert not score.flip


@pytest.mark.parametrize(("asked", "flip"), [("yes", True), ("no", False)])
def test_a_person_decides_on_mirroring_without_asking_the_teacher(asked: str, flip: bool) -> None:
    score = _preflight(_teacher(Side(), classes=2), _sided(), asked)
    assert score.flip is flip
    assert score.mirrored_accuracy is None
    assert score.mirrored_agreement is None


def test_without_labels_agreement_decides_on_mirroring() -> None:
    bright = _preflight(_teacher(Bright(), classes=LEVELS), _without_labels(_bright()))
    sided = _preflight(_teacher(Side(), classes=2), _without_labels(_sided()))
    assert (bright.accuracy, bright.mirrored_accuracy) == (None, None)
    assert (bright.mirrored_agreement, bright.flip) == (1.0, True)
    assert (sided.mirrored_agreement, sided.flip) == (0.0, False)


def test_a_wrong_normalisation_is_found_and_the_flag_given() -> None:
    teacher = _teacher(Bright(), classes=LEVELS, mean=0.0, std=0.05)
    with pytest.raises(
        TeacherError,
        match=r"model\.pt: the teacher has 10\.0% of 200 images right, where chance has 10\.0%.*"
        r"pixels in -1\.\.1\. With that put right it has 100\.0%: give --mean 0\.5,0\.5,0\.5 "
        r"--std 0\.5,0\.5,0\.5\.",
    ):
        _preflight(teacher, _bright())


def test_swapped_channels_are_found() -> None:
    images = _coloured()
    swapped = ImageSet(images.images.flip(3), images.labels)
    with pytest.raises(TeacherError, match=r"another order \(BGR\)\. With that put right.*100\.0%"):
        _preflight(_teacher(Colour(), classes=3), swapped)


def test_another_order_of_classes_is_found() -> None:
    images = _bright()
    shifted = ImageSet(images.images, (images.labels + 3) % LEVELS)
    with pytest.raises(
        TeacherError,
        match=r"the order of the classes differs: outputs 0, 1, 2 \.\.\. mean the data's classes "
        r"3, 4, 5, 6, 7, 8, 9, 0, 1, 2\. With that put right it has 100\.0%: give class_names",
    ):
        _preflight(_teacher(Bright(), classes=LEVELS), shifted)


def test_an_untrained_teacher_has_no_repair_and_says_what_was_tried() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (300, 8, 8, 3), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, LEVELS, (300,), generator=generator)
    with pytest.raises(TeacherError, match=r"It was given 8 px.*\(given\).*holds trained weights"):
        _preflight(_teacher(Bright(), classes=LEVELS), ImageSet(images, labels))


def test_a_doubtful_teacher_goes_on_with_a_warning() -> None:
    images = _bright()
    wrong = torch.arange(200) % 5 != 0  # a fifth is right, the rest is noise
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, LEVELS, (200,), generator=generator)
    score = _preflight(
        _teacher(Bright(), classes=LEVELS),
        ImageSet(images.images, torch.where(wrong, noise, images.labels)),
    )
    (warning,) = score.warnings
    assert "students rarely do better" in warning


def test_a_warning_names_the_repair_of_a_teacher_above_chance() -> None:
    images = _bright()
    cycle = torch.arange(LEVELS)
    cycle[3:] = cycle[3:].roll(1)  # three classes are right as they are
    score = _preflight(
        _teacher(Bright(), classes=LEVELS), ImageSet(images.images, cycle[images.labels])
    )
    (warning,) = score.warnings
    assert "30.0%" in warning
    assert "the order of the classes differs" in warning


def test_scores_that_are_not_finite_are_an_error() -> None:
    teacher = _teacher(Constant([0.0, float("nan")]), classes=2)
    with pytest.raises(TeacherError, match="gives NaN or infinite scores for 100 of 100"):
        _preflight(teacher, _sided())


def test_without_labels_the_same_class_for_all_is_an_error() -> None:
    teacher = _teacher(Constant([9.0, 0.0]), classes=2)
    with pytest.raises(TeacherError, match="names the same class for all 100 validation images"):
        _preflight(teacher, _without_labels(_sided()))


def test_without_labels_even_scores_are_an_error() -> None:
    class Even(Bright):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * 1e-4

    with pytest.raises(TeacherError, match=r"as even as chance \(entropy 2\.30 of 2\.30 nats\)"):
        _preflight(_teacher(Even(), classes=LEVELS), _without_labels(_bright()))


def test_a_teacher_of_larger_images_is_found() -> None:
    class Large(Bright):
        def forward(self, x: Tensor) -> Tensor:
            # Below 200 px it sees nothing but black.
            return super().forward(x if x.shape[2] > 200 else -torch.ones_like(x))

    with pytest.raises(TeacherError, match=r"larger images than 8 px\..*give --input-px 224\."):
        _preflight(_teacher(Large(), classes=LEVELS), _bright(50))

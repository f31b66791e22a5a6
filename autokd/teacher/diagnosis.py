"""Why a teacher scores badly: the usual mistakes are undone one at a time, on a few images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from autokd.core.progress import Progress
from autokd.data.augment import channel_statistics
from autokd.data.images import ImageSet
from autokd.errors import TeacherError
from autokd.teacher.architectures import native_input_px
from autokd.teacher.card import IMAGENET_MEAN, IMAGENET_STD
from autokd.teacher.chance import score_predictions
from autokd.teacher.outputs import Teacher

_IMAGES = 256
_LARGE_IMAGES = 96
# A repair must carry the teacher this far from where it is to perfect.
_MIN_GAIN = 0.25

# What is wrong, what to do about it, and the logits without it.
_Try = tuple[str, str, Callable[[Tensor], Tensor]]


@runtime_checkable
class Adjustable(Protocol):
    """A teacher that can be had behind another preparation of its images."""

    def adjusted(
        self,
        *,
        input_px: int | None = None,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
    ) -> Teacher:
        """Give it."""
        ...


@dataclass(frozen=True, slots=True)
class Repair:
    """What makes the teacher score.

    Attributes:
        cause: What is wrong, in words.
        advice: What to give or change.
        accuracy: With that, on the images that were tried.
        kappa: Likewise.
    """

    cause: str
    advice: str
    accuracy: float
    kappa: float


def find_repair(
    teacher: Teacher,
    validation: ImageSet,
    logits: Tensor,  # (n, classes) of the validation images
    *,
    progress: Progress,
) -> Repair | None:
    """Try other normalisations, the channel order, the input size and the order of classes.

    Gives what helps most, None when nothing helps much.
    """
    classes = logits.shape[1]
    plain = score_predictions(logits.argmax(1), validation.labels, classes=classes).kappa
    enough = plain + _MIN_GAIN * (1 - plain)
    repairs = [_reorder_classes(logits, validation.labels)]
    # Larger images cost many times more, so they are tried only if nothing else helps.
    for tries, most in (
        (_tries(teacher, validation), _IMAGES),
        (_larger_images(teacher), _LARGE_IMAGES),
    ):
        some = validation.subset(spread_index(len(validation), most))
        repairs = [*_run_tries(list(tries), some, classes, progress), *repairs]
        best = max(repairs, key=lambda repair: repair.kappa)
        if best.kappa >= enough:
            return best
    return None


def _run_tries(
    tries: Sequence[_Try], some: ImageSet, classes: int, progress: Progress
) -> Iterator[Repair]:
    for done, (cause, advice, run) in enumerate(tries):
        progress("looking for the mistake", done, len(tries))
        try:
            predicted = run(some.images).argmax(1)
        except TeacherError:  # for example a size of images that it does not take
            continue
        score = score_predictions(predicted, some.labels, classes=classes)
        yield Repair(cause, advice, score.accuracy, score.kappa)


def spread_index(images: int, most: int) -> Tensor:
    """Give places of at most ``most`` images, evenly spread over ``images``, int64."""
    return torch.linspace(0, images - 1, min(images, most)).round().long()


def _tries(teacher: Teacher, validation: ImageSet) -> Iterator[_Try]:
    if validation.channels == 3:
        yield (
            "the channels are in another order (BGR)",
            "swap the channels of its first convolution's weights, or export it to take RGB",
            lambda images: teacher.logits(images.flip(3)),
        )
    if not isinstance(teacher, Adjustable):
        return
    if not teacher.card.normalised_inside:
        for what, mean, std in _normalisations(teacher, validation):
            yield (
                f"the teacher was trained with another normalisation, {what}",
                f"give --mean {_words(mean)} --std {_words(std)}",
                teacher.adjusted(mean=mean, std=std).logits,
            )


def _larger_images(teacher: Teacher) -> Iterator[_Try]:
    native = native_input_px(teacher.card.arch)
    if isinstance(teacher, Adjustable) and native > teacher.card.input_px:
        yield (
            f"the teacher was trained on larger images than {teacher.card.input_px} px",
            f"give --input-px {native}",
            lambda images: teacher.adjusted(input_px=native).logits(images),
        )


def _normalisations(
    teacher: Teacher, validation: ImageSet
) -> Iterator[tuple[str, tuple[float, ...], tuple[float, ...]]]:
    channels = teacher.card.image_channels
    own_mean, own_std = channel_statistics(validation)
    choices = (
        ("pixels in 0..1", (0.0,), (1.0,)),
        ("pixels in 0..255", (0.0,), (1 / 255,)),
        ("pixels in -1..1", (0.5,), (0.5,)),
        ("ImageNet's", IMAGENET_MEAN, IMAGENET_STD),
        ("that of these images", own_mean, own_std),
    )
    for what, mean, std in choices:
        wide_mean, wide_std = _spread(mean, channels), _spread(std, channels)
        if (wide_mean, wide_std) != (teacher.card.mean, teacher.card.std):
            yield what, wide_mean, wide_std


def _spread(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(values) == channels:
        return values
    return (sum(values) / len(values),) * channels


def _reorder_classes(logits: Tensor, labels: Tensor) -> Repair:
    """Give each output the class that makes most images right, one to one."""
    # Late, because it takes a quarter of a second and is needed for a bad teacher alone.
    from scipy.optimize import linear_sum_assignment

    classes = logits.shape[1]
    pairs = labels * classes + logits.argmax(1)
    confusion = torch.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    true, output = linear_sum_assignment(confusion.numpy(), maximize=True)
    label_of = torch.empty(classes, dtype=torch.int64)
    label_of[torch.from_numpy(output)] = torch.from_numpy(true)
    score = score_predictions(label_of[logits.argmax(1)], labels, classes=classes)
    first = ", ".join(str(int(label)) for label in label_of[:10])
    return Repair(
        f"the order of the classes differs: outputs 0, 1, 2 ... mean the data's classes {first}"
        + (" ..." if classes > 10 else ""),
        "give class_names under [teacher] in autokd.toml, in the order of the teacher's outputs",
        score.accuracy,
        score.kappa,
    )


def _words(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:.4g}" for value in values)

"""What a network gives, as logits in the order of the data's classes."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from autokd.data.augment import resize, to_input
from autokd.errors import TeacherError
from autokd.teacher.card import TeacherCard

_SUM_TOLERANCE = 1e-3
_SMALLEST = 1e-12


class Teacher(Protocol):
    """A trained classifier, however it is stored.

    Attributes:
        card: What is known of it.
    """

    card: TeacherCard

    def logits(self, images: Tensor) -> Tensor:
        """Map uint8 images (b, h, w, c), of any size, to float32 logits (b, classes)."""
        ...


def prepare(
    images: Tensor,  # (b, h, w, c) uint8
    card: TeacherCard,
) -> Tensor:  # (b, channels, px, px) float32, or uint8 if normalised inside; channels_last
    """Resize, convert the channels and normalise, as the card says."""
    images = resize(images, card.input_px)
    if not card.normalised_inside:
        return to_input(images, channels=card.image_channels, mean=card.mean, std=card.std)
    pixels = to_input(
        images,
        channels=card.image_channels,
        mean=(0.0,) * card.image_channels,
        std=(1 / 255,) * card.image_channels,
    )
    return pixels.round().to(torch.uint8)


def as_outputs(given: object, where: str) -> Tensor:
    """Take the tensor (b, outputs) out of what a network gave.

    Raises:
        TeacherError: It is no tensor of that form.
    """
    if isinstance(given, (tuple, list)) and given:
        given = given[0]
    given = getattr(given, "logits", given)
    if isinstance(given, dict):
        given = given.get("logits")
    if isinstance(given, Tensor):
        # Fully convolutional networks end in (b, outputs, 1, 1).
        flat = given.flatten(1) if given.ndim > 1 and given[0].numel() == given.shape[1] else given
        if flat.ndim == 2 and flat.shape[1] > 1:
            return flat.float()
        form = f"a tensor of shape {tuple(given.shape)}"
    else:
        form = f"a {type(given).__name__}"
    msg = f"{where}: gives {form}; a teacher gives one row of two or more class scores an image."
    raise TeacherError(msg)


def are_probabilities(outputs: Tensor) -> bool:
    """Tell whether every row is a distribution, so that the network ends in a softmax."""
    sums = outputs.sum(dim=1)
    return bool((outputs >= 0).all() and ((sums - 1).abs() < _SUM_TOLERANCE).all())


def to_logits(
    outputs: Tensor,  # (b, outputs)
    *,
    probabilities: bool,
    order: Sequence[int] | None,
) -> Tensor:  # (b, classes) float32
    """Undo a softmax, up to a constant a row that distillation does not see, and set the order."""
    if probabilities:
        outputs = outputs.clamp(min=_SMALLEST).log()
    return outputs if order is None else outputs[:, list(order)]

"""A student that takes raw pixels, as its ONNX file does."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class NormalisedStudent(nn.Module):
    """A student behind its normalisation: pixels in 0..1 in, logits out.

    Input: float32 (n, channels, px, px) with values in 0..1, not normalised, gray in one channel or
    RGB in three. Output: logits (n, classes). It is an ordinary module: it can be moved, trained on
    and exported.

    Attributes:
        network: Takes images that are normalised already.
        class_names: In the order of its logits.
        input_px: Side of its images.
        image_channels: 1 or 3.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        class_names: tuple[str, ...],
        input_px: int,
    ) -> None:
        """Put the normalisation before ``network``, as buffers.

        Args:
            network: A student.
            mean: Of each channel, of pixels in 0..1.
            std: The same.
            class_names: In the order of its logits.
            input_px: Side of its images.
        """
        super().__init__()
        self.network = network
        self.class_names = class_names
        self.input_px = input_px
        self.image_channels = len(mean)
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, px, px), values in 0..1, to logits (n, classes)."""
        return self.network((images - self.mean) / self.std)  # type: ignore[no-any-return]

"""Small students that are really trained, on pictures of clothes, in seconds."""

import functools

import numpy as np
import torch

from autokd.core.trial import DistillParams
from autokd.data.demo import load_demo_images
from autokd.data.images import ImageSet
from autokd.distill.batches import TrainingData
from autokd.distill.trainer import train
from autokd.space.program import Program, ProgramBuilder

MEAN, STD = (0.13,), (0.31,)
PX = 14
TRAIN, VALIDATION = 120, 30  # images of each class


@functools.cache
def fashion_data() -> TrainingData:
    """Labels alone teach: the logits are those of a teacher that knows them."""
    images = torch.from_numpy(load_demo_images()[:, : TRAIN + VALIDATION])[..., None]
    train, validation = (
        ImageSet(part.reshape(-1, 28, 28, 1), torch.arange(10).repeat_interleave(part.shape[1]))
        for part in (images[:, :TRAIN], images[:, TRAIN:])
    )
    certain = 6 * np.eye(10, dtype=np.float16)[train.labels.numpy()]
    return TrainingData(
        train=train,
        validation=validation,
        logits=certain[None],
        validation_logits=torch.eye(10)[validation.labels],
        views=1,
        flip=False,
        view_seed=0,
        mean=MEAN,
        std=STD,
    )


def fashion_program(width: int = 12) -> Program:
    """Depthwise-separable, with a skip, as the students of the space are."""
    b = ProgramBuilder(1, PX)
    stem = b.relu("stem_relu", b.conv("stem", 0, width))
    first = b.conv("first", b.conv("first_dw", stem, width, depthwise=True), width, kernel=1)
    both = b.sum("both", [stem, first])
    pooled = b.pool("pooled", b.relu("relu", both), PX // 2)
    second = b.conv("second", b.conv("second_dw", pooled, width, depthwise=True), 2 * width,
                    kernel=1)  # fmt: skip
    b.classify(b.relu("second_relu", second), 10)
    return b.build()


@functools.cache
def trained_fashion() -> dict[str, np.ndarray]:
    """Weights of `fashion_program`, right on three of four images."""
    result = train(
        fashion_program(),
        fashion_data(),
        DistillParams(temperature=2.0, alpha=0.5),
        images=12 * 1200,
        seed=1,
    )
    assert result.accuracy > 0.7
    return {name: value.numpy() for name, value in result.weights.items()}


def wild(weights: dict[str, np.ndarray], *, spread: float, seed: int = 0) -> dict[str, np.ndarray]:
    """Give weights of the same function whose channels differ by up to ``spread`` in size.

    ReLU lets a positive factor through: what the gain and shift of a depthwise convolution's norm
    are multiplied by, the kernel that reads it is divided by.
    """
    changed = {name: value.copy() for name, value in weights.items()}
    rng = np.random.default_rng(seed)
    for dw, reader in (("first_dw", "first"), ("second_dw", "second")):
        size = len(weights[f"{dw}.norm.weight"])
        factor = np.exp(rng.uniform(-1, 1, size) * np.log(spread) / 2).astype(np.float32)
        for part in ("weight", "bias"):
            changed[f"{dw}.norm.{part}"] *= factor
        changed[f"{reader}.conv.weight"] /= factor.reshape(1, -1, 1, 1)
    return changed

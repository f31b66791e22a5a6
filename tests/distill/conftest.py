"""A small set of real shape, a teacher's logits, and a student that trains in milliseconds."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from autokd.data.images import ImageSet
from autokd.distill.batches import TrainingData
from autokd.space.program import Program, ProgramBuilder

CLASSES = 3
VIEWS = 2


def make_images(count: int, seed: int) -> ImageSet:
    """Noise whose brightest channel is the class."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, CLASSES, count)
    pixels = generator.integers(0, 128, (count, 16, 16, 3))
    pixels[np.arange(count), :, :, labels] += 64
    return ImageSet(torch.from_numpy(pixels.astype(np.uint8)), torch.from_numpy(labels))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Bits are promised for one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def data() -> TrainingData:
    train, validation = make_images(150, seed=0), make_images(60, seed=1)
    noise = np.random.default_rng(2).normal(size=(VIEWS, 150, CLASSES))
    logits = (3 * np.eye(CLASSES)[train.labels.numpy()] + noise).astype(np.float16)
    return TrainingData(
        train=train,
        validation=validation,
        logits=logits,
        validation_logits=torch.eye(CLASSES)[validation.labels],
        views=VIEWS,
        flip=True,
        view_seed=7,
        mean=(0.3, 0.3, 0.3),
        std=(0.2, 0.2, 0.2),
    )


@pytest.fixture(scope="session")
def program() -> Program:
    """Every kind of layer, dropout too; smaller than the stored images."""
    builder = ProgramBuilder(image_channels=3, input_px=8)
    stem = builder.relu("stem_relu", builder.conv("stem", 0, 8))
    deep = builder.conv("deep", stem, 8, depthwise=True)
    both = builder.sum("both", [stem, deep], weighted=True)
    builder.classify(builder.pool("pool", both, 4), CLASSES)
    return builder.build(dropout=0.2)

from dataclasses import replace

import numpy as np
import pytest
import torch

from autokd.data.augment import apply_view, make_view, resize, to_input
from autokd.data.images import ImageSet
from autokd.distill.batches import (
    BATCH,
    SMALL_SET_BATCH,
    SMALL_SET_IMAGES,
    BatchSource,
    TrainingData,
)


def make_source(data: TrainingData, seed: int = 0) -> BatchSource:
    return BatchSource(data, px=8, channels=3, seed=seed, taught=True)


def find_images(data: TrainingData, teacher_logits: torch.Tensor, view: int) -> list[int]:
    """Tell by their logits, which differ, what images a batch has."""
    assert data.logits is not None
    known = {row.tobytes(): place for place, row in enumerate(data.logits[view])}
    return [known[row.tobytes()] for row in teacher_logits.half().numpy()]


def test_a_batch_is_a_function_of_its_step(data: TrainingData) -> None:
    through = make_source(data)
    batches = [through.batch(step) for step in range(6)]
    again = make_source(data).batch(5)
    assert torch.equal(again.images, batches[5].images)
    assert torch.equal(again.labels, batches[5].labels)
    assert not torch.equal(make_source(data, seed=1).batch(5).images, again.images)


def test_an_epoch_shows_every_image_at_most_once_in_an_order_of_its_own(data: TrainingData) -> None:
    source = make_source(data)
    assert (data.batch_size, data.steps_per_epoch) == (64, 2)
    epochs = []
    for epoch in range(2):
        seen: list[int] = []
        for step in (2 * epoch, 2 * epoch + 1):
            teacher = source.batch(step).teacher_logits
            assert teacher is not None
            seen += find_images(data, teacher, view=epoch)
        assert len(set(seen)) == 128
        epochs.append(seen)
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("step", [0, 3, 5])
def test_images_labels_and_logits_are_of_one_image_and_one_view(
    data: TrainingData, step: int
) -> None:
    batch = make_source(data).batch(step)
    view = (step // 2) % data.views
    assert batch.teacher_logits is not None
    index = torch.tensor(find_images(data, batch.teacher_logits, view))
    made = make_view(len(data.train), px=16, flip=True, seed=data.view_seed, view=view)
    pixels = resize(apply_view(data.train.images[index], made, index), 8)
    expected = to_input(pixels, channels=3, mean=data.mean, std=data.std)
    assert torch.equal(batch.images, expected)
    assert torch.equal(batch.labels, data.train.labels[index])
    assert batch.images.shape == (64, 3, 8, 8)


def test_teacher_logits_are_read_only_when_asked_for(data: TrainingData) -> None:
    source = BatchSource(replace(data, logits=None), px=8, channels=3, seed=0, taught=False)
    assert source.batch(0).teacher_logits is None


def test_logits_of_another_set_are_refused(data: TrainingData) -> None:
    with pytest.raises(AssertionError, match=r"logits are for \(2, 9\)"):
        replace(data, logits=np.zeros((2, 9, 3), np.float16))


@pytest.mark.parametrize(
    ("images", "batch"),
    [(10, 10), (SMALL_SET_IMAGES - 1, SMALL_SET_BATCH), (SMALL_SET_IMAGES, BATCH)],
)
def test_the_batch_follows_the_size_of_the_set(data: TrainingData, images: int, batch: int) -> None:
    pixel = torch.zeros((1, 1, 1, 3), dtype=torch.uint8).expand(images, 8, 8, 3)
    train = ImageSet(pixel, torch.zeros(images, dtype=torch.int64))
    assert replace(data, train=train, logits=None).batch_size == batch

"""Training batches as a pure function of the step, so that any step can be repeated on its own."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from autokd.core.seeds import derive_seed
from autokd.data.augment import View, apply_view, make_view, resize, to_input
from autokd.data.images import ImageSet

# Small sets take smaller batches: steps, not images, are what a short run on them lacks.
SMALL_SET_IMAGES = 20_000
SMALL_SET_BATCH = 64
BATCH = 128


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Images, and what the teacher said about them.

    Attributes:
        train: Images that students are trained on.
        validation: Images that students are chosen by.
        logits: float16 (views, n, classes) of the training images, view by view; usually memory
            mapped. None when there is nothing to be taught.
        validation_logits: (n, classes) of the validation images as they are.
        views: Augmented views of each image; epoch e shows view e mod ``views``.
        flip: Whether a view may be mirrored.
        view_seed: Seed of the views for which ``logits`` were computed.
        mean: Per channel that the student sees, of pixels in 0..1.
        std: Per channel.
    """

    train: ImageSet
    validation: ImageSet
    logits: np.ndarray | None
    validation_logits: Tensor
    views: int
    flip: bool
    view_seed: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        wanted = (self.views, len(self.train))
        assert self.logits is None or self.logits.shape[:2] == wanted, (  # noqa: S101
            f"logits are for {self.logits.shape[:2]} (views, images), data has {wanted}"
        )

    @property
    def batch_size(self) -> int:
        """Images in one step."""
        batch = SMALL_SET_BATCH if len(self.train) < SMALL_SET_IMAGES else BATCH
        return min(batch, len(self.train))

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass; the rest of an epoch's order is dropped."""
        return len(self.train) // self.batch_size


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step sees.

    Attributes:
        images: float32 (b, channels, px, px), normalised, channels_last.
        labels: int64 (b,), -1 where there is none.
        teacher_logits: float32 (b, classes) for the same view; None when not asked for.
    """

    images: Tensor
    labels: Tensor
    teacher_logits: Tensor | None


class BatchSource:
    """Makes the batch of a step."""

    def __init__(
        self, data: TrainingData, *, px: int, channels: int, seed: int, taught: bool
    ) -> None:
        """Prepare batches.

        Args:
            data: Where they come from.
            px: Side that the student sees.
            channels: Channels that the student sees.
            seed: Seed of the order of images.
            taught: Whether batches carry teacher logits.
        """
        self._data = data
        self._px = px
        self._channels = channels
        self._seed = seed
        self._taught = taught
        self._views: dict[int, View] = {}
        self._order: tuple[int, Tensor] | None = None

    def batch(self, step: int) -> Batch:
        """Give the batch of ``step``, counted from 0 at the start of training."""
        data = self._data
        epoch, place = divmod(step, data.steps_per_epoch)
        size = data.batch_size
        index = self._order_of(epoch)[place * size : (place + 1) * size]
        view = epoch % data.views
        images = apply_view(data.train.images[index], self._view(view), index)
        images = resize(images, self._px)
        teacher: Tensor | None = None
        if self._taught:
            assert data.logits is not None, "a taught student needs teacher logits"  # noqa: S101
            teacher = torch.from_numpy(data.logits[view][index.numpy()]).float()
        return Batch(
            images=to_input(
                resize(images, self._px), channels=self._channels, mean=data.mean, std=data.std
            ),
            labels=data.train.labels[index],
            teacher_logits=teacher,
        )

    def _view(self, view: int) -> View:
        if view not in self._views:
            data = self._data
            self._views[view] = make_view(
                len(data.train), px=data.train.px, flip=data.flip, seed=data.view_seed, view=view
            )
        return self._views[view]

    def _order_of(self, epoch: int) -> Tensor:
        if self._order is None or self._order[0] != epoch:
            generator = np.random.default_rng(derive_seed(self._seed, "order", epoch))
            order = torch.from_numpy(generator.permutation(len(self._data.train)))
            self._order = (epoch, order)
        return self._order[1]

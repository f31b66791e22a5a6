"""Training batches as a pure function of the step, so that any step can be repeated on its own."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from autokd.core.seeds import derive_seed
from autokd.data.augment import View, apply_view, make_view, normalisation, normalise, resize
from autokd.data.images import ImageSet
from autokd.distill.placement import fits_on
from autokd.teacher.top_classes import form_for

# Small sets take smaller batches: steps, not images, are what a short run on them lacks.
SMALL_SET_IMAGES = 20_000
SMALL_SET_BATCH = 64
BATCH = 128

CPU = torch.device("cpu")

# Images, labels, and parts of rows of teacher logits.
_Pixels = tuple[Tensor, Tensor, tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Images, and what the teacher said about them.

    Attributes:
        train: Images that students are trained on.
        validation: Images that students are chosen by.
        logits: (views, n) rows of `autokd.teacher.top_classes`, of the training images, view by
            view; usually memory mapped. None when there is nothing to be taught.
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
    def size_bytes(self) -> int:
        """Of the training images and what the teacher said about them."""
        logits = 0 if self.logits is None else self.logits.nbytes
        return self.train.images.nbytes + self.train.labels.nbytes + logits

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
    """Makes the batch of a step, on the device where it is used."""

    def __init__(
        self,
        data: TrainingData,
        *,
        px: int,
        channels: int,
        seed: int,
        taught: bool,
        device: torch.device = CPU,
    ) -> None:
        """Prepare batches.

        Args:
            data: Where they come from.
            px: Side that the student sees.
            channels: Channels that the student sees.
            seed: Seed of the order of images.
            taught: Whether batches carry teacher logits.
            device: Where the batches are wanted.
        """
        assert data.logits is not None or not taught, "no teacher logits"  # noqa: S101
        self._data = data
        self._px = px
        self._channels = channels
        self._seed = seed
        self._taught = taught
        self._device = device
        self._form = form_for(data.validation_logits.shape[1])
        self._numbers = normalisation(data.mean, data.std, device)
        self._views: dict[int, View] = {}
        self._order: tuple[int, np.ndarray, Tensor] | None = None
        self._resident = self._all() if fits_on(device, data.size_bytes) else None

    def batch(self, step: int, *, px: int | None = None) -> Batch:
        """Give the batch of ``step``, counted from 0 at the start of training.

        Args:
            step: Any, in any order.
            px: Side of its images, instead of what the student sees.
        """
        data = self._data
        epoch, place = divmod(step, data.steps_per_epoch)
        here = slice(place * data.batch_size, (place + 1) * data.batch_size)
        order, order_there = self._order_of(epoch)
        view = epoch % data.views
        index = order_there[here]
        if self._resident is None:
            images, labels, rows = self._gathered(order[here], view)
        else:
            images, labels, rows = self._resident
            images, labels = images[index], labels[index]
            rows = tuple(part[view][index] for part in rows)
        images = resize(apply_view(images, self._view(view), index), px or self._px)
        return Batch(
            images=normalise(images, self._numbers, channels=self._channels),
            labels=labels,
            teacher_logits=self._form.join(rows) if self._taught else None,
        )

    def _all(self) -> _Pixels:
        """Bring everything to the device."""
        train, logits = self._data.train, self._data.logits
        rows = () if logits is None or not self._taught else self._form.split(np.asarray(logits))
        return self._sent(train.images, train.labels, rows)

    def _gathered(self, places: np.ndarray, view: int) -> _Pixels:
        """Read one batch and bring it to the device."""
        train, logits = self._data.train, self._data.logits
        rows: tuple[Tensor, ...] = ()
        if self._taught and logits is not None:
            rows = self._form.split(logits[view][places])
        index = torch.from_numpy(places)
        return self._sent(train.images[index], train.labels[index], rows)

    def _sent(self, images: Tensor, labels: Tensor, rows: tuple[Tensor, ...]) -> _Pixels:
        there = self._device
        return (
            images.to(there, non_blocking=True),
            labels.to(there, non_blocking=True),
            tuple(part.to(there, non_blocking=True) for part in rows),
        )

    def _view(self, view: int) -> View:
        if view not in self._views:
            data = self._data
            made = make_view(
                len(data.train), px=data.train.px, flip=data.flip, seed=data.view_seed, view=view
            )
            self._views[view] = made.to(self._device)
        return self._views[view]

    def _order_of(self, epoch: int) -> tuple[np.ndarray, Tensor]:
        """Give the order of an epoch, in memory and on the device."""
        if self._order is None or self._order[0] != epoch:
            generator = np.random.default_rng(derive_seed(self._seed, "order", epoch))
            order = generator.permutation(len(self._data.train))
            there = torch.from_numpy(order).to(self._device, non_blocking=True)
            self._order = (epoch, order, there)
        return self._order[1:]

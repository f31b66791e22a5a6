"""Way (c): the engine of autokd, whole, and reduced to what the network computes."""

import itertools
import math
from collections.abc import Iterator

from torch import Tensor, nn

from autokd.core.trial import DistillParams
from autokd.distill.batches import Batch, BatchSource, TrainingData
from autokd.distill.optimizer import ClippedSgd
from autokd.distill.trainer import Training
from autokd.space.program import Program

_ENDLESS = 10**9
_GOLDEN = (math.sqrt(5) - 1) / 2


class ScoredTraining(Training):
    """A training that is scored on its way."""

    def accuracy(self) -> float:
        """Give the accuracy on validation images, and go on training."""
        accuracy = self.result().accuracy
        self._network.train()
        return accuracy


class BareTraining(Training):
    """A training whose step is forward, loss and backward alone, on one batch for ever.

    Attributes:
        network: The student, as the engine runs it.
    """

    def __init__(
        self, program: Program, data: TrainingData, distill: DistillParams, *, seed: int
    ) -> None:
        super().__init__(program, data, distill, images=_ENDLESS, seed=seed)
        self.network: nn.Module = self._network
        self._batches: BatchSource = _OneBatch(self._batches.batch(0))
        self._optimizer: ClippedSgd = _BackwardOnly(self._network)


class _OneBatch(BatchSource):
    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def batch(self, step: int, *, px: int | None = None) -> Batch:  # noqa: ARG002 - all alike
        return self._batch


class _BackwardOnly(ClippedSgd):
    def step(self, loss: Tensor, *, rate: float) -> None:  # noqa: ARG002 - nothing moves
        self._sgd.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]


def advance(training: Training, *, batch_images: int) -> Iterator[int]:
    """Train to the end of the schedule; after each step gives the images in it."""
    while training.step < training.schedule.total_steps:
        training.advance()
        yield batch_images


def advance_mixed(training: Training, *, batch_images: int) -> Iterator[int]:
    """Take the steps of the schedule for ever, such that any window has the mix of all of them.

    Images are smaller before the decay, so the first steps are faster than the last. The order is
    that of multiples of the golden ratio, which fill every part evenly.
    """
    total = training.schedule.total_steps
    for number in itertools.count():
        training.step = int(total * ((number * _GOLDEN) % 1.0))
        training.advance()
        yield batch_images

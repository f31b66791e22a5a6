"""Trains one student to one fidelity, and goes on from where an earlier rung stopped.

Order, views, their size, dropout and learning rate are functions of the step alone, so a training
that was paused, killed or promoted ends, on one thread, with the bits of one that ran through.
"""

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from autokd.core.seeds import derive_seed
from autokd.core.trial import DistillParams
from autokd.distill.batches import CPU, BatchSource, TrainingData
from autokd.distill.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from autokd.distill.losses import distillation_loss
from autokd.distill.optimizer import ClippedSgd
from autokd.distill.placement import mixed_precision, wait_for
from autokd.distill.schedule import Schedule, warmup_steps
from autokd.distill.scoring import score_student
from autokd.errors import TrainingError
from autokd.models.network import build_student
from autokd.space.phases import early_px
from autokd.space.program import Program

# What a kill costs at most; writing takes milliseconds.
CHECKPOINT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a rung gave.

    Attributes:
        accuracy: See `autokd.distill.scoring.Score`, as the next two.
        agreement: Fraction where student and teacher name the same class.
        loss: Mean cross-entropy.
        weights: Decayed, by the names of `autokd.space.program`; contiguous.
        train_seconds: Time in the steps of this rung alone, parts before a kill included.
        images_per_second: Speed of those steps.
    """

    accuracy: float
    agreement: float
    loss: float
    weights: dict[str, Tensor]
    train_seconds: float
    images_per_second: float


def train(  # noqa: PLR0913 - what is trained, and how it is watched
    program: Program,
    data: TrainingData,
    distill: DistillParams,
    *,
    images: int,
    seed: int,
    checkpoint: Path | None = None,
    on_step: Callable[[int, int], None] | None = None,
    device: torch.device = CPU,
) -> TrainResult:
    """Train a student until it has seen ``images`` images since its start, and score it.

    Args:
        program: The student.
        data: Images and teacher logits.
        distill: How it is taught.
        images: Images seen at the end, those of earlier rungs included; rounded down to batches.
        seed: Of weights, order and dropout.
        checkpoint: File for the state before the decay, from which a later rung goes on. The
            decay's own state is kept beside it until the rung ends. None keeps nothing.
        on_step: Called with (steps done, steps in all) after each step.
        device: Where to train.

    Raises:
        TrainingError: A loss, or the gradient of one, is not finite.
        StorageError: The checkpoint cannot be written.
    """
    training = Training(program, data, distill, images=images, seed=seed, device=device)
    files = _Files.beside(checkpoint) if checkpoint else None
    if files:
        training.restore(files)
    saved_at = time.monotonic()
    while training.step < training.schedule.total_steps:
        training.advance()
        if on_step:
            on_step(training.step, training.schedule.total_steps)
        at_branch = training.step == training.schedule.branch_step
        if files and (at_branch or time.monotonic() - saved_at >= CHECKPOINT_SECONDS):
            training.save(files)
            saved_at = time.monotonic()
    result = training.result()
    if files:
        files.decaying.unlink(missing_ok=True)
    return result


@dataclass(frozen=True, slots=True)
class _Files:
    """Checkpoints of one training.

    Attributes:
        stable: From before the decay: any longer rung can go on from it.
        decaying: From within the decay: good for this rung only.
    """

    stable: Path
    decaying: Path

    @classmethod
    def beside(cls, stable: Path) -> "_Files":
        return cls(stable, stable.with_name(f"{stable.stem}.decaying{stable.suffix}"))


class Training:
    """One student under way."""

    def __init__(
        self,
        program: Program,
        data: TrainingData,
        distill: DistillParams,
        *,
        images: int,
        seed: int,
        device: torch.device = CPU,
    ) -> None:
        self.step = 0
        self.schedule = Schedule(
            total_steps=max(1, images // data.batch_size),
            warmup_steps=warmup_steps(data.steps_per_epoch),
        )
        self._data = data
        self._distill = distill
        self._seed = seed
        self._identity = _identity(program, data, distill, seed)
        self._early_px = early_px(program)
        self._rung_steps = 0
        self._rung_seconds = 0.0
        self._network = build_student(program, seed=derive_seed(seed, "weights"))
        self._device = device
        self._network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network.train()
        self._optimizer = ClippedSgd(self._network)
        self._batches = BatchSource(
            data,
            px=program.input_px,
            channels=program.image_channels,
            seed=seed,
            taught=distill.alpha > 0 or bool((data.train.labels < 0).any()),
            device=device,
        )

    def advance(self) -> None:
        """Do one step."""
        begin = time.perf_counter()
        is_early = self.step < self.schedule.branch_step
        batch = self._batches.batch(self.step, px=self._early_px if is_early else None)
        with mixed_precision(self._device), self._dropout_stream():
            logits = self._network(batch.images).float()
        loss = distillation_loss(logits, batch.teacher_logits, batch.labels, self._distill)
        self._optimizer.step(loss, rate=self.schedule.rate(self.step))
        self.step += 1
        self._rung_steps += 1
        self._rung_seconds += time.perf_counter() - begin

    def save(self, files: _Files) -> None:
        """Write the state to the file that its phase belongs to.

        Raises:
            TrainingError: As `result`.
            StorageError: The disk is full or refuses.
        """
        self._settle()
        stable = self.step <= self.schedule.branch_step
        save_checkpoint(
            Checkpoint(
                identity=self._identity,
                step=self.step,
                total_steps=self.schedule.total_steps,
                rung_steps=self._rung_steps,
                rung_seconds=self._rung_seconds,
                weights=dict(self._network.state_dict()),
                momenta=self._optimizer.momenta(),
            ),
            files.stable if stable else files.decaying,
        )

    def restore(self, files: _Files) -> None:
        """Go on from the furthest state on disk that this rung can use, if any."""
        total = self.schedule.total_steps
        found = load_checkpoint(files.decaying, identity=self._identity)
        if found is None or found.total_steps != total:
            found = load_checkpoint(files.stable, identity=self._identity)
            if found is None or found.step > self.schedule.branch_step:
                return
        self._network.load_state_dict(found.weights)
        self._optimizer.set_momenta(found.momenta)
        self.step = found.step
        if found.total_steps == total:
            self._rung_steps = found.rung_steps
            self._rung_seconds = found.rung_seconds

    def result(self) -> TrainResult:
        """Score the student as it is.

        Raises:
            TrainingError: A loss, or the gradient of one, was not finite.
        """
        self._settle()
        score = score_student(self._network, self._data)
        if not math.isfinite(score.loss):
            msg = f"the loss on validation images is {score.loss} after {self.step} steps."
            raise TrainingError(msg)
        seconds = self._rung_seconds
        seen = self._rung_steps * self._data.batch_size
        return TrainResult(
            accuracy=score.accuracy,
            agreement=score.agreement,
            loss=score.loss,
            weights={
                name: value.detach().cpu().contiguous().clone()
                for name, value in self._network.state_dict().items()
                if not name.endswith("num_batches_tracked")
            },
            train_seconds=seconds,
            images_per_second=seen / seconds if seconds > 0 else 0.0,
        )

    def _settle(self) -> None:
        """Wait for the device, whose time is that of the rung, and look at what it did."""
        begin = time.perf_counter()
        wait_for(self._device)
        self._rung_seconds += time.perf_counter() - begin
        self._optimizer.check()

    def _dropout_stream(self) -> AbstractContextManager[None]:
        """Draw dropout from a stream of its own for each step, where there is any."""
        if self._network.program.dropout == 0:
            return nullcontext()
        return _seeded(derive_seed(self._seed, "dropout", self.step), self._device)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generator for a while; ``F.dropout`` takes no other."""
    if device.type == "cpu":
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield
    else:
        with torch.random.fork_rng(devices=[device.index or 0], device_type=device.type):
            torch.get_device_module(device).manual_seed(seed)
            yield


def _identity(program: Program, data: TrainingData, distill: DistillParams, seed: int) -> str:
    """Name a training: two of one name take the same steps."""
    images = (len(data.train), data.views, data.view_seed, data.flip)
    # The size, too, so that no state is gone on with that has learned on images of another.
    parts = (program, distill, seed, *images, early_px(program))
    return hashlib.sha256(repr(parts).encode()).hexdigest()

"""The three ways by name: each gets the same task and gives a training under way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import nn

from autokd.core.seeds import derive_seed
from autokd.core.trial import DistillParams
from autokd.distill.batches import TrainingData
from autokd.distill.scoring import score_student
from autokd.models.network import StudentNetwork, build_student
from autokd.space.program import Program
from tools.training.measurements import Way
from tools.training.stopwatch import Running


@dataclass(frozen=True, slots=True)
class Task:
    """What every way is given.

    Attributes:
        program: The student; it sees images at their own size.
        data: Images, the engine's cached logits, and the batch size. Its mean and deviation are
            the teacher's, for teacher and student alike.
        load_teacher: Gives the teacher in evaluation mode; called by the ways that ask it at every
            step.
        distill: Temperature and weight.
        epochs: Length of the schedule.
        in_order: Whether steps are taken as they come, which an accuracy needs; else the engine
            mixes those of its phases, so that a speed is that of a whole training.
        workers: Processes of a DataLoader, where there is one.
        seed: Of the weights and, in the engine, of the order.
    """

    program: Program
    data: TrainingData
    load_teacher: Callable[[], nn.Module]
    distill: DistillParams
    epochs: int
    in_order: bool
    workers: int
    seed: int

    def student(self) -> StudentNetwork:
        """Build the student, with the weights that the engine starts from."""
        return build_student(self.program, seed=derive_seed(self.seed, "weights"))


class _Start(Protocol):
    def __call__(self, task: Task) -> Running: ...


def start_plain(task: Task) -> Running:
    """Begin a training as people write it."""
    from tools.training.plain import train_plainly  # torchvision counts as memory of this way only

    student = task.student()
    return Running(train_plainly(student, task), lambda: _accuracy(student, task.data))


def start_torchdistill(task: Task) -> Running:
    """Begin a training by torchdistill."""
    from tools.training.recipe import train_by_torchdistill  # a library of this way only

    student = task.student()
    return Running(train_by_torchdistill(student, task), lambda: _accuracy(student, task.data))


def start_autokd(task: Task) -> Running:
    """Begin a training by the engine of autokd."""
    from tools.training.engine import ScoredTraining, advance, advance_mixed

    training = ScoredTraining(
        task.program,
        task.data,
        task.distill,
        images=task.epochs * len(task.data.train),
        seed=task.seed,
    )
    steps = advance if task.in_order else advance_mixed
    return Running(steps(training, batch_images=task.data.batch_size), training.accuracy)


START: Mapping[Way, _Start] = {
    "plain": start_plain,
    "torchdistill": start_torchdistill,
    "autokd": start_autokd,
}


def _accuracy(student: StudentNetwork, data: TrainingData) -> float:
    """Score with the engine's own judge, which is not timed, and go back to training."""
    accuracy = score_student(student, data).accuracy
    student.train()
    return accuracy

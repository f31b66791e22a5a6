"""What was measured, and under which conditions; kept so that a finished round is not run again.

A round is one run of every way for every student, directly after each other, so that ratios inside
a round hold even where the speed of the machine drifts. A round that was cut short is begun anew.
"""

from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import Field

from autokd.core.codec import load_record
from autokd.core.record import Record
from autokd.errors import DataError
from tools.training.machine import Machine

Way = Literal["plain", "torchdistill", "autokd"]
WAYS: tuple[Way, ...] = get_args(Way)


class Settings(Record):
    """What all measurements of a file have in common.

    Attributes:
        images: Training images; None for all. Validation images shrink with them.
        views: Augmented views for which the engine's teacher logits are cached.
        temperature: Of the softmax, in all ways.
        alpha: Weight of the teacher, in all ways.
        threads: Of torch, in each way.
        workers: Processes that load images for the two ways with a DataLoader; 0 for none.
        window_seconds: Training time from which a speed is taken.
        target_accuracy: Validation accuracy up to which is trained; None for speed alone.
        epochs: Length of the schedule of learning rates, in each way.
        seed: Of weights, orders and views.
        ways: Those compared, in the order in which they take turns.
        students: Those trained.
    """

    images: int | None = Field(gt=0)
    views: int = Field(gt=0)
    temperature: float = Field(ge=1)
    alpha: float = Field(gt=0, lt=1)
    threads: int = Field(gt=0)
    workers: int = Field(ge=0)
    window_seconds: float = Field(gt=0)
    target_accuracy: float | None = Field(gt=0, lt=1)
    epochs: int = Field(gt=0)
    seed: int = Field(ge=0)
    ways: tuple[Way, ...] = Field(min_length=1)
    students: tuple[str, ...] = Field(min_length=1)


class Cache(Record):
    """The engine's teacher logits.

    Attributes:
        images: Training images.
        batch_images: Images of a batch, in every way.
        views: Of each image.
        seconds: That the teacher took for all views.
    """

    images: int
    batch_images: int
    views: int
    seconds: float


class Reading(Record):
    """Validation accuracy after so many images and so many seconds of training."""

    images: int
    seconds: float
    accuracy: float


class Timing(Record):
    """One run of one way.

    Attributes:
        round_number: From 0.
        student: Name.
        way: Name.
        params: Of the student.
        window_steps: Steps in the window.
        window_images: Images in them.
        window_seconds: That they took.
        readings: Rising; the last is at the target if that was reached. Scoring took no time.
        peak_memory_bytes: Largest resident set of the process.
    """

    round_number: int
    student: str
    way: Way
    params: int
    window_steps: int
    window_images: int
    window_seconds: float
    readings: tuple[Reading, ...]
    peak_memory_bytes: int

    @property
    def images_per_second(self) -> float:
        """Speed in the window."""
        return self.window_images / self.window_seconds

    def seconds_to(self, accuracy: float) -> float | None:
        """Give the training time to the first reading of at least ``accuracy``; None if none is."""
        return next((r.seconds for r in self.readings if r.accuracy >= accuracy), None)


class Floor(Record):
    """Steps of the engine without data and update, and of its convolutions alone, in turn.

    Attributes:
        round_number: From 0.
        student: Name.
        engine_seconds: Of each step.
        floor_seconds: Of each pass of the convolutions, forward and backward.
    """

    round_number: int
    student: str
    engine_seconds: tuple[float, ...] = Field(min_length=1)
    floor_seconds: tuple[float, ...] = Field(min_length=1)


class Measurements(Record):
    """All that was measured under one set of conditions."""

    settings: Settings
    machine: Machine
    cache: Cache | None = None
    timings: tuple[Timing, ...] = ()
    floors: tuple[Floor, ...] = ()

    def has_timings(self, round_number: int) -> bool:
        """Whether every way was run for every student in a round."""
        return all(
            self.timing(round_number, student, way)
            for student in self.settings.students
            for way in self.settings.ways
        )

    def has_floors(self, round_number: int) -> bool:
        """Whether the floor of every student was measured in a round."""
        found = {floor.student for floor in self.floors if floor.round_number == round_number}
        return found >= set(self.settings.students)

    def timing(self, round_number: int, student: str, way: Way) -> Timing | None:
        """Give one run; None if it was not made."""
        wanted = (round_number, student, way)
        found = (t for t in self.timings if (t.round_number, t.student, t.way) == wanted)
        return next(found, None)

    def rounds(self) -> tuple[int, ...]:
        """Give the numbers of the rounds in which every way was run, rising."""
        numbers = sorted({timing.round_number for timing in self.timings})
        return tuple(number for number in numbers if self.has_timings(number))

    def with_timing(self, timing: Timing) -> Self:
        """Add a run."""
        return self.model_copy(update={"timings": (*self.timings, timing)})

    def with_floor(self, floor: Floor) -> Self:
        """Add a floor."""
        return self.model_copy(update={"floors": (*self.floors, floor)})

    def without_parts(self) -> Self:
        """Leave out the runs and floors of rounds that were cut short."""
        return self.model_copy(
            update={
                "timings": tuple(t for t in self.timings if self.has_timings(t.round_number)),
                "floors": tuple(f for f in self.floors if self.has_floors(f.round_number)),
            }
        )


def open_measurements(path: Path, settings: Settings, machine: Machine) -> Measurements:
    """Give the whole rounds of a file, or a fresh start where there is none.

    Raises:
        DataError: The file cannot be read, or is of other settings or another machine.
    """
    if not path.exists():
        return Measurements(settings=settings, machine=machine)
    found = load_record(Measurements, path, error=DataError)
    for what, old, new in (
        ("settings", found.settings, settings),
        ("machine", found.machine, machine),
    ):
        differ = [
            name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)
        ]
        if differ:
            listed = ", ".join(f"{n} {getattr(old, n)!r}, now {getattr(new, n)!r}" for n in differ)
            msg = (
                f"{path}: its {what} are others ({listed}), and such times cannot be compared; "
                "name another file with --out, or give what the file was begun with."
            )
            raise DataError(msg)
    return found.without_parts()

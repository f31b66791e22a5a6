"""Train hand-designed students by autokd's engine and by a plain PyTorch loop in equal time.

    python tools/compare_in_equal_time.py DATA --out FILE.jsonl [--minutes 30] [--threads 2]

The plain loop trains whole epochs of a ResNet-20 and of a MobileNetV2 of half the width, as many as
come nearest to the minutes at a speed that is measured first. The engine then gets the time that
this took, less what asking the teacher for its logits took, although a run asks once for all its
students. DATA is a folder with ``load.py``, ``cifar100/`` and ``teachers/``, see
``tools/make_cifar100.py``. Accuracies are of 5,000 training images that nobody learns from; test
images are not read. FILE.jsonl keeps what is done. Let the machine rest meanwhile.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch

from autokd.core.progress import silent
from autokd.core.record import Record
from autokd.core.record_lines import append_line, read_lines
from autokd.core.trial import DistillParams
from autokd.errors import AutoKDError, DataError
from autokd.space.baselines import mobilenet_v2, resnet
from autokd.space.counts import count_params
from autokd.space.program import Program
from tools.source_folder import load_network
from tools.training.engine import ScoredTraining, advance
from tools.training.measurements import Settings, Way
from tools.training.source import prepare
from tools.training.stopwatch import Running, run_clocked
from tools.training.ways import START, Task
from tools.training.workfolder import training_data

STUDENTS: Mapping[str, Callable[..., Program]] = {
    "ResNet-20": lambda **images: resnet(16, depth=20, **images),
    "MobileNetV2-0.5": lambda **images: mobilenet_v2(16, **images),
}
# Of training, from which a speed is taken.
PACE_SECONDS = 30.0
_MANY_EPOCHS = 1000  # more than the pace is taken of


class Asked(Record):
    """What all rows of a file have in common; see the options of the same names."""

    minutes: float
    threads: int
    workers: int
    views: int
    images: int | None
    seed: int


class Outcome(Record):
    """What a student came to.

    Attributes:
        student: Name of the student.
        way: How it was trained.
        params: Its parameters.
        images: Training images seen, each as often as it was.
        seconds: Of the steps.
        cache_seconds: That asking the teacher took before, and that were taken from ``seconds``.
        accuracy: On the validation images, at the end.
    """

    student: str
    way: Way
    params: int
    images: int
    seconds: float
    cache_seconds: float
    accuracy: float


class Kept(Record):
    """A line of the file."""

    asked: Asked
    outcome: Outcome


def main() -> None:
    """Train what is missing, and print the table."""
    given = _arguments()
    torch.set_num_threads(given.threads)
    try:
        found = compare(given)
    except AutoKDError as fault:
        raise SystemExit(str(fault)) from fault
    print("\nstudent           way      parameters     images   minutes   accuracy")
    for row in found:
        minutes = (row.seconds + row.cache_seconds) / 60
        print(
            f"{row.student:<18}{row.way:<9}{row.params:>10,}{row.images:>11,}{minutes:>10.1f}"
            f"{row.accuracy:>11.2%}"
        )


def compare(given: argparse.Namespace) -> list[Outcome]:
    """Train each student both ways, the plain loop first, since the engine gets its time.

    Raises:
        DataError: The file holds rows that were asked for in another way, or a part of the data is
            missing.
        StorageError: The file cannot be written.
    """
    asked = Asked(**{name: getattr(given, name) for name in Asked.model_fields})
    there = _done(given.out, asked)
    settings = Settings(
        images=given.images,
        views=given.views,
        temperature=4.0,
        alpha=0.9,
        threads=given.threads,
        workers=given.workers,
        window_seconds=PACE_SECONDS,
        target_accuracy=None,
        epochs=1,
        seed=given.seed,
        ways=get_args(Way),
        students=tuple(STUDENTS),
    )
    work = given.out.with_suffix(".work")
    prepared = prepare(given.data, work, settings, progress=silent)
    data = training_data(work, prepared)
    for name, build in STUDENTS.items():
        task = Task(
            program=build(
                image_channels=data.train.channels,
                input_px=data.train.px,
                classes=len(prepared.class_names),
            ),
            data=data,
            load_teacher=lambda: load_network(given.data),
            distill=DistillParams(temperature=settings.temperature, alpha=settings.alpha),
            epochs=1,
            in_order=False,
            workers=given.workers,
            seed=given.seed,
        )
        if (name, "plain") not in there:
            row = train_plain(name, task, 60 * given.minutes)
            there[name, "plain"] = _keep(given.out, asked, row)
        if (name, "autokd") not in there:
            plain = there[name, "plain"]
            row = train_engine(name, task, plain.seconds, asking=prepared.cache.seconds)
            there[name, "autokd"] = _keep(given.out, asked, row)
    return [there[name, way] for name in STUDENTS for way in ("plain", "autokd")]


def train_plain(name: str, task: Task, seconds: float) -> Outcome:
    """Train whole epochs by the plain loop, one at least, such that it takes about ``seconds``."""
    epoch = len(task.data.train) / images_per_second(task, "plain")
    epochs = max(1, round(seconds / epoch))
    torch.manual_seed(task.seed)  # order and views of a DataLoader know no other
    return _train(name, "plain", task, START["plain"](replace(task, epochs=epochs)))


def train_engine(name: str, task: Task, seconds: float, *, asking: float) -> Outcome:
    """Train by the engine in ``seconds``, of which ``asking`` went to the teacher's logits."""
    images = int((seconds - asking) * images_per_second(task, "autokd"))
    training = ScoredTraining(task.program, task.data, task.distill, images=images, seed=task.seed)
    steps = advance(training, batch_images=task.data.batch_size)
    return _train(name, "autokd", task, Running(steps, training.accuracy), cache_seconds=asking)


def images_per_second(task: Task, way: Way) -> float:
    """Give the speed of a way; the engine's is that of the mix of its phases."""
    clocked = run_clocked(
        START[way](replace(task, epochs=_MANY_EPOCHS)),
        window_seconds=PACE_SECONDS,
        target_accuracy=None,
        images_per_reading=len(task.data.train),
    )
    return clocked.window_images / clocked.window_seconds


def _train(
    name: str, way: Way, task: Task, running: Running, *, cache_seconds: float = 0.0
) -> Outcome:
    began = time.perf_counter()
    images = sum(running.steps)
    seconds = time.perf_counter() - began
    return Outcome(
        student=name,
        way=way,
        params=count_params(task.program),
        images=images,
        seconds=seconds,
        cache_seconds=cache_seconds,
        accuracy=running.accuracy(),
    )


def _keep(path: Path, asked: Asked, row: Outcome) -> Outcome:
    append_line(path, Kept(asked=asked, outcome=row))
    print(f"{row.student} {row.way}: {row.accuracy:.2%} in {row.seconds:,.0f} s", flush=True)
    return row


def _done(path: Path, asked: Asked) -> dict[tuple[str, Way], Outcome]:
    """Give what is done already, by student and way.

    Raises:
        DataError: Something there was asked for in another way.
    """
    lines = read_lines(path, Kept)
    for line in lines:
        if line.asked != asked:
            msg = f"{path}: was begun with {line.asked}, not with {asked}; name another file."
            raise DataError(msg)
    return {(line.outcome.student, line.outcome.way): line.outcome for line in lines}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--threads", type=int, default=2, help="of torch, in both ways")
    parser.add_argument("--workers", type=int, default=2, help="processes of the DataLoader")
    parser.add_argument("--views", type=int, default=2, help="for which the teacher is asked")
    parser.add_argument("--images", type=int, help="training images; all if not given")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

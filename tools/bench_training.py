"""Time three ways of distilling the same students from the same data, in turn, and give ratios.

    python tools/bench_training.py DATA --out FILE.json [--accuracy 0.2] [--floor]

(a) a plain PyTorch loop, (b) torchdistill, which must be installed for it, (c) autokd's engine with
cached teacher logits. DATA is a folder with ``load.py``, ``cifar100/`` and ``teachers/``, see
``tools/make_cifar100.py``; nothing of it is kept in the project. FILE.json gets every single
measurement, a finished round is not run again, and images and logits lie beside it in FILE.work.
The page of ratios goes to the standard output. Let the machine rest meanwhile.

The speed of (c) is that of the mix of its two phases. With --accuracy its steps are taken as they
come, so its speed there is that of the first phase; the time to the accuracy is what counts then.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from autokd.core.codec import parse_record, save_record
from autokd.errors import AutoKDError, InputError
from tools.training.machine import this_machine
from tools.training.measurements import (
    WAYS,
    Cache,
    Floor,
    Measurements,
    Settings,
    Timing,
    open_measurements,
)
from tools.training.page import make_page
from tools.training.processes import Job, run_job
from tools.training.students import FAMILIES


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and print the page.

    Raises:
        SystemExit: Something that was given is wrong, a library is missing, or a process failed.
    """
    given = _parse(arguments)
    try:
        settings = _settings(given)
        found = _measure(given, settings)
        print(make_page(found, cache_students=given.cache_students), end="")
    except AutoKDError as fault:
        raise SystemExit(str(fault)) from fault
    if given.floor:
        for student in settings.students:
            table = profile_file(given.out, student).read_text(encoding="utf-8")
            print(f"\nOperators of (c), {student}\n\n```text\n{table.rstrip()}\n```")


def missing_jobs(
    found: Measurements, first: Job, *, rounds: int, floor: bool, out: Path
) -> list[Job]:
    """Give what is left to do, in order: in each round all ways of a student in turn.

    Args:
        found: Whole rounds alone.
        first: Job with the folders.
        rounds: Wanted.
        floor: Whether floors are wanted.
        out: File of the measurements; the first floor of a student writes its profile beside it.
    """
    jobs = []
    for number in range(rounds):
        if not found.has_timings(number):
            jobs += [
                first.of_timing(number, student, way)
                for student in found.settings.students
                for way in found.settings.ways
            ]
        if floor and not found.has_floors(number):
            jobs += [
                first.of_floor(number, student, None if number else profile_file(out, student))
                for student in found.settings.students
            ]
    return jobs


def profile_file(out: Path, student: str) -> Path:
    """Give the file for the operators of a student."""
    return out.with_name(f"{out.stem}.{student}.profile.txt")


def _measure(given: argparse.Namespace, settings: Settings) -> Measurements:
    """Do what is missing; the file is written after every single run."""
    out: Path = given.out.resolve()
    found = open_measurements(out, settings, this_machine())
    first = Job(
        kind="cache", data=given.data.resolve(), work=out.with_suffix(".work"), settings=settings
    )
    jobs = missing_jobs(found, first, rounds=given.rounds, floor=given.floor, out=out)
    if jobs:
        found = found.model_copy(update={"cache": run_job(first, Cache)})
    for place, job in enumerate(jobs, start=1):
        print(f"{place} of {len(jobs)}: {job.name}", file=sys.stderr, flush=True)
        if job.kind == "timing":
            found = found.with_timing(run_job(job, Timing))
        else:
            found = found.with_floor(run_job(job, Floor))
        save_record(found, out)
    return found


def _settings(given: argparse.Namespace) -> Settings:
    settings = parse_record(
        Settings,
        {
            "images": given.images,
            "views": given.views,
            "temperature": given.temperature,
            "alpha": given.alpha,
            "threads": given.threads,
            "workers": given.workers,
            "window_seconds": given.window,
            "target_accuracy": given.accuracy,
            "epochs": given.epochs,
            "seed": given.seed,
            "ways": given.ways,
            "students": given.students,
        },
        where="options",
    )
    if "torchdistill" in settings.ways and find_spec("torchdistill") is None:
        msg = (
            "torchdistill is not installed, and way (b) is its own recipe: run "
            "'pip install torchdistill', or leave it out with --ways plain autokd."
        )
        raise InputError(msg)
    return settings


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("data", type=Path, metavar="DATA")
    add("--out", type=Path, required=True, metavar="FILE.json")
    add("--rounds", type=int, default=5, help="each runs all ways in turn (default: %(default)s)")
    add("--images", type=int, help="training images (default: all)")
    add("--window", type=float, default=20.0, metavar="SECONDS", help="of training that is timed")
    add("--accuracy", type=float, help="train up to this validation accuracy, from 0 to 1")
    add("--epochs", type=int, default=20, help="of the schedules (default: %(default)s)")
    add("--views", type=int, default=4, help="cached for (c) (default: %(default)s)")
    add("--cache-students", type=int, default=100, metavar="N", help="that share the cache")
    add("--temperature", type=float, default=4.0)
    add("--alpha", type=float, default=0.5, help="weight of the teacher (default: %(default)s)")
    add("--threads", type=int, default=1, help="of torch, in each way (default: %(default)s)")
    add("--workers", type=int, default=0, help="loading processes of (a) and (b)")
    add("--seed", type=int, default=0)
    add("--ways", nargs="+", choices=WAYS, default=WAYS)
    add("--students", nargs="+", choices=FAMILIES, default=tuple(FAMILIES))
    add("--floor", action="store_true", help="time (c) against its convolutions, and profile it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

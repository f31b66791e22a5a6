"""Trains the students of the table, one after the other, by the product's own evaluator."""

import contextlib
import dataclasses
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path

import safetensors.torch
import torch

from autokd.core.cost import Cost
from autokd.core.device import load_profile
from autokd.core.trial import Candidate, Observation
from autokd.distill.batches import TrainingData
from autokd.distill.scoring import score_student
from autokd.errors import TrainingError
from autokd.models.network import StudentNetwork
from autokd.pipeline.plan import Lengths
from autokd.space.cost import cost_on
from autokd.space.program import Program
from tools.table.journal import Journal
from tools.table.points import Point
from tools.table.rows import Row
from tools.table.setup import Build

# Costs are stored for these boards, whatever board's limits the students keep.
DEVICES = ("jetson-nano", "raspberry-pi-zero-2w", "raspberry-pi-5")


def work(
    build: Build,
    journal: Journal,
    *,
    worker: int,
    workers: int,
    done: Collection[int] = (),
    most: int | None = None,
    say: Callable[[str], None],
) -> int:
    """Train all students of one worker that nobody has trained, and write each down.

    Args:
        build: What is ready.
        journal: Of this worker.
        worker: Takes the students with ``id % workers == worker``.
        workers: How many share the work.
        done: Students that are trained beside those in the journal.
        most: Stop after so many.
        say: Told of each.

    Returns:
        How many were trained.
    """
    mine = [p for p in build.plan.points if p.point_id % workers == worker]
    trained = 0
    for point in mine:
        if point.point_id in journal.done or point.point_id in done:
            _remove_trial(build, point)  # of a worker that was killed between line and removal
            continue
        if trained == most:
            break
        began = time.monotonic()
        row = train_point(build, point)
        journal.append(row)
        _remove_trial(build, point)
        trained += 1
        say(_line(row, seconds=time.monotonic() - began))
    return trained


def train_point(build: Build, point: Point) -> Row:
    """Train one student on all rungs, or what an earlier process left of them.

    Raises:
        StorageError: The disk is full or refuses.
    """
    setup, evaluator = build.plan.setup, build.evaluator
    program = evaluator.space.program(point.candidate)
    seconds = tuple(share * setup.design.full_seconds for share in setup.design.lengths)
    lengths = Lengths(seconds=seconds, images=None, pace=setup.pace)
    observations: list[Observation] = []
    test_accuracy, failure = None, None
    try:
        for rung in range(setup.design.rungs):
            fidelity = lengths.fidelity(program, rung)
            observations.append(evaluator(point.point_id, point.candidate, fidelity))
        weights = _trial_folder(build, point) / f"rung{setup.design.rungs - 1}.safetensors"
        test_accuracy = _test_accuracy(build, program, weights)
    except TrainingError as fault:
        failure = str(fault)
    return Row.of(
        point,
        _costs(build, program, point.candidate),
        tuple(observations),
        test_accuracy=test_accuracy,
        failure=failure,
        seed=setup.design.seed,
    )


def _test_accuracy(build: Build, program: Program, weights: Path) -> float:
    data: TrainingData = build.evaluator.data
    blank = torch.zeros(len(build.test), len(build.plan.setup.class_names))
    judged = dataclasses.replace(data, validation=build.test, validation_logits=blank)
    network = StudentNetwork(program)
    network.load_state_dict(safetensors.torch.load_file(weights))
    return score_student(network, judged).accuracy


def _costs(build: Build, program: Program, candidate: Candidate) -> dict[str, Cost]:
    label_bytes = build.evaluator.space.label_bytes
    costs = {
        name: cost_on(program, load_profile(name), label_bytes=label_bytes) for name in DEVICES
    }
    own = costs.get(build.plan.setup.design.device)
    assert own in (None, candidate.cost), "the cost of a student has changed since it was drawn"
    return costs


def _trial_folder(build: Build, point: Point) -> Path:
    return build.evaluator.setup.trials_folder / str(point.point_id)


def _remove_trial(build: Build, point: Point) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(_trial_folder(build, point))


def _line(row: Row, *, seconds: float) -> str:
    if row.failure is not None:
        return f"{row.point_id}: failed on rung {len(row.rungs)}: {row.failure}"
    trained = sum(rung.train_seconds for rung in row.rungs)
    return (
        f"{row.point_id}: {row.rungs[-1].accuracy:.2%} after {row.rungs[-1].images:,} images, "
        f"{trained:.1f} s of training, {seconds:.1f} s in all"
    )

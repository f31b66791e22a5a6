"""Train hand-designed students as long as the winner of a run, under its limits, by its trainer.

    python tools/compare_with_baselines.py RUN OUT.json [--only NAME]

A CIFAR ResNet (depth 20 and depth 8) and a MobileNetV2 are scaled to the largest width that the
run's limits allow, and taught with the winner's temperature and weight. Equal training time is held
by speed, not by a clock: steps of the winner and of a baseline are timed in turn, and the baseline
sees as many images as it could have seen in the winner's time, the decays of its earlier rungs
included. Accuracies are those of the validation split; the test split is not read.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from autokd.core.codec import load_record, write_atomically
from autokd.core.config import RunConfig
from autokd.core.progress import silent
from autokd.core.results import Report
from autokd.core.seeds import derive_seed
from autokd.core.trial import DistillParams
from autokd.distill.batches import TrainingData
from autokd.distill.evaluator import StudentEvaluator
from autokd.distill.trainer import Training, train
from autokd.pipeline.inputs import Inputs, load_inputs
from autokd.pipeline.plan import RunPlan
from autokd.pipeline.preflight import worker_setup
from autokd.space.baselines import mobilenet_v2, resnet
from autokd.space.phases import DECAY_FRACTION, mean_of_phases, mean_pixels
from autokd.space.program import Program
from autokd.space.sizing import largest_width

TIMED_STEPS = 12


def main() -> None:
    """Train the baselines and write what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=["resnet20", "resnet8", "mobilenet_v2"])
    given = parser.parse_args()
    torch.set_num_threads(1)
    report = load_record(Report, given.run / "results.json")
    plan = load_record(RunPlan, given.run / "plan.json")
    inputs = load_inputs(load_record(RunConfig, given.run / "config.toml"), progress=silent)
    evaluator = StudentEvaluator(worker_setup(inputs, plan, given.run))
    trial = next(t for t in report.trials if t.trial_id == report.winners[0].trial_id)
    winner = evaluator.space.program(trial.candidate)
    lengths = [seen.fidelity.images for seen in trial.observations]
    # The decays of the shorter rungs, which a promotion repeats, are on images of full size.
    repeated = DECAY_FRACTION / mean_pixels(winner) * sum(lengths[:-1])
    seen_by_winner = lengths[-1] + repeated
    rows = [{"name": "winner", "accuracy": trial.accuracy, "params": trial.candidate.cost.params}]
    for name, program_at in designs(inputs).items():
        if given.only not in (None, name):
            continue
        program, params = _scale(program_at, inputs, plan)
        slower = relative_time(program, winner, evaluator.data, trial.candidate.distill)
        images = int(seen_by_winner / slower)
        result = train(
            program,
            evaluator.data,
            trial.candidate.distill,
            images=images,
            seed=derive_seed(inputs.config.seed, "baseline", name),
        )
        rows.append(
            {
                "name": name,
                "accuracy": result.accuracy,
                "params": params,
                "images": images,
                "time_per_image_relative_to_winner": slower,
                "train_seconds": result.train_seconds,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    write_atomically(given.out, json.dumps(rows, indent=1))


def designs(inputs: Inputs) -> dict[str, Callable[[int], Program]]:
    """Give the hand-designed students by name, each as a function of its width."""
    shape = {
        "image_channels": inputs.dataset.train.channels,
        "input_px": inputs.dataset.train.px,
        "classes": inputs.teacher.card.classes,
    }
    return {
        "resnet20": partial(resnet, depth=20, **shape),
        "resnet8": partial(resnet, depth=8, **shape),
        "mobilenet_v2": partial(mobilenet_v2, **shape),
    }


def relative_time(
    program: Program, reference: Program, data: TrainingData, distill: DistillParams
) -> float:
    """Give how many times longer the mean training step of ``program`` takes, by steps in turn."""
    trainings = [Training(p, data, distill, images=10**9, seed=0) for p in (program, reference)]
    ratios = []
    for step in range(TIMED_STEPS + 2):
        one, other = (_mean_step_seconds(training) for training in trainings)
        if step >= 2:  # the first steps allocate
            ratios.append(one / other)
    return statistics.median(ratios)


def _mean_step_seconds(training: Training) -> float:
    """Take one step of each phase."""
    seconds = []
    for step in (0, training.schedule.branch_step):
        training.step = step
        began = time.perf_counter()
        training.advance()
        seconds.append(time.perf_counter() - began)
    return mean_of_phases(*seconds)


def _scale(
    program_at: Callable[[int], Program], inputs: Inputs, plan: RunPlan
) -> tuple[Program, int]:
    found = largest_width(
        program_at, profile=inputs.profile, limits=plan.limits, fill=1.0, smallest=4
    )
    if found is None:
        raise SystemExit("a baseline is over the limits at its smallest width")
    return program_at(found[0]), found[1].params


if __name__ == "__main__":
    main()

"""Times a few students on this machine, so that a run knows how many images fit into its rungs."""

import time
from collections.abc import Sequence

import torch

from autokd.core.progress import Progress
from autokd.core.trial import DistillParams
from autokd.distill.batches import CPU, TrainingData
from autokd.distill.placement import wait_for
from autokd.distill.trainer import Training
from autokd.space.phases import mean_of_phases
from autokd.space.program import Program

WARMUP_STEPS = 2
TIMED_STEPS = 5


def time_students(
    programs: Sequence[Program],
    data: TrainingData,
    *,
    progress: Progress,
    device: torch.device = CPU,
) -> list[float]:
    """Give the seconds that the mean training image of each student takes.

    In each phase the fastest of some steps counts, because other work on the machine can only slow
    a step down.
    """
    distill = DistillParams(temperature=2.0, alpha=0.5 if data.logits is not None else 0.0)
    seconds = []
    for number, program in enumerate(programs):
        progress("timing students", number, len(programs))
        training = Training(program, data, distill, images=10**9, seed=0, device=device)
        early = _time_step(training, device)
        training.step = training.schedule.branch_step
        late = _time_step(training, device)
        seconds.append(mean_of_phases(early, late) / data.batch_size)
    progress("timing students", len(programs), len(programs))
    return seconds


def _time_step(training: Training, device: torch.device) -> float:
    for _ in range(WARMUP_STEPS):
        training.advance()
    wait_for(device)
    best = float("inf")
    for _ in range(TIMED_STEPS):
        begin = time.perf_counter()
        training.advance()
        wait_for(device)
        best = min(best, time.perf_counter() - begin)
    return best

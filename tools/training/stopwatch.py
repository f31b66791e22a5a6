"""The clock that all ways are held to."""

import itertools
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autokd.errors import MeasurementError
from tools.training.measurements import Reading

# The first steps allocate memory and choose kernels.
WARMUP_STEPS = 3
# How often accuracy is read.
READINGS_PER_EPOCH = 4


@dataclass(frozen=True, slots=True)
class Running:
    """A training under way.

    Attributes:
        steps: Does one step, its data included, when asked for the next number, which is that of
            the images in it; ends with the schedule.
        accuracy: Scores the student on the validation images, as it is between two steps.
    """

    steps: Iterator[int]
    accuracy: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Clocked:
    """What the clock told; see `tools.training.measurements.Timing`."""

    window_steps: int
    window_images: int
    window_seconds: float
    readings: tuple[Reading, ...]


def run_clocked(
    running: Running,
    *,
    window_seconds: float,
    target_accuracy: float | None,
    images_per_reading: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Clocked:
    """Train until the window is full and the target, if any, is reached, or the schedule ends.

    The window begins after `WARMUP_STEPS`. Training time is that of steps alone, from the first:
    the clock stands while accuracy is read.

    Raises:
        MeasurementError: The schedule ended before the window began.
    """
    steps = images = window_images = 0
    seconds = window = 0.0
    readings: list[Reading] = []
    reached = target_accuracy is None
    for number in itertools.count():
        begin = clock()
        seen = next(running.steps, 0)
        lasted = clock() - begin
        if not seen:
            break
        images += seen
        seconds += lasted
        if number >= WARMUP_STEPS and window < window_seconds:
            steps, window_images, window = steps + 1, window_images + seen, window + lasted
        if not reached and images >= (len(readings) + 1) * images_per_reading:
            readings.append(Reading(images=images, seconds=seconds, accuracy=running.accuracy()))
            reached = readings[-1].accuracy >= (target_accuracy or 0)
        if reached and window >= window_seconds:
            break
    if not steps:
        msg = (
            f"the training was over after {images} images, before its step {WARMUP_STEPS + 1} "
            "from which speed is taken; give more --epochs or --images."
        )
        raise MeasurementError(msg)
    return Clocked(steps, window_images, window, tuple(readings))


def peak_memory_bytes() -> int:
    """Give the largest resident set of this process so far.

    Linux hands the number on through ``exec``, so the process that starts this one must be smaller.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

from collections.abc import Iterator
from typing import Any

import pytest

from autokd.errors import MeasurementError
from tests.tools.training.made_up import Clock
from tools.training.stopwatch import WARMUP_STEPS, Running, peak_memory_bytes, run_clocked


def run(
    seconds: list[float], accuracies: list[float], **given: Any
) -> tuple[Any, Clock, Iterator[int]]:
    clock, scores = Clock(), iter(accuracies)

    def steps() -> Iterator[int]:
        for lasted in seconds:
            clock.spend(lasted)
            yield 10

    def accuracy() -> float:
        clock.spend(1000)
        return next(scores)

    training = steps()
    return run_clocked(Running(training, accuracy), clock=clock, **given), clock, training


def test_speed_is_taken_after_the_first_steps_until_the_window_is_full() -> None:
    clocked, _, rest = run(
        [9, 9, 9, 1, 2, 3, 4], [], window_seconds=3, target_accuracy=None, images_per_reading=10
    )
    assert (clocked.window_steps, clocked.window_images, clocked.window_seconds) == (2, 20, 3)
    assert clocked.readings == ()
    assert list(rest) == [10, 10]


def test_training_goes_on_to_the_target_and_scoring_takes_no_time() -> None:
    clocked, _, rest = run(
        [1] * 9, [0.1, 0.2, 0.3], window_seconds=2, target_accuracy=0.3, images_per_reading=20
    )
    readings = [(r.images, r.seconds, r.accuracy) for r in clocked.readings]
    assert readings == [(20, 2, 0.1), (40, 4, 0.2), (60, 6, 0.3)]
    assert (clocked.window_steps, clocked.window_seconds) == (2, 2)
    assert len(list(rest)) == 3


def test_a_target_that_is_reached_early_leaves_the_window_whole() -> None:
    clocked, _, _ = run(
        [1] * 9, [0.5], window_seconds=4, target_accuracy=0.3, images_per_reading=10
    )
    assert len(clocked.readings) == 1
    assert clocked.window_seconds == 4


def test_a_schedule_that_ends_leaves_the_target_unmet() -> None:
    clocked, _, _ = run(
        [1] * 5, [0.1] * 5, window_seconds=1, target_accuracy=0.3, images_per_reading=10
    )
    assert len(clocked.readings) == 5


def test_a_training_too_short_for_a_speed_is_told() -> None:
    with pytest.raises(MeasurementError, match=r"over after 30 images.*--epochs"):
        run([1] * WARMUP_STEPS, [], window_seconds=1, target_accuracy=None, images_per_reading=1)


def test_peak_memory_is_in_bytes() -> None:
    assert 50 * 2**20 < peak_memory_bytes() < 64 * 2**30

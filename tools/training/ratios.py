"""From measurements to ratios: one in each round, then their median and range."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tools.training.measurements import Measurements, Timing, Way

# Of a timing of a round, a number; None where the run did not come that far.
Figure = Callable[[Timing], float | None]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and range of a number over rounds.

    Attributes:
        median: Of the rounds that have it.
        low: Smallest.
        high: Largest.
        rounds: That have it.
        of: Rounds in all.
    """

    median: float
    low: float
    high: float
    rounds: int
    of: int


def ratio(
    measurements: Measurements, student: str, over: tuple[Way, Way], figure: Figure
) -> Spread | None:
    """Give a figure of one way over that of another, round by round.

    Args:
        measurements: Of which whole rounds count.
        student: Name.
        over: The way above the line, and the way below.
        figure: What is compared.

    Returns:
        None where no round has both.
    """
    ratios = []
    for number in measurements.rounds():
        above, below = (figure_of(measurements, number, student, way, figure) for way in over)
        ratios.append(above / below if above is not None and below else None)
    return spread(ratios)


def figure_of(
    measurements: Measurements, number: int, student: str, way: Way, figure: Figure
) -> float | None:
    """Give a figure of one run; None where there is no such run."""
    timing = measurements.timing(number, student, way)
    return None if timing is None else figure(timing)


def spread(values: Iterable[float | None]) -> Spread | None:
    """Give median and range of what is there; None of nothing."""
    listed = list(values)
    there = [value for value in listed if value is not None]
    if not there:
        return None
    return Spread(statistics.median(there), min(there), max(there), len(there), len(listed))


def floor_ratio(measurements: Measurements, student: str) -> Spread | None:
    """Give a step of the engine, without data and update, over its convolutions alone."""
    return spread(
        statistics.median(floor.engine_seconds) / statistics.median(floor.floor_seconds)
        for floor in measurements.floors
        if floor.student == student
    )


def images_per_second(timing: Timing) -> float:
    """Give the speed of a run."""
    return timing.images_per_second


def peak_memory(timing: Timing) -> float:
    """Give the peak memory of a run, in bytes."""
    return timing.peak_memory_bytes


def seconds_to_target(measurements: Measurements) -> Figure:
    """Give the figure that tells the seconds to the target of ``measurements``."""
    target = measurements.settings.target_accuracy
    return lambda timing: None if target is None else timing.seconds_to(target)


def with_cache(measurements: Measurements, students: int, figure: Figure) -> Figure:
    """Give a figure in seconds to which, for the engine, its share of the cache is added.

    Args:
        measurements: With the seconds of the cache.
        students: That share it.
        figure: In seconds.
    """
    share = measurements.cache.seconds / students if measurements.cache else 0.0

    def paid(timing: Timing) -> float | None:
        seconds = figure(timing)
        return seconds + share if seconds is not None and timing.way == "autokd" else seconds

    return paid


def seconds_of_training(measurements: Measurements) -> Figure:
    """Give the figure that tells the seconds of all epochs at the speed of the window."""
    assert measurements.cache is not None
    images = measurements.settings.epochs * measurements.cache.images
    return lambda timing: images / timing.images_per_second

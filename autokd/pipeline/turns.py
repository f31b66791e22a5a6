"""Times files in turns, so that a machine that slows down or speeds up does not decide for one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from autokd.core.measurement import LatencyMeasurement

ROUNDS = 2

Measure = Callable[[Path], LatencyMeasurement | None]


@dataclass(frozen=True, slots=True)
class Turns:
    """Timings of one file beside those of the first file.

    Attributes:
        measurements: In order; None where a machine could not time.
        ratios: Its median time over the first file's, in each round where both count.
    """

    measurements: tuple[LatencyMeasurement | None, ...]
    ratios: tuple[float, ...] = ()

    @property
    def shown(self) -> LatencyMeasurement | None:
        """The first that counts, or the first."""
        made = [m for m in self.measurements if m is not None]
        return next((m for m in made if m.valid), made[0] if made else None)

    @property
    def ratio(self) -> float | None:
        """Median of the ratios; None where no round counts."""
        return median(self.ratios) if self.ratios else None

    @property
    def counts(self) -> bool:
        """Whether every round was valid."""
        return bool(self.measurements) and len(self.ratios) == len(self.measurements)

    @property
    def fault(self) -> str:
        """Why a round does not count."""
        for one in self.measurements:
            if one is None:
                return "it could not be timed"
            if not one.valid:
                return one.reason or "no reason was given"
        return "fp32 beside it did not count"


def time_in_turns(files: Sequence[Path], measure: Measure, *, rounds: int = ROUNDS) -> list[Turns]:
    """Time each file once a round, the first one leading each round.

    The other files are left alone where the first cannot be timed, and where its timing is not the
    board's: another machine says nothing about which precision is fast there.

    Args:
        files: fp32 first.
        measure: Times one file; None when the machine cannot.
        rounds: How often.
    """
    first = measure(files[0])
    if len(files) == 1 or first is None or not first.is_device:
        return [Turns((first,)), *[Turns(()) for _ in files[1:]]]
    made: list[list[LatencyMeasurement | None]] = [[first]]
    made += [[measure(file)] for file in files[1:]]
    for _ in range(rounds - 1):
        for place, file in enumerate(files):
            made[place].append(measure(file))
    return [Turns(tuple(own), _ratios(made[0], own) if own is not made[0] else ()) for own in made]


def _ratios(
    base: Sequence[LatencyMeasurement | None], own: Sequence[LatencyMeasurement | None]
) -> tuple[float, ...]:
    return tuple(
        mine.p50_ms / theirs.p50_ms
        for theirs, mine in zip(base, own, strict=True)
        if theirs and mine and theirs.valid and mine.valid and theirs.p50_ms > 0
    )

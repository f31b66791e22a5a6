"""Times the precisions of a student against its fp32 file, in pairs of short blocks.

The pairs, their estimate and its interval are those of ``autokd compare``: a machine that slows
down or speeds up meets both files alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autokd.core.comparison import Pair
from autokd.core.measurement import LatencyMeasurement
from autokd.core.progress import silent
from autokd.measure.interleaved import Side, time_round
from autokd.report.compare_latency import Change, change_of, spoiled_blocks

# A round of pairs ends at the first of these numbers where the faster file is known.
LOOKS = (8, 12, 16, 24)


class Timer(Protocol):
    """A machine that times files; None where it cannot."""

    def measure(self, model: Path) -> LatencyMeasurement | None:
        """Time a file as long as a report needs."""

    def measure_block(self, model: Path) -> LatencyMeasurement | None:
        """Time a file shortly, as one of a pair."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How one file was timed.

    Attributes:
        measurement: By itself, for the report; None where the machine could not time.
        change: Its time over that of fp32, minus one, with its interval; None where there is none.
        fault: Why there is none.
    """

    measurement: LatencyMeasurement | None
    change: Change | None = None
    fault: str = ""


def time_in_turns(files: Sequence[Path], timer: Timer | None) -> list[Turn]:
    """Time each file by itself, and each but the first in pairs with the first.

    The other files are left alone where the first cannot be timed, and where its timing is not the
    board's: another machine says nothing about which precision is fast there.

    Args:
        files: fp32 first.
        timer: Of the machine; None where nothing is timed.
    """
    first = Turn(timer.measure(files[0]) if timer else None)
    if timer is None or first.measurement is None or not first.measurement.is_device:
        return [first, *(Turn(None) for _ in files[1:])]
    return [first, *(_time_against(files[0], file, timer) for file in files[1:])]


def is_clear(change: Change) -> bool:
    """Whether the interval leaves no doubt which of two files is faster."""
    return change.high < 0 or change.low > 0


class _NotTimed(Exception):  # noqa: N818 - ends a round
    """The machine could not time a block."""


def _time_against(base: Path, file: Path, timer: Timer) -> Turn:
    def time_block(side: Side) -> LatencyMeasurement:
        found = timer.measure_block(base if side == "baseline" else file)
        if found is None:
            raise _NotTimed
        return found

    alone = timer.measure(file)
    if alone is None:
        return Turn(None, fault="it could not be timed")
    try:
        pairs = time_round(time_block, _is_settled, progress=silent, looks=LOOKS)
    except _NotTimed:
        return Turn(alone, fault="it could not be timed beside fp32")
    spoiled = spoiled_blocks(pairs)
    if spoiled:
        return Turn(alone, fault=spoiled[0])
    return Turn(alone, _sharpest(pairs))


def _is_settled(pairs: Sequence[Pair]) -> bool:
    return bool(spoiled_blocks(pairs)) or is_clear(_sharpest(pairs))


def _sharpest(pairs: Sequence[Pair]) -> Change:
    """Give the change of the fastest run or of the median, whichever is known more closely."""
    found = [change_of(pairs, metric) for metric in ("min", "p50")]
    return min(found, key=lambda change: change.high - change.low)

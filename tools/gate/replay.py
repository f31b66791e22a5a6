"""Days replayed from pairs that were timed: many more of them than there is time for."""

import random
from collections.abc import Iterator, Sequence
from functools import partial
from statistics import median

from autokd.core.comparison import Pair
from autokd.core.measurement import LatencyMeasurement
from autokd.measure.interleaved import LOOKS
from autokd.report.compare_latency import is_settled
from tools.gate.days import Day, Kind, day_of, play

Block = tuple[float, float, float]  # fastest run, p50 and p90 in ms
Times = tuple[Block, Block]  # of baseline and of current


def recorded(days: Sequence[Day], kind: Kind) -> list[Times]:
    """Give all pairs of a kind, in the order in which they were timed."""
    return [
        ((low[0], middle[0], high[0]), (low[1], middle[1], high[1]))
        for day in days
        if day.kind == kind
        for one in day.rounds
        for low, middle, high in zip(one.min_ms, one.p50_ms, one.p90_ms, strict=True)
    ]


def replay(
    series: Sequence[Times],
    *,
    kind: Kind,
    days: int,
    limit: float,
    factor: float = 1.0,
    seed: int = 0,
) -> list[Day]:
    """Play days that begin at random places of a series and go on from there, as time did.

    Args:
        series: Of `recorded`; taken as a ring.
        kind: Written into the days.
        days: Number of them.
        limit: Of the gate.
        factor: The current side's times are multiplied by it: a made-up slow-down, shown beside
            the real one and never instead of it.
        seed: Of the places.

    Raises:
        ValueError: The series is shorter than the longest round.
    """
    if len(series) < LOOKS[-1]:
        msg = f"{len(series)} pairs are too few; a round takes up to {LOOKS[-1]}"
        raise ValueError(msg)
    rng = random.Random(seed)  # noqa: S311 - places in a series
    played = []
    for _ in range(days):
        rounds = play(partial(_round, _places(series, rng, factor), limit), limit)
        played.append(day_of(kind, rounds, limit=limit, seconds=0.0, load=0.0))
    return played


def spread(series: Sequence[Times], which: int) -> float:
    """Give how far a time of two neighbouring blocks differs: the median of ``|b / a - 1|``.

    Args:
        series: Of `recorded`.
        which: 0 for the fastest run, 1 for p50, 2 for p90.
    """
    return median(abs(current[which] / baseline[which] - 1) for baseline, current in series)


def _round(place: Iterator[Pair], limit: float) -> tuple[Pair, ...]:
    pairs: list[Pair] = []
    for count in LOOKS:
        pairs += [next(place) for _ in range(count - len(pairs))]
        if is_settled(pairs, limit):
            break
    return tuple(pairs)


def _places(series: Sequence[Times], rng: random.Random, factor: float) -> Iterator[Pair]:
    at = rng.randrange(len(series))
    while True:
        baseline, current = series[at % len(series)]
        slower = [time * factor for time in current]
        yield Pair(current_first=False, baseline=_block(*baseline), current=_block(*slower))
        at += 1


def _block(min_ms: float, p50_ms: float, p90_ms: float) -> LatencyMeasurement:
    return LatencyMeasurement(
        host="replayed",
        is_device=False,
        valid=True,
        reason=None,
        runtime="replayed",
        provider="replayed",
        threads=1,
        samples=64,
        load_ms=0,
        first_ms=0,
        p50_ms=p50_ms,
        p90_ms=p90_ms,
        p99_ms=None,
        min_ms=min_ms,
        mean_ms=p50_ms,
        std_ms=0,
        peak_memory_bytes=None,
        runtime_memory_bytes=None,
    )

"""A day of CI: one comparison, as ``autokd compare`` makes it, and the file of many of them."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from autokd.core.comparison import Outcome, Pair
from autokd.core.progress import silent
from autokd.core.record import Record
from autokd.measure.interleaved import LOOKS, TimeBlock, time_round
from autokd.report.compare_latency import (
    change_of,
    is_settled,
    judge_latency,
    needs_second_round,
)

Kind = Literal["same", "slower"]
KINDS: tuple[Kind, ...] = ("same", "slower")
Round = Callable[[], tuple[Pair, ...]]


class Ratios(Record):
    """A round as a list of (baseline, current) times, which is all that a replay needs."""

    min_ms: tuple[tuple[float, float], ...]
    p50_ms: tuple[tuple[float, float], ...]
    p90_ms: tuple[tuple[float, float], ...]


class Day(Record):
    """What one comparison said.

    Attributes:
        kind: ``same``: a model against itself. ``slower``: against one with more work.
        outcome: The worst of its checks.
        failed: Names of the checks that failed.
        change: Of the fastest run, in each round.
        seconds: It took.
        load: Load average of the machine at its end.
    """

    kind: Kind
    utc: str
    outcome: Outcome
    failed: tuple[str, ...]
    change: tuple[float, ...]
    rounds: tuple[Ratios, ...]
    seconds: float
    load: float


def live_day(kind: Kind, time_block: TimeBlock, *, limit: float, load: Callable[[], float]) -> Day:
    """Run one comparison for real."""
    began = time.monotonic()
    rounds = play(
        lambda: time_round(
            time_block, lambda pairs: is_settled(pairs, limit), progress=silent, looks=LOOKS
        ),
        limit,
    )
    return day_of(kind, rounds, limit=limit, seconds=time.monotonic() - began, load=load())


def play(one_round: Round, limit: float) -> list[tuple[Pair, ...]]:
    """Give the rounds of a comparison: a second one only where the first found a regression."""
    rounds = [one_round()]
    if needs_second_round(rounds[0], limit):
        rounds.append(one_round())
    return rounds


def day_of(
    kind: Kind, rounds: Sequence[Sequence[Pair]], *, limit: float, seconds: float, load: float
) -> Day:
    """Judge the rounds as ``autokd compare`` does."""
    checks = judge_latency(rounds, limit)
    found = {check.outcome for check in checks}
    order: tuple[Outcome, ...] = ("failed", "invalid", "pass")
    return Day(
        kind=kind,
        utc=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        outcome=next(outcome for outcome in order if outcome in found),
        failed=tuple(check.name for check in checks if check.outcome == "failed"),
        change=tuple(change_of(pairs, "min").change for pairs in rounds),
        rounds=tuple(_ratios(pairs) for pairs in rounds),
        seconds=seconds,
        load=load,
    )


def read_days(path: Path) -> list[Day]:
    """Read the days of a file; none when it is not there yet."""
    if not path.exists():
        return []
    return [Day.model_validate_json(line) for line in path.read_text().splitlines()]


def append_day(path: Path, day: Day) -> None:
    """Add a day to a file."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(day.model_dump(mode="json")) + "\n")


def in_turns(days: Sequence[Day], wanted: int) -> Iterator[Kind]:
    """Give the kinds of the days that are missing, in turns, so that both meet the same machine."""
    left = {kind: wanted - sum(day.kind == kind for day in days) for kind in KINDS}
    while any(count > 0 for count in left.values()):
        for kind in KINDS:
            if left[kind] > 0:
                left[kind] -= 1
                yield kind


def _ratios(pairs: Sequence[Pair]) -> Ratios:
    return Ratios(
        min_ms=tuple((pair.baseline.min_ms, pair.current.min_ms) for pair in pairs),
        p50_ms=tuple((pair.baseline.p50_ms, pair.current.p50_ms) for pair in pairs),
        p90_ms=tuple((pair.baseline.p90_ms, pair.current.p90_ms) for pair in pairs),
    )

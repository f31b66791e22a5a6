"""Whether a student became slower: pairs of blocks, a robust ratio and its exact interval.

The estimate is that of [Hodges1963], the median of all means of two log ratios; its interval comes
from the exact null distribution of the signed-rank statistic of [Wilcoxon1945]. Up to 29 % of the
pairs may be spoiled by a neighbour on the machine without moving the estimate far.

Three times of a block are compared. The fastest run is one that no neighbour met: on a busy machine
it stays where it is while the median moves by several percent. The median and p90 see what the
fastest run does not, such as work that is not done every time.

[Hodges1963] Hodges and Lehmann, Estimates of location based on rank tests, Annals of Mathematical
Statistics 34. [Wilcoxon1945] Wilcoxon, Individual comparisons by ranking methods, Biometrics 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from autokd.core.comparison import CONFIDENCE, Check, Pair
from autokd.core.measurement import LatencyMeasurement

Metric = Literal["min", "p50", "p90"]
METRICS: tuple[Metric, ...] = ("min", "p50", "p90")
_DECIDING: tuple[Metric, ...] = ("min", "p50")
METHOD = "Hodges-Lehmann ratio of paired blocks, exact signed-rank interval"

# Fewer pairs have no two-sided interval of 99 %: the widest has confidence 1 - 2 / 2^n.
FEWEST_PAIRS = 8
# A round goes on until its interval is this share of the limit to each side. At 0.6 an estimate has
# a standard error of about 0.23 limits, so that a change of 1.6 limits is rarely taken for one.
SHARPNESS = 0.6


@dataclass(frozen=True, slots=True)
class Change:
    """Current over baseline, minus one, with its interval."""

    change: float
    low: float
    high: float

    def exceeds(self, limit: float) -> bool:
        """Whether the change is above ``limit`` and not one of chance."""
        return self.change > limit and self.low > 0

    def settles(self, limit: float, *, share: float = 1.0) -> bool:
        """Whether the interval is narrow enough for a verdict.

        Either it lies on one side of ``limit``, or it reaches no further than ``share`` of
        ``limit`` from its middle.
        """
        half = math.sqrt((1 + self.high) / (1 + self.low)) - 1
        return self.high <= limit or self.low > limit or half <= share * limit


def paired_change(pairs: Sequence[tuple[float, float]]) -> Change:
    """Give the change over pairs of (baseline, current) values.

    Raises:
        ValueError: Fewer than `FEWEST_PAIRS`, or a value that is not positive.
    """
    if len(pairs) < FEWEST_PAIRS:
        msg = f"{len(pairs)} pairs have no interval; at least {FEWEST_PAIRS} are needed"
        raise ValueError(msg)
    logs = [math.log(current / baseline) for baseline, current in pairs]
    means = sorted((a + b) / 2 for i, a in enumerate(logs) for b in logs[i:])
    outside = _rank_outside(len(logs), (1 - CONFIDENCE) / 2)
    low, high = means[outside - 1], means[-outside]
    return Change(*(math.expm1(value) for value in (median(means), low, high)))


def change_of(pairs: Sequence[Pair], metric: Metric) -> Change:
    """Give the change of one time of a block over timed pairs."""
    return paired_change([(_value(p.baseline, metric), _value(p.current, metric)) for p in pairs])


def judge_latency(rounds: Sequence[Sequence[Pair]], limit: float) -> tuple[Check, ...]:
    """Give one check for each of `METRICS`.

    A regression is one that two independent rounds both found, in any of the three. The measurement
    is invalid when neither the fastest run nor the median settles; else what does not settle is
    information.

    Args:
        rounds: One round, or two when the first found a change above ``limit``.
        limit: Largest relative regression that passes.
    """
    spoiled = [reason for pairs in rounds for reason in spoiled_blocks(pairs)]
    if spoiled:
        text = f"{len(spoiled)} timed blocks do not count ({spoiled[0]})."
        return (Check(name="latency", outcome="invalid", limit=limit, text=text),)
    settled = any(change_of(rounds[-1], metric).settles(limit) for metric in _DECIDING)
    return tuple(_judge(rounds, metric, limit, settled=settled) for metric in METRICS)


def is_settled(pairs: Sequence[Pair], limit: float) -> bool:
    """Whether more pairs of a round would hardly change its verdict."""
    if len(pairs) < FEWEST_PAIRS:
        return False
    sharp = any(change_of(pairs, metric).settles(limit, share=SHARPNESS) for metric in _DECIDING)
    return sharp or bool(spoiled_blocks(pairs))


def needs_second_round(pairs: Sequence[Pair], limit: float) -> bool:
    """Whether a round found a change above ``limit``, which another one must confirm."""
    return not spoiled_blocks(pairs) and any(change_of(pairs, m).exceeds(limit) for m in METRICS)


def spoiled_blocks(pairs: Sequence[Pair]) -> list[str]:
    """Give the reason for each block that does not count even beside its partner."""
    blocks = [block for pair in pairs for block in (pair.baseline, pair.current)]
    return [block.lasting_reason for block in blocks if block.lasting_reason is not None]


def _judge(
    rounds: Sequence[Sequence[Pair]], metric: Metric, limit: float, *, settled: bool
) -> Check:
    changes = [change_of(pairs, metric) for pairs in rounds]
    last, pairs = changes[-1], [pair for one in rounds for pair in one]
    shown = f"{last.change:+.1%} ({CONFIDENCE:.0%} interval {last.low:+.1%} to {last.high:+.1%})"
    of_pairs = f"{len(rounds[-1])} pairs of blocks"
    outcome: Literal["failed", "invalid", "pass", "information"] = "pass"
    if all(change.exceeds(limit) for change in changes):
        outcome = "failed"
        first = f"{changes[0].change:+.1%} and then {last.change:+.1%}"
        text = f"{metric} is slower than the limit of {limit:.1%} in two runs: {first}."
    elif not last.settles(limit):
        outcome = "information" if settled or metric not in _DECIDING else "invalid"
        text = f"{metric} {shown}: too noisy over {of_pairs} to tell {limit:.1%} from none."
    elif any(change.exceeds(limit) for change in changes):
        text = f"{metric} {shown}: a second run did not confirm the {changes[0].change:+.1%}."
    else:
        text = f"{metric} {shown} over {of_pairs}; the limit is {limit:.1%}."
    return Check(
        name=f"latency.{metric}",
        outcome=outcome,
        unit="ms",
        baseline=median(_value(pair.baseline, metric) for pair in pairs),
        current=median(_value(pair.current, metric) for pair in pairs),
        change=last.change,
        low=last.low,
        high=last.high,
        limit=limit,
        method=METHOD,
        text=text,
    )


def _value(measurement: LatencyMeasurement, metric: Metric) -> float:
    times = {"min": measurement.min_ms, "p50": measurement.p50_ms, "p90": measurement.p90_ms}
    return times[metric]


def _rank_outside(n: int, most: float) -> int:
    """Give the largest k with P(W < k) <= ``most`` for the signed-rank statistic W of n pairs."""
    ways = [1]  # of getting a rank sum, over all signs of the ranks 1 to n
    for rank in range(1, n + 1):
        longer = [0] * (len(ways) + rank)
        for total, count in enumerate(ways):
            longer[total] += count
            longer[total + rank] += count
        ways = longer
    k, below = 0, 0
    while below + ways[k] <= most * 2**n:
        below += ways[k]
        k += 1
    return k

"""How many times longer one strategy takes than another, and how well that is known.

A run that never arrived took longer than it was let run. Medians of such waits have a lower bound
alone, and so have the ratios: what cannot be known is left open instead of being counted as if
every miss had arrived at the cap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from autokd.search.pool import FloatArray
from tools.race.judge import Wait

RESAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Waits:
    """The waits of the runs of one strategy; all arrays are (runs,), of one run at least.

    Attributes:
        counted: Misses at the cap.
        least: Misses at what the run had spent.
        most: Misses at infinity.
    """

    counted: FloatArray
    least: FloatArray
    most: FloatArray

    @classmethod
    def of(cls, waits: Sequence[Wait]) -> Self:
        """Collect ``waits``."""
        least = np.array([wait.least for wait in waits], dtype=np.float64)
        return cls(
            counted=np.array([wait.counted for wait in waits], dtype=np.float64),
            least=least,
            most=np.where([wait.is_over for wait in waits], np.inf, least),
        )

    def median(self) -> "Bounded":
        """Give the median."""
        least, most = float(np.median(self.least)), float(np.median(self.most))
        return Bounded(counted=float(np.median(self.counted)), least=least, most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """A number that misses may leave open.

    Attributes:
        counted: With misses at the cap.
        least: It is not below this; 0 where there is no bound.
        most: It is not above this; infinite where there is no bound. Equal to ``least`` and to
            ``counted`` where no miss matters.
    """

    counted: float
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio of medians.

    Attributes:
        value: As seen.
        low: Lower end of its bootstrap interval, 0 where misses leave it open.
        high: Upper end, infinite where misses leave it open.
    """

    value: Bounded
    low: float
    high: float

    @property
    def side(self) -> Literal["above", "level", "below"]:
        """Tell on which side of 1 the whole interval lies."""
        if self.low > 1:
            return "above"
        return "below" if self.high < 1 else "level"


def ratio_of_medians(
    above: Waits, below: Waits, *, seed: int = 0, resamples: int = RESAMPLES
) -> Ratio:
    """Give median(above) / median(below), with a percentile bootstrap interval.

    Both samples are drawn anew on their own: runs of one seed share no more than the seed.

    Args:
        above: Of one strategy.
        below: Of another.
        seed: Of the resampling.
        resamples: How often.
    """
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(len(w.least), size=(resamples, len(w.least))) for w in (above, below)]
    (above_least, above_most), (below_least, below_most) = (
        (np.median(waits.least[runs], axis=1), np.median(waits.most[runs], axis=1))
        for waits, runs in zip((above, below), drawn, strict=True)
    )
    over, under = above.median(), below.median()
    return _ratio(
        Bounded(
            counted=float(_divide(over.counted, under.counted)),
            least=float(_divide(over.least, under.most)),
            most=float(_divide(over.most, under.least)),
        ),
        least=_divide(above_least, below_most),
        most=_divide(above_most, below_least),
    )


def ratio_to_effort(
    effort: float, waits: Sequence[Waits], *, seed: int = 0, resamples: int = RESAMPLES
) -> Ratio:
    """Give how many times less than ``effort`` it takes to be as good as others are after it.

    As good is the lower median of the others' results: with an even number of them the mean of the
    middle two is reached by less than half. Both the others' results and the runs that reach them
    are drawn anew.

    Args:
        effort: What the others spent.
        waits: Of the runs until each result of the others, from the worst result to the best.
        seed: Of the resampling.
        resamples: How often.
    """
    rng = np.random.default_rng(seed)
    others, runs = len(waits), len(waits[0].least)
    goals = np.sort(rng.integers(others, size=(resamples, others)), axis=1)
    goal = goals[:, [middle_of(others)]]
    drawn = rng.integers(runs, size=(resamples, runs))
    least = np.median(np.stack([w.least for w in waits])[goal, drawn], axis=1)
    most = np.median(np.stack([w.most for w in waits])[goal, drawn], axis=1)
    took = waits[middle_of(others)].median()
    return _ratio(
        Bounded(
            counted=float(_divide(effort, took.counted)),
            least=float(_divide(effort, took.most)),
            most=float(_divide(effort, took.least)),
        ),
        least=_divide(effort, most),
        most=_divide(effort, least),
    )


def middle_of(count: int) -> int:
    """Give the place of the lower median among ``count`` sorted numbers."""
    return (count - 1) // 2


def geometric_mean(ratios: Sequence[Ratio]) -> Bounded:
    """Give the geometric mean; one ratio without a bound leaves it without that bound."""
    values = [ratio.value for ratio in ratios]
    return Bounded(
        counted=_geometric([value.counted for value in values]),
        least=_geometric([value.least for value in values]),
        most=_geometric([value.most for value in values]),
    )


def _ratio(value: Bounded, *, least: FloatArray, most: FloatArray) -> Ratio:
    """Give a ratio with the interval of its bounds in each resample, (resamples,)."""
    tail = (1 - CONFIDENCE) / 2
    # An interpolation between a number and infinity would be no number.
    low = np.quantile(least, tail, method="lower")
    high = np.quantile(most, 1 - tail, method="higher")
    return Ratio(value=value, low=float(low), high=float(high))


def _divide(above: float | FloatArray, below: float | FloatArray) -> FloatArray:
    """Give the quotient, infinite over 0: a run that did not even begin bounds nothing."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.divide(above, below))


def _geometric(values: Sequence[float]) -> float:
    if 0 in values:
        return 0.0
    return math.exp(math.fsum(map(math.log, values)) / len(values))

"""Whether a student became less accurate: paired on the same images where both sides kept them."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from autokd.core.comparison import CONFIDENCE, ImageOutcomes


@dataclass(frozen=True, slots=True)
class AccuracyChange:
    """Accuracy of the current student less that of the baseline.

    Attributes:
        change: As a fraction; negative is worse.
        low: Lower end of its interval.
        high: Upper end.
        method: The test, in words, with its p value where it has one.
    """

    change: float
    low: float
    high: float
    method: str

    def exceeds(self, limit: float) -> bool:
        """Whether accuracy fell by more than ``limit``, and not by chance."""
        return -self.change > limit and self.high < 0


def paired_accuracy(
    baseline: ImageOutcomes, current: ImageOutcomes, *, confidence: float = CONFIDENCE
) -> AccuracyChange:
    """Compare on the same images, image by image.

    The test is McNemar's in its exact form; the interval is the one of Agresti and Min, Simple
    improved confidence intervals for comparing matched proportions, Statistics in Medicine 24,
    2005: Wald's after half an image is added to each of the four cells.

    Raises:
        ValueError: They are not of the same images.
    """
    same = ("data_digest", "split", "images")
    if any(getattr(baseline, name) != getattr(current, name) for name in same):
        msg = "the outcomes are not of the same images"
        raise ValueError(msg)
    pairs = list(zip(baseline.right(), current.right(), strict=True))
    lost = sum(before and not after for before, after in pairs)
    won = sum(after and not before for before, after in pairs)
    n = baseline.images
    total, fewer, more = n + 2.0, lost + 0.5, won + 0.5
    centre = (more - fewer) / total
    spread = math.sqrt((fewer + more) - (more - fewer) ** 2 / total) / total
    p, half = mcnemar_p(lost, won), _quantile(confidence) * spread
    return AccuracyChange(
        change=(won - lost) / n,
        low=centre - half,
        high=centre + half,
        method=f"paired on {n} images: {lost} lost, {won} won, McNemar's exact p = {p:.2g}",
    )


def mcnemar_p(lost: int, won: int) -> float:
    """Give the two-sided exact p value of McNemar's test: a fair coin for each changed image."""
    changed = lost + won
    tail = sum(math.comb(changed, k) for k in range(min(lost, won) + 1))
    return min(1.0, 2 * tail / (1 << changed))


def unpaired_accuracy(
    baseline: float,
    current: float,
    *,
    baseline_images: int,
    current_images: int,
    confidence: float = CONFIDENCE,
) -> AccuracyChange:
    """Compare two accuracies of which only the number of images is known.

    The interval is method 10 of Newcombe, Interval estimation for the difference between
    independent proportions, Statistics in Medicine 17, 1998. On the same images it is wider than
    need be.
    """
    before_low, before_high = wilson(baseline, baseline_images, confidence=confidence)
    after_low, after_high = wilson(current, current_images, confidence=confidence)
    change = current - baseline
    return AccuracyChange(
        change=change,
        low=change - math.hypot(current - after_low, before_high - baseline),
        high=change + math.hypot(after_high - current, baseline - before_low),
        method=f"two proportions, not paired, on {baseline_images} and {current_images} images",
    )


def wilson(fraction: float, images: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Give Wilson's score interval of a proportion."""
    z = _quantile(confidence)
    square = z**2
    centre = fraction + square / (2 * images)
    half = z * math.sqrt(fraction * (1 - fraction) / images + square / (4 * images**2))
    return (centre - half) / (1 + square / images), (centre + half) / (1 + square / images)


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)

"""Accuracy gates against published figures and scipy."""

import random

import pytest
import scipy.stats

from autokd.core.comparison import ImageOutcomes
from autokd.report.compare_accuracy import (
    mcnemar_p,
    paired_accuracy,
    unpaired_accuracy,
    wilson,
)


def outcomes(right: list[bool], digest: str = "d") -> ImageOutcomes:
    return ImageOutcomes.of(right, data_digest=digest, split="test")


def both(n: int, lost: int, won: int) -> tuple[ImageOutcomes, ImageOutcomes]:
    """n images, of which ``lost`` are right before and wrong after, ``won`` the other way."""
    before = [True] * lost + [False] * won + [True] * (n - lost - won)
    after = [False] * lost + [True] * won + [True] * (n - lost - won)
    return outcomes(before), outcomes(after)


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (5, 0), (3, 9), (40, 20), (121, 59)])
def test_the_p_value_is_that_of_a_fair_coin(lost, won) -> None:
    if lost + won == 0:
        assert mcnemar_p(lost, won) == 1
        return
    assert mcnemar_p(lost, won) == pytest.approx(
        scipy.stats.binomtest(lost, lost + won, 0.5).pvalue
    )


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I: 81 of 263.
    assert wilson(81 / 263, 263, confidence=0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_newcombes_interval_is_the_published_one() -> None:
    # Newcombe 1998, table II, contrast (a): 56 of 70 against 48 of 80, method 10.
    found = unpaired_accuracy(
        48 / 80, 56 / 70, baseline_images=80, current_images=70, confidence=0.95
    )
    assert (found.change, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert "not paired" in found.method


def test_pairs_count_what_changed_and_nothing_else() -> None:
    found = paired_accuracy(*both(1000, lost=30, won=10))
    assert found.change == pytest.approx(-0.02)
    assert found.low < -0.02 < found.high
    assert "30 lost, 10 won" in found.method
    many = paired_accuracy(*both(10_000, lost=300, won=100))
    assert many.change == pytest.approx(-0.02)
    assert many.high - many.low < (found.high - found.low) / 2


def test_pairing_sees_a_drop_that_two_proportions_do_not() -> None:
    before, after = both(2000, lost=20, won=0)
    paired = paired_accuracy(before, after)
    shares = [sum(side.right()) / 2000 for side in (before, after)]
    # The same two percentages, of a student that is right on 70 % of the images.
    unpaired = unpaired_accuracy(
        0.7, 0.7 + shares[1] - shares[0], baseline_images=2000, current_images=2000
    )
    assert paired.change == pytest.approx(unpaired.change)
    assert paired.exceeds(0.005)
    assert not unpaired.exceeds(0.005)


def test_the_interval_covers_the_true_difference() -> None:
    rng = random.Random(7)  # noqa: S311 - a sample, no secret
    covered = 0
    for _ in range(300):
        before = [rng.random() < 0.8 for _ in range(400)]
        after = [rng.random() < (0.9 if b else 0.3) for b in before]
        found = paired_accuracy(outcomes(before), outcomes(after))
        covered += found.low <= 0.8 * 0.9 + 0.2 * 0.3 - 0.8 <= found.high
    assert covered >= 290  # 297 in the mean


def test_a_drop_within_the_limit_and_a_gain_do_not_exceed() -> None:
    assert not paired_accuracy(*both(1000, lost=30, won=0)).exceeds(0.04)
    assert not paired_accuracy(*both(1000, lost=0, won=90)).exceeds(0.0)
    assert paired_accuracy(*both(1000, lost=30, won=0)).exceeds(0.02)


def test_outcomes_of_other_images_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="not of the same images"):
        paired_accuracy(outcomes([True]), outcomes([True], digest="e"))
    with pytest.raises(ValueError, match="not of the same images"):
        paired_accuracy(outcomes([True]), outcomes([True, True]))

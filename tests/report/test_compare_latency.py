"""The statistic of the latency gate, against closed forms, scipy and simulated days."""

import itertools
import math
import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import scipy.stats

from autokd.core.comparison import Pair
from autokd.core.measurement import LatencyMeasurement
from autokd.report.compare_latency import (
    FEWEST_PAIRS,
    Change,
    is_settled,
    judge_latency,
    needs_second_round,
    paired_change,
    spoiled_blocks,
)


@pytest.fixture
def make_pairs(report) -> Callable[..., tuple[Pair, ...]]:
    measurement = report.winners[0].measurement

    def block(least: float, p50: float, p90: float) -> LatencyMeasurement:
        return measurement.model_copy(update={"min_ms": least, "p50_ms": p50, "p90_ms": p90})

    def make(
        ratios: Sequence[float],
        *,
        least: Sequence[float] | None = None,
        p90: Sequence[float] | None = None,
    ) -> tuple[Pair, ...]:
        return tuple(
            Pair(
                current_first=bool(i % 2),
                baseline=block(1.8, 2.0, 2.2),
                current=block(1.8 * low, 2 * middle, 2.2 * high),
            )
            for i, (low, middle, high) in enumerate(
                zip(least or ratios, ratios, p90 or ratios, strict=True)
            )
        )

    return make


def test_the_estimate_is_the_median_of_all_means_of_two_log_ratios() -> None:
    rng = random.Random(1)  # noqa: S311 - a sample, no secret
    ratios = [rng.uniform(0.9, 1.3) for _ in range(11)]
    logs = [math.log(r) for r in ratios]
    means = [(a + b) / 2 for a, b in itertools.combinations_with_replacement(logs, 2)]
    found = paired_change([(3.0, 3.0 * r) for r in ratios])
    assert found.change == pytest.approx(math.expm1(float(np.median(means))))


@pytest.mark.parametrize(
    ("pairs", "left_out"),
    # Largest W with P(W <= w) <= 0.005, from tables of the signed-rank test.
    [(8, 0), (9, 1), (10, 3), (12, 7), (16, 19), (20, 37)],
)
def test_the_interval_leaves_out_what_the_table_of_the_signed_rank_test_says(
    pairs, left_out
) -> None:
    logs = sorted(random.Random(pairs).gauss(0, 0.1) for _ in range(pairs))  # noqa: S311 - a sample, no secret
    means = sorted((a + b) / 2 for a, b in itertools.combinations_with_replacement(logs, 2))
    found = paired_change([(1.0, math.exp(v)) for v in logs])
    assert math.log1p(found.low) == pytest.approx(means[left_out])
    assert math.log1p(found.high) == pytest.approx(means[-1 - left_out])


def test_the_interval_excludes_zero_just_where_the_exact_test_rejects() -> None:
    rng = np.random.default_rng(4)
    rejected = 0
    for _ in range(200):
        logs = rng.normal(0.03, 0.05, 12)
        found = paired_change([(1.0, math.exp(v)) for v in logs])
        p = scipy.stats.wilcoxon(logs, mode="exact").pvalue
        assert (found.low > 0 or found.high < 0) == (p <= 0.01)
        rejected += p <= 0.01
    assert 20 < rejected < 180


def test_a_constant_ratio_comes_out_whatever_the_machine_does_between_pairs() -> None:
    rng = random.Random(2)  # noqa: S311 - a sample, no secret
    speeds = [rng.uniform(1, 10) for _ in range(10)]
    found = paired_change([(s, 1.08 * s) for s in speeds])
    assert (found.change, found.low, found.high) == pytest.approx((0.08, 0.08, 0.08))


def test_three_spoiled_pairs_of_twelve_hardly_move_the_estimate() -> None:
    rng = random.Random(3)  # noqa: S311 - a sample, no secret
    ratios = [math.exp(rng.gauss(0, 0.01)) for _ in range(9)]
    found = paired_change([(1.0, r) for r in [*ratios, 3.0, 2.5, 1.9]])
    assert abs(found.change) < 0.02
    assert found.low <= 0


def test_sides_change_places_and_the_change_its_sign() -> None:
    rng = random.Random(5)  # noqa: S311 - a sample, no secret
    pairs = [(rng.uniform(1, 2), rng.uniform(1, 2)) for _ in range(9)]
    one, other = paired_change(pairs), paired_change([(b, a) for a, b in pairs])
    assert 1 + one.low == pytest.approx(1 / (1 + other.high))
    assert 1 + one.change == pytest.approx(1 / (1 + other.change))


def test_too_few_pairs_have_no_interval() -> None:
    with pytest.raises(ValueError, match=f"at least {FEWEST_PAIRS} are needed"):
        paired_change([(1.0, 1.0)] * (FEWEST_PAIRS - 1))


@pytest.mark.parametrize(
    ("change", "exceeds", "settles"),
    [
        (Change(0.0, -0.01, 0.01), False, True),
        (Change(0.08, 0.06, 0.1), True, True),
        (Change(0.08, -0.01, 0.2), False, False),
        (Change(0.04, 0.02, 0.06), False, True),
        (Change(0.2, 0.08, 0.4), True, True),  # wide, and all of it above the limit
        (Change(-0.2, -0.4, 0.04), False, True),  # wide, and all of it within the limit
    ],
)
def test_a_change_is_above_the_limit_and_settled(change, exceeds, settles) -> None:
    assert (change.exceeds(0.05), change.settles(0.05)) == (exceeds, settles)


def noise(size: float, seed: int, count: int = 12) -> list[float]:
    rng = random.Random(seed)  # noqa: S311 - a sample, no secret
    return [math.exp(rng.gauss(0, size)) for _ in range(count)]


def test_one_round_without_a_change_passes(make_pairs) -> None:
    pairs = make_pairs(noise(0.01, 1))
    assert not needs_second_round(pairs, 0.05)
    checks = judge_latency([pairs], 0.05)
    assert [(c.name, c.outcome) for c in checks] == [
        ("latency.min", "pass"),
        ("latency.p50", "pass"),
        ("latency.p90", "pass"),
    ]
    assert checks[1].baseline == 2.0
    assert "12 pairs" in checks[0].text


def test_two_rounds_that_agree_fail(make_pairs) -> None:
    slow = [make_pairs([1.08 * r for r in noise(0.01, s)]) for s in (1, 2)]
    assert needs_second_round(slow[0], 0.05)
    check = judge_latency(slow, 0.05)[0]
    assert check.outcome == "failed"
    assert check.change == pytest.approx(0.08, abs=0.015)
    assert check.low > 0
    assert "two runs" in check.text


def test_a_second_round_that_does_not_agree_passes_and_says_so(make_pairs) -> None:
    rounds = [make_pairs([1.08 * r for r in noise(0.01, 1)]), make_pairs(noise(0.01, 2))]
    check = judge_latency(rounds, 0.05)[0]
    assert check.outcome == "pass"
    assert "did not confirm" in check.text


def test_noise_that_hides_the_limit_is_invalid_and_not_a_pass(make_pairs) -> None:
    pairs = make_pairs(noise(0.2, 3))
    assert not is_settled(pairs, 0.05)
    found = [check.outcome for check in judge_latency([pairs], 0.05)]
    assert found == ["invalid", "invalid", "information"]


def test_noise_in_the_tail_alone_is_information(make_pairs) -> None:
    checks = judge_latency([make_pairs(noise(0.01, 1), p90=noise(0.3, 4))], 0.05)
    assert [c.outcome for c in checks] == ["pass", "pass", "information"]


def test_on_a_busy_machine_the_fastest_run_settles_what_the_median_does_not(make_pairs) -> None:
    pairs = make_pairs(noise(0.2, 3), least=noise(0.01, 1))
    assert is_settled(pairs, 0.05)
    found = [check.outcome for check in judge_latency([pairs], 0.05)]
    assert found == ["pass", "information", "information"]


def test_a_regression_that_the_fastest_run_does_not_see_fails(make_pairs) -> None:
    rounds = [make_pairs([1.2 * r for r in noise(0.01, s)], least=noise(0.01, s)) for s in (1, 2)]
    assert [c.outcome for c in judge_latency(rounds, 0.05)] == ["pass", "failed", "failed"]


def test_a_tail_that_grew_in_both_rounds_fails(make_pairs) -> None:
    rounds = [
        make_pairs(noise(0.01, s), p90=[1.2 * r for r in noise(0.01, s + 10)]) for s in (1, 2)
    ]
    assert needs_second_round(rounds[0], 0.05)
    assert [c.outcome for c in judge_latency(rounds, 0.05)] == ["pass", "pass", "failed"]


@pytest.mark.parametrize(
    ("reason", "spoils"),
    [
        ("drift: the last third is +6.0 % off the first, at most 5 % allowed", False),
        ("noise: medians of tenths of the run spread over 30 %, at most 25 % allowed", False),
        ("throttled: the board says 0x4 (power or heat)", True),
        ("drift: +6 %; too few samples: 12, p90 needs 64", True),
    ],
)
def test_heat_spoils_a_block_and_a_neighbour_does_not(make_pairs, reason, spoils) -> None:
    first, *rest = make_pairs(noise(0.01, 1))
    bad = first.current.model_copy(update={"valid": False, "reason": reason})
    pairs = (first.model_copy(update={"current": bad}), *rest)
    assert bool(spoiled_blocks(pairs)) == spoils
    assert judge_latency([pairs], 0.05)[0].outcome == ("invalid" if spoils else "pass")
    assert is_settled(pairs, 0.05)


def test_days_with_a_neighbour_raise_no_false_alarm_and_8_percent_is_found() -> None:
    """Blocks of a bad day: 3 % of noise, and every twentieth block 30 % slow for a neighbour."""
    rng = random.Random(6)  # noqa: S311 - a sample, no secret

    def day(factor: float) -> bool:
        def one() -> bool:
            def block() -> float:
                return math.exp(rng.gauss(0, 0.03)) * (1.3 if rng.random() < 0.05 else 1)

            pairs: list[tuple[float, float]] = []
            for count in (8, 12, 16, 24, 32):
                while len(pairs) < count:
                    pairs.append((block(), factor * block()))
                if paired_change(pairs).settles(0.05, share=0.6):
                    break
            return paired_change(pairs).exceeds(0.05)

        return one() and one()

    assert sum(day(1.0) for _ in range(60)) == 0
    assert sum(day(1.08) for _ in range(30)) >= 28

import numpy as np
import pytest

from tools.race.judge import Wait
from tools.race.ratios import (
    Bounded,
    Ratio,
    Waits,
    geometric_mean,
    middle_of,
    ratio_of_medians,
    ratio_to_effort,
)


def waits(*values, misses=0, cap=60.0, spent=60.0):
    found = [Wait(value, value, is_over=False) for value in values]
    return Waits.of([*found, *[Wait(cap, spent, is_over=True)] * misses])


def exactly(value):
    return Bounded(counted=value, least=value, most=value)


def ratio(value, low, high):
    return Ratio(value=value, low=low, high=high)


def test_a_median_of_arrivals_is_known():
    assert waits(1, 2, 9).median() == exactly(2)
    assert waits(1, 2, misses=1).median() == exactly(2)


def test_a_median_that_is_a_miss_has_a_lower_bound_alone():
    assert waits(1, misses=2).median() == Bounded(counted=60, least=60, most=np.inf)
    assert waits(1, misses=2, spent=9).median() == Bounded(counted=60, least=9, most=np.inf)
    assert waits(10, misses=1).median() == Bounded(counted=35, least=35, most=np.inf)


def test_the_interval_of_equal_samples_contains_1():
    sample = waits(*np.random.default_rng(0).lognormal(3.0, 0.6, size=30))
    found = ratio_of_medians(sample, sample)
    assert found.value == exactly(1.0)
    assert found.low < 1.0 < found.high
    assert found.side == "level"


def test_the_interval_of_constant_samples_is_their_ratio():
    found = ratio_of_medians(waits(*[60] * 9), waits(*[20] * 5))
    assert found == ratio(exactly(3.0), 3.0, 3.0)
    assert found.side == "above"


def test_the_interval_covers_the_true_ratio_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        above, below = rng.lognormal(1.0, 0.5, size=25), rng.lognormal(0.0, 0.5, size=25)
        found = ratio_of_medians(waits(*above), waits(*below), resamples=400)
        covered += found.low <= np.e <= found.high
    assert 180 <= covered <= 200


def test_a_ratio_over_misses_has_a_lower_bound_and_is_open_above():
    found = ratio_of_medians(waits(misses=5), waits(*[20] * 5))
    assert found == ratio(Bounded(counted=3, least=3, most=np.inf), 3.0, np.inf)
    assert found.side == "above"


def test_a_ratio_to_misses_has_an_upper_bound_and_is_open_below():
    found = ratio_of_medians(waits(*[20] * 5), waits(misses=5, cap=100.0, spent=40.0))
    assert found == ratio(Bounded(counted=0.2, least=0, most=0.5), 0.0, 0.5)
    assert found.side == "below"


def test_of_misses_on_both_sides_nothing_is_known():
    found = ratio_of_medians(waits(misses=5), waits(misses=5))
    assert found == ratio(Bounded(counted=1, least=0, most=np.inf), 0.0, np.inf)
    assert found.side == "level"


def test_misses_that_could_decide_a_median_leave_the_interval_open_alone():
    found = ratio_of_medians(waits(*[20] * 6, misses=3), waits(*[10] * 9))
    assert found.value == exactly(2.0)
    assert (found.low, found.high) == (2.0, np.inf)


def test_misses_that_hardly_ever_decide_a_median_do_not():
    found = ratio_of_medians(waits(*[20] * 29, misses=1), waits(*[10] * 9))
    assert found == ratio(exactly(2.0), 2.0, 2.0)


def test_a_run_that_did_not_begin_bounds_nothing():
    none = waits(misses=3, spent=0.0)
    assert ratio_of_medians(none, waits(10)).low == 0.0
    assert ratio_of_medians(waits(10), none).high == np.inf


def test_how_many_times_less_effort_is_needed():
    found = ratio_to_effort(100, [waits(*[20] * 4)])
    assert found == ratio(exactly(5.0), 5.0, 5.0)
    found = ratio_to_effort(100, [waits(misses=4, spent=50.0)])
    assert found.value.most == found.high == 2.0
    assert found.value.least == found.low == 0.0


def test_the_interval_of_less_effort_holds_that_of_the_goal():
    # The lower of two results that are drawn from two is the worse one in 3 of 4 draws.
    found = ratio_to_effort(100, [waits(*[10] * 4), waits(*[40] * 4)])
    assert found == ratio(exactly(10.0), 2.5, 10.0)


@pytest.mark.parametrize(("count", "place"), [(1, 0), (2, 0), (3, 1), (30, 14)])
def test_at_least_half_of_sorted_numbers_reach_their_lower_median(count, place):
    assert middle_of(count) == place
    assert count - place >= count / 2


def test_the_geometric_mean_of_a_half_and_eight_is_two():
    ratios = [ratio(exactly(0.5), 0.1, 0.9), ratio(exactly(8.0), 7.0, 9.0)]
    assert geometric_mean(ratios).counted == pytest.approx(2.0)
    assert geometric_mean(ratios).least == geometric_mean(ratios).most == pytest.approx(2.0)


def test_one_open_ratio_leaves_the_geometric_mean_open_on_that_side():
    at_least = ratio(Bounded(counted=8, least=4, most=np.inf), 2.0, np.inf)
    at_most = ratio(Bounded(counted=1, least=0, most=2), 0.0, 3.0)
    mean = geometric_mean([ratio(exactly(1.0), 0.5, 2.0), at_least])
    assert (mean.least, mean.most) == (pytest.approx(2.0), np.inf)
    mean = geometric_mean([ratio(exactly(8.0), 0.5, 2.0), at_most])
    assert (mean.least, mean.most) == (0.0, pytest.approx(4.0))
    mean = geometric_mean([at_least, at_most])
    assert (mean.counted, mean.least, mean.most) == (pytest.approx(8**0.5), 0.0, np.inf)

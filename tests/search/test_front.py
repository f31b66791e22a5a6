import numpy as np

from autokd.core.cost import Limits
from autokd.search.front import pareto_front
from tests.search.fakes import trial

LIMITS = Limits(max_params=100_000)


def test_the_front_is_what_no_other_beats_in_both() -> None:
    trials = [
        trial(0, 0.9, params=90_000),
        trial(1, 0.8, params=50_000),
        trial(2, 0.7, params=60_000),
        trial(3, 0.9, params=95_000),
        trial(4, 0.5, params=20_000),
    ]
    assert pareto_front(trials, LIMITS) == (0, 1, 4)


def test_equal_points_are_all_on_the_front() -> None:
    trials = [trial(0, 0.8), trial(1, 0.8), trial(2, 0.7)]
    assert pareto_front(trials, LIMITS) == (0, 1)


def test_only_the_highest_rung_is_compared_and_failed_trials_are_left_out() -> None:
    trials = [trial(0, 0.9), trial(1, 0.5, 0.6), trial(2, 0.99, failed=1), trial(3, failed=0)]
    assert pareto_front(trials, LIMITS) == (1,)
    assert pareto_front(trials[:1] + trials[2:], LIMITS) == (0,)


def test_without_results_there_is_no_front() -> None:
    assert pareto_front([], LIMITS) == ()
    assert pareto_front([trial(0, failed=0)], LIMITS) == ()


def test_without_limits_only_the_most_accurate_count() -> None:
    assert pareto_front([trial(0, 0.5, params=10), trial(1, 0.6)], Limits()) == (1,)


def test_the_front_equals_that_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    trials = [
        trial(n, float(rng.integers(10)) / 10, params=int(rng.integers(1, 10)) * 1000)
        for n in range(60)
    ]
    points = [(t.accuracy, t.candidate.cost.params) for t in trials]
    beaten = [
        any(a >= acc and p <= par and (a, p) != (acc, par) for a, p in points)
        for acc, par in points
    ]
    expected = {t.trial_id for t, lost in zip(trials, beaten, strict=True) if not lost}
    assert set(pareto_front(trials, LIMITS)) == expected

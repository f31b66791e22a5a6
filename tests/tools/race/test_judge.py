import numpy as np
import pytest

from autokd.core.cost import Limits
from tests.tools.race.made_up import Script, made_up_table
from tools.race.judge import (
    arrival,
    arrival_of,
    dominated_area,
    hypervolume,
    ratio_of_medians,
    target_score,
)
from tools.race.replay import replay_peer
from tools.race.traces import Rules, Run


def trace_of(table, *asks):
    return replay_peer(Script(asks), table, seed=0, evaluations=len(asks), free_infeasible=False)


def test_the_target_is_the_lowest_score_of_the_top_share():
    table = made_up_table()
    assert target_score(table) == pytest.approx(0.995)  # half a row of 100: the best one
    assert target_score(table, share=0.03) == pytest.approx(0.975)


def test_infeasible_rows_are_no_target():
    # Of params 100 + i + j up to 105 the best is i = 0, j = 5.
    assert target_score(made_up_table(limits=Limits(max_params=105))) == pytest.approx(0.505)


def test_a_search_arrives_when_it_first_recommends_a_top_row():
    table = made_up_table()
    trace = trace_of(table, (3, 0), (99, 0), (5, 0))
    found = arrival(trace, table, cap_evaluations=10, cap_seconds=100.0)
    assert (found.evaluations, found.seconds, found.missed) == (2, 10.0 + 19.0, False)


def test_a_search_that_never_arrives_is_counted_at_the_caps():
    table = made_up_table()
    found = arrival(trace_of(table, (3, 0)), table, cap_evaluations=10, cap_seconds=100.0)
    assert (found.evaluations, found.seconds, found.missed) == (10, 100.0, True)


def test_seconds_never_exceed_the_cap():
    table = made_up_table()
    found = arrival(trace_of(table, (99, 0)), table, cap_evaluations=10, cap_seconds=5.0)
    assert (found.seconds, found.missed) == (5.0, False)


def test_no_recommendation_is_no_arrival_even_where_the_last_row_is_the_best():
    table = made_up_table(limits=Limits(max_params=105))
    found = arrival(trace_of(table, (99, 0)), table, cap_evaluations=7, cap_seconds=1.0)
    assert found.missed


def test_a_run_is_capped_by_its_rules():
    table = made_up_table()  # a mean row takes 14.5 s
    run = Run(
        table="made-up",
        strategy="script",
        seed=0,
        rules=Rules(evaluations=20),
        trace=trace_of(table, (3, 0)),
    )
    found = arrival_of(run, table)
    assert (found.evaluations, found.seconds) == (20, pytest.approx(290.0))
    assert Rules(evaluations=20, full_trainings=2).seconds(table) == pytest.approx(29.0)


def test_the_interval_of_equal_samples_contains_1():
    sample = np.random.default_rng(0).lognormal(3.0, 0.6, size=30)
    found = ratio_of_medians(sample, sample)
    assert found.ratio == 1.0
    assert found.low < 1.0 < found.high


def test_the_interval_of_constant_samples_is_their_ratio():
    found = ratio_of_medians(np.full(9, 60.0), np.full(5, 20.0))
    assert (found.ratio, found.low, found.high) == (3.0, 3.0, 3.0)


def test_the_interval_covers_the_true_ratio_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        slower, faster = rng.lognormal(1.0, 0.5, size=25), rng.lognormal(0.0, 0.5, size=25)
        found = ratio_of_medians(slower, faster, resamples=400)
        covered += found.low <= np.e <= found.high
    assert 180 <= covered <= 200


def test_the_area_of_a_staircase_is_the_sum_of_its_steps():
    gain, use = np.array([0.5, 0.2, 0.1]), np.array([0.75, 0.25, 0.5])
    assert dominated_area(gain, use) == pytest.approx(0.2 * 0.5 + 0.5 * 0.25)
    assert dominated_area(np.array([0.3, 0.4]), np.zeros(2)) == pytest.approx(0.4)


def test_the_whole_front_has_all_the_area_and_less_has_less():
    table = made_up_table(limits=Limits(max_params=105))
    places = np.flatnonzero(table.feasible())
    areas = hypervolume(trace_of(table, *[(int(p), 0) for p in places]), table)
    assert areas[-1] == pytest.approx(1.0)
    assert (np.diff(areas) >= 0).all()
    assert areas[0] < 1.0


def test_rows_that_were_not_trained_in_full_or_break_the_limits_have_no_area():
    table = made_up_table(lengths=(0.5, 1.0), limits=Limits(max_params=105))
    assert hypervolume(trace_of(table, (5, 0), (99, 1)), table).tolist() == [0.0, 0.0]
    assert hypervolume(trace_of(table, (4, 0), (4, 1)), table)[-1] > 0


def test_without_limits_the_area_is_the_best_score_alone():
    table = made_up_table()
    areas = hypervolume(trace_of(table, (99, 0)), table)
    assert areas.tolist() == [pytest.approx(1.0)]

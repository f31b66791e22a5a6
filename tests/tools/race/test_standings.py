import numpy as np
import pytest

from autokd.core.cost import Limits
from tests.tools.race.made_up import hand_made, made_up_table, run_of
from tools.race.standings import area_ends, judge_table
from tools.race.traces import NONE_YET

# True scores: row 3 0.305, row 4 0.405, row 9 0.905, row 99 0.995, the target; median 0.5.
SLOW = [(1, 10.0, 3), (2, 20.0, 4), (3, 30.0, 9), (8, 80.0, 99)]
FAST = [(1, 10.0, 9), (2, 29.0, 99)]
NEVER = [(1, 10.0, 3), (2, 20.0, 4)]


def runs(strategy, *steps):
    return [run_of(hand_made(*s), strategy=strategy, seed=n) for n, s in enumerate(steps)]


def judged(*of, table=None, after=2):
    return judge_table(table or made_up_table(), [run for each in of for run in each], after=after)


def test_a_table_is_described():
    found = judged(runs("a", SLOW), table=made_up_table(limits=Limits(max_params=105)))
    assert (found.table, found.rows, found.feasible_rows) == ("made-up", 100, 21)
    assert (found.top_rows, found.lengths) == (1, 1)
    assert found.top_regret == pytest.approx(0.0)
    seconds = [10 + i for i in range(6) for _ in range(6 - i)]
    assert found.full_seconds == pytest.approx(np.mean(seconds))
    assert found.random_regret is None
    assert found.of("a").like_random == ()
    assert found.of("b") is None


def test_medians_are_over_the_runs_of_a_strategy_with_misses_at_the_cap():
    found = judged(runs("a", SLOW, FAST, FAST), runs("b", SLOW, NEVER, NEVER))
    a, b = found.of("a"), found.of("b")
    assert a.seeds == (0, 1, 2)
    assert a.missed == 0.0
    assert (a.waits("evaluations").median().counted, a.waits("seconds").median().counted) == (2, 29)
    assert b.missed == pytest.approx(2 / 3)
    assert b.waits("evaluations").median().counted == 20
    assert b.waits("evaluations").median().least == 2
    assert b.waits("seconds").median().counted == pytest.approx(290.0)


def test_the_others_are_timed_to_what_half_of_randoms_runs_have():
    # After 2 evaluations random has 0.405, 0.405 and 0.995.
    found = judged(runs("random", SLOW, NEVER, FAST), runs("a", SLOW, FAST), after=2)
    assert found.random_after == 2
    assert found.random_regret == pytest.approx((0.995 - 0.405) / 0.495)
    likes = found.of("a").like_random
    assert [like.least.tolist() for like in likes] == [[2, 1], [2, 1], [8, 2]]
    assert [like.least.tolist() for like in found.of("random").like_random][2] == [8, 2, 2]
    assert np.isinf(found.of("random").like_random[2].most[1])
    assert found.random_after_seconds == 20.0  # of 20, 20 and 29
    seconds = found.of("a").like_random_seconds
    assert [like.least.tolist() for like in seconds] == [[20, 10], [20, 10], [80, 29]]


def test_strategies_of_unequal_caps_are_judged_by_their_own_and_compared_where_both_were():
    longer = [(1, 10.0, 3), (2, 20.0, 4), (25, 250.0, 9), (40, 400.0, 99)]
    random = [run_of(hand_made(*longer), strategy="random", seed=n, evaluations=60) for n in (0, 1)]
    found = judged(random, runs("a", NEVER, FAST))
    assert (found.shortest, found.shortest_seconds) == (20, pytest.approx(290.0))
    assert (found.of("random").cap, found.of("a").cap) == (60, 20)
    assert found.of("random").missed == 0.0
    assert found.of("random").evaluations.median().counted == 40
    assert found.of("random").final_regret == pytest.approx((0.995 - 0.405) / 0.495)


def test_of_an_even_number_of_randoms_runs_the_lower_median_counts():
    found = judged(runs("random", NEVER, FAST), after=2)
    assert found.random_regret == pytest.approx((0.995 - 0.405) / 0.495)


def test_where_random_found_nothing_the_first_recommendation_is_as_good():
    found = judged(runs("random", [(1, 10.0, NONE_YET)]), runs("a", SLOW), after=1)
    assert found.random_regret == pytest.approx(2.0)
    assert found.of("a").like_random[0].least.tolist() == [1]


def test_areas_are_read_after_50_and_500_evaluations_where_there_are_more():
    assert area_ends(50) == ()
    assert area_ends(51) == (50,)
    assert area_ends(1500) == (50, 500)


def test_areas_of_short_runs_are_those_at_their_end():
    table = made_up_table(limits=Limits(max_params=118))
    late = [(1, 10.0, 3), (60, 20.0, 9)]
    each = [run_of(hand_made(*s), seed=n, evaluations=100) for n, s in enumerate([late, FAST, ()])]
    areas = judged(each, table=table).of("script").areas
    assert list(areas) == [50, 100]
    after_50, end = areas.values()
    # Row 9 is at 109 of 118 params with a gain of 0.405, row 99 at all of it; row 3 has no gain.
    assert after_50.tolist() == pytest.approx([0.0, end[0], 0.0])
    assert end[0] > 0
    assert end.tolist() == pytest.approx([end[0], end[0], 0.0])


def test_a_table_without_limits_has_no_areas():
    assert judged(runs("a", SLOW)).of("a").areas == {}


def test_seconds_of_a_suggestion_are_of_new_trials_alone():
    trace = hand_made((1, 1.0, 3), (1, 2.0, 3), (1, 3.0, 3), (2, 4.0, 3))
    trace.optimiser_seconds[:] = [1.0, 9.0, 9.0, 2.0]
    found = judged([run_of(trace)]).of("script")
    assert (found.suggestion_seconds, found.last_suggestion_seconds) == (1.5, 1.5)


def test_the_last_ten_suggestions_of_each_run_count_by_themselves():
    traces = [hand_made(*[(n, 1.0 * n, 3) for n in range(1, 32)]) for _ in range(2)]
    for trace, last in zip(traces, (2.0, 4.0), strict=True):
        trace.optimiser_seconds[:] = [1.0] * 21 + [last] * 10
    each = [run_of(trace, seed=n, evaluations=40) for n, trace in enumerate(traces)]
    found = judged(each).of("script")
    assert (found.suggestion_seconds, found.last_suggestion_seconds) == (1.0, 3.0)


def test_the_final_regret_is_of_the_last_recommendation():
    found = judged(runs("a", NEVER, (), FAST)).of("a")
    assert found.final_regret == pytest.approx((0.995 - 0.405) / 0.495)


def test_runs_without_a_job_are_judged():
    found = judged(runs("a", (), ())).of("a")
    assert (found.missed, found.evaluations.median().least) == (1.0, 0.0)
    assert np.isnan([found.suggestion_seconds, found.last_suggestion_seconds]).all()
    assert found.final_regret == pytest.approx(2.0)

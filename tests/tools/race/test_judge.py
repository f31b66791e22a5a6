import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autokd.core.cost import Limits
from tests.tools.race.made_up import Script, hand_made, made_up_table
from tools.race.judge import (
    Wait,
    area_after,
    arrival,
    dominated_area,
    hypervolume,
    recommended_scores,
    regret_of,
    score_after,
    target_score,
    top_rows,
)
from tools.race.replay import replay_peer
from tools.race.traces import NONE_YET, Rules

ROOT = str(Path(__file__).parents[3])
RULES = Rules(evaluations=20)  # with rows of 14.5 s on average: 290 s
TOP = 0.995


def trace_of(table, *asks):
    return replay_peer(Script(asks), table, seed=0, evaluations=len(asks), free_infeasible=False)


def exactly(value):
    return Wait(value, value, is_over=False)


def test_the_target_is_the_lowest_score_of_the_top_share():
    table = made_up_table()
    assert target_score(table) == pytest.approx(0.995)  # half a row of 100: the best one
    assert target_score(table, share=0.03) == pytest.approx(0.975)
    assert (top_rows(table), top_rows(table, share=0.03)) == (1, 3)


def test_infeasible_rows_are_no_target():
    # Of params 100 + i + j up to 105 the best is i = 0, j = 5.
    assert target_score(made_up_table(limits=Limits(max_params=105))) == pytest.approx(0.505)


def test_a_search_arrives_when_it_first_recommends_a_wanted_row():
    table = made_up_table()
    trace = trace_of(table, (3, 0), (99, 0), (5, 0))
    found = arrival(trace, table, target=target_score(table), rules=RULES)
    assert (found.evaluations, found.seconds) == (exactly(2), exactly(10.0 + 19.0))
    assert not found.missed


def test_later_recommendations_of_worse_rows_do_not_count_against_it():
    trace = hand_made((1, 19.0, 99), (2, 29.0, 3))
    found = arrival(trace, made_up_table(), target=TOP, rules=RULES)
    assert found.evaluations == exactly(1)


def test_a_run_that_never_arrives_counts_as_the_caps():
    trace = hand_made(*[(n, 14.5 * n, 3) for n in range(1, 21)])
    found = arrival(trace, made_up_table(), target=TOP, rules=RULES)
    assert found.evaluations == Wait(20, 20, is_over=True)
    assert found.seconds == Wait(pytest.approx(290.0), pytest.approx(290.0), is_over=True)
    assert found.missed


def test_of_a_run_that_stopped_short_no_more_is_known_than_what_it_spent():
    trace = hand_made((1, 10.0, 3), (2, 20.0, 4))
    found = arrival(trace, made_up_table(), target=TOP, rules=RULES)
    assert found.evaluations == Wait(20, 2, is_over=True)
    assert found.seconds == Wait(pytest.approx(290.0), 20.0, is_over=True)


@pytest.mark.parametrize("steps", [(), [(1, 10.0, NONE_YET), (2, 20.0, NONE_YET)]])
def test_a_run_without_jobs_or_with_failures_alone_never_arrives(steps):
    table = made_up_table()
    trace = hand_made(*steps)
    found = arrival(trace, table, target=0.0, rules=RULES)
    assert found.evaluations == Wait(20, len(steps), is_over=True)
    assert found.missed
    assert recommended_scores(trace, table).tolist() == [pytest.approx(0.005)] * len(steps)
    assert score_after(trace, table, evaluations=20) == pytest.approx(0.005)
    assert hypervolume(trace, table).tolist() == [0.0] * len(steps)
    assert area_after(hypervolume(trace, table), trace, evaluations=20) == 0.0


def test_an_arrival_after_the_cap_of_seconds_is_one_in_evaluations_alone():
    table = made_up_table()
    rules = Rules(evaluations=20, full_trainings=2)
    assert rules.seconds(table) == pytest.approx(29.0)
    found = arrival(hand_made((1, 30.0, 99)), table, target=TOP, rules=rules)
    assert found.evaluations == exactly(1)
    assert found.seconds == Wait(pytest.approx(29.0), pytest.approx(29.0), is_over=True)
    assert not found.missed


def test_no_recommendation_is_no_arrival_even_where_the_last_row_is_the_best():
    # `NONE_YET` is -1, and row -1 of this table is its best.
    found = arrival(hand_made((1, 10.0, NONE_YET)), made_up_table(), target=TOP, rules=RULES)
    assert found.missed


def test_an_infeasible_recommendation_is_none():
    table = made_up_table(limits=Limits(max_params=105))
    trace = hand_made((1, 19.0, 99), (2, 29.0, 5))
    found = arrival(trace, table, target=target_score(table), rules=RULES)
    assert found.evaluations == exactly(2)
    assert recommended_scores(trace, table).tolist() == pytest.approx([0.005, 0.505])


def test_scores_that_a_file_rounded_still_reach_the_target():
    table = made_up_table(members=3)
    table.scores[99] = 0.1 + 2 / 3  # a mean of many digits
    target = table.true_score(99)
    trace = hand_made((1, 19.0, 99))
    trace.true_score[0] = float(f"{target:.6g}") - 1e-6
    assert not arrival(trace, table, target=target, rules=RULES).missed


def test_regret_is_0_for_the_best_row_and_1_for_the_median():
    table = made_up_table()  # true scores 0.005, 0.015 .. 0.995
    assert regret_of(0.995, table) == pytest.approx(0.0)
    assert regret_of(0.5, table) == pytest.approx(1.0)
    assert regret_of(np.array([0.005, 0.905]), table).tolist() == pytest.approx([2.0, 0.09 / 0.495])


def test_regret_is_of_feasible_rows():
    # Scores of i + j <= 5: best 0.505, worst 0.005.
    table = made_up_table(limits=Limits(max_params=105))
    middle = np.median([(i + 10 * j) / 100 + 0.005 for i in range(6) for j in range(6 - i)])
    assert regret_of(0.505, table) == pytest.approx(0.0)
    assert regret_of(middle, table) == pytest.approx(1.0)


def test_the_score_after_some_evaluations_is_that_of_the_last_job_of_these():
    table = made_up_table()
    trace = hand_made((1, 10.0, 3), (2, 20.0, 4), (2, 30.0, 9), (4, 40.0, 99))
    found = [score_after(trace, table, evaluations=n) for n in (0, 1, 2, 3, 4, 20)]
    assert found == pytest.approx([0.005, 0.305, 0.905, 0.905, 0.995, 0.995])


def test_the_area_after_some_evaluations_is_that_of_the_last_job_of_these():
    trace = hand_made((1, 10.0, 3), (3, 20.0, 4), (3, 30.0, 9))
    areas = np.array([0.1, 0.2, 0.3])
    found = [area_after(areas, trace, evaluations=n) for n in (0, 1, 2, 3, 50)]
    assert found == [0.0, 0.1, 0.1, 0.3, 0.3]


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


def test_a_training_that_failed_has_no_area():
    table = made_up_table()
    trace = hand_made((1, 19.0, 99), (2, 38.0, 99))
    trace.score[0] = 0.0
    assert hypervolume(trace, table).tolist() == pytest.approx([0.0, 1.0])


def test_a_row_that_another_dominates_changes_no_area():
    table = made_up_table(limits=Limits(max_params=118))  # all rows fit
    # Row 18 scores less than row 9 and uses as much; row 19 scores and uses more.
    areas = hypervolume(trace_of(table, (9, 0), (18, 0), (19, 0), (9, 0)), table)
    assert areas[1] == areas[0]
    assert areas[3] == areas[2]
    stairs = 0.405 * (110 - 109) + 0.415 * (118 - 110)  # gains above 0.5, params
    assert areas[2] / areas[0] == pytest.approx(stairs / (0.405 * (118 - 109)))
    whole = hypervolume(trace_of(table, *[(n, 0) for n in range(100)]), table)
    assert whole[-1] == pytest.approx(1.0)


def test_no_search_loads_the_judge():
    code = (
        "import sys, tools.race.heats\n"
        "print([m for m in sys.modules if m.startswith('tools.race.')])"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    found = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout
    assert "tools.race.replay" in found
    for name in ("judge", "standings", "regret_curves", "comparisons", "report"):
        assert f"tools.race.{name}'" not in found

import numpy as np
import pytest

from autokd.core.cost import Limits
from tests.tools.race.made_up import hand_made, made_up_table, run_of
from tools.race.regret_curves import panel_of
from tools.race.traces import NONE_YET

# Regrets: row 3 0.69 / 0.495, row 9 0.09 / 0.495, row 99 0, the worst row 2. A mean row: 14.5 s.
SLOW = [(1, 29.0, 3), (2, 58.0, 9), (8, 145.0, 99)]
FAST = [(1, 14.5, 9), (2, 29.0, 99), (8, 145.0, 99)]
ROW_3, ROW_9 = 0.69 / 0.495, 0.09 / 0.495


def runs(*steps, strategy="a"):
    return [run_of(hand_made(*s), strategy=strategy, seed=n) for n, s in enumerate(steps)]


def curve(clock, *steps):
    (found,) = panel_of(made_up_table(), runs(*steps), clock).curves
    return found


def test_a_curve_of_evaluations_has_the_value_of_each():
    found = curve("evaluations", SLOW)
    assert found.at.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    for values in (found.low, found.middle, found.high):
        assert values.tolist() == pytest.approx([ROW_3, *[ROW_9] * 6, 0.0])


def test_a_curve_of_seconds_is_in_full_trainings_of_a_mean_row():
    found = curve("full trainings", SLOW)
    assert (found.at[0], found.at[-1]) == (2.0, 10.0)
    assert found.middle[found.at < 4].tolist() == pytest.approx([ROW_3] * (found.at < 4).sum())
    assert found.middle[-2:].tolist() == pytest.approx([ROW_9, 0.0])


def test_full_trainings_are_of_feasible_rows():
    table = made_up_table(limits=Limits(max_params=101))  # rows 0, 1 and 10, of 10, 10 and 11 s
    (found,) = panel_of(table, runs([(1, 31.0, 0), (2, 62.0, 1)]), "full trainings").curves
    assert found.at[[0, -1]].tolist() == pytest.approx([3.0, 6.0])


def test_the_middle_is_the_median_over_runs_between_the_quartiles():
    found = curve("evaluations", SLOW, FAST, FAST)
    assert found.middle.tolist() == pytest.approx([ROW_9, *[0.0] * 7])
    assert found.low.tolist() == pytest.approx([ROW_9, *[0.0] * 7])
    assert found.high.tolist() == pytest.approx([(ROW_3 + ROW_9) / 2, *[ROW_9 / 2] * 6, 0.0])


def test_before_the_first_recommendation_a_run_has_the_worst_regret():
    found = curve("evaluations", [(1, 10.0, NONE_YET), (2, 20.0, 9)])
    assert found.middle.tolist() == pytest.approx([2.0, ROW_9])


def test_all_curves_of_a_panel_begin_with_the_first_job_of_any():
    table = made_up_table()
    panel = panel_of(table, [*runs(SLOW), *runs(FAST, strategy="b")], "full trainings")
    late, early = panel.curves
    assert late.at[0] == early.at[0] == 1.0
    assert late.middle[0] == pytest.approx(2.0)
    assert early.middle[0] == pytest.approx(ROW_9)


def test_a_curve_ends_where_half_of_the_runs_had_ended():
    found = curve("evaluations", SLOW, FAST[:2], [])
    assert found.at.tolist() == [1, 2]


def test_strategies_of_empty_runs_have_no_curve():
    panel = panel_of(made_up_table(), [*runs(SLOW), *runs((), strategy="b")], "evaluations")
    assert [curve.strategy for curve in panel.curves] == ["a"]
    assert panel_of(made_up_table(), runs((), ()), "full trainings").curves == ()


def test_proposals_that_take_no_time_do_not_begin_the_clock():
    found = curve("full trainings", [(1, 0.0, NONE_YET), (2, 14.5, 9), (3, 29.0, 99)])
    assert found.at[0] == 1.0
    assert found.middle[[0, -1]].tolist() == pytest.approx([ROW_9, 0.0])


def test_a_long_race_is_read_at_whole_evaluations_up_to_its_cap():
    steps = [(n, 10.0 * n, 3) for n in range(1, 1501)]
    (found,) = panel_of(
        made_up_table(), [run_of(hand_made(*steps), evaluations=1500)], "evaluations"
    ).curves
    assert (found.at[0], found.at[-1]) == (1, 1500)
    assert (found.at == np.rint(found.at)).all()
    assert np.diff(found.at).min() >= 1
    assert len(found.at) <= 120


def test_the_target_is_the_regret_of_the_worst_row_of_the_top_share():
    panel = panel_of(made_up_table(), runs(SLOW), "evaluations")
    assert (panel.table, panel.target) == ("made-up", pytest.approx(0.0))

import numpy as np
import pytest

from autokd.core.cost import Limits
from tests.tools.race.made_up import made_up_table
from tools.race.tables import Table, TableSpace, low_quantile, middles, place_of, score_of_losses

SMALL = Limits(max_params=105)


def test_true_scores_are_means_of_members_at_full_length():
    table = made_up_table(lengths=(0.5, 1.0), members=3)
    assert table.true_score(99) == pytest.approx(0.995 + 0.001)
    assert table.score(99, 0, 0) == pytest.approx(0.995 / 2)


def test_members_that_a_row_lacks_are_neither_drawn_nor_counted():
    whole = made_up_table(members=3)
    scores = whole.scores.copy()
    scores[7, 2] = np.nan
    parts = {f: getattr(whole, f) for f in whole.__dataclass_fields__}
    table = Table(**{**parts, "scores": scores})
    assert (table.members(7), table.members(8)) == (2, 3)
    assert table.score(7, 2, 0) == table.score(7, 0, 0)
    assert table.true_score(7) == pytest.approx(whole.score(7, 0, 0) + 0.0005)


def test_feasible_rows_are_those_within_the_limits():
    table = made_up_table(limits=SMALL)
    assert table.feasible().tolist() == [cost.params <= 105 for cost in table.costs]
    assert made_up_table().feasible().all()


def test_a_draw_gives_the_nearest_row_and_none_when_it_is_infeasible():
    space = TableSpace(made_up_table(limits=SMALL))
    entry = space.draw(np.array([0.12, 0.39]), member_seed=5, origin="random")
    assert entry.place == 13
    assert entry.member_seed == 0
    assert entry.cost.params == 104
    assert space.draw(np.array([0.95, 0.95]), member_seed=0, origin="random") is None


def test_a_whole_grid_and_a_list_of_points_give_the_same_rows():
    table = made_up_table(limits=SMALL)
    parts = {f: getattr(table, f) for f in table.__dataclass_fields__}
    spaces = [TableSpace(table), TableSpace(Table(**{**parts, "choices": (0, 0)}))]
    rng = np.random.default_rng(0)
    for point in (*rng.random((200, 2)), np.zeros(2), np.ones(2)):
        one, other = (s.draw(point, member_seed=3, origin="random") for s in spaces)
        assert one == other


def test_a_space_gives_back_point_and_descriptors_of_what_it_drew():
    table = made_up_table()
    space = TableSpace(table)
    for place in (0, 42, 99):
        entry = space.draw(table.points[place], member_seed=0, origin="prior")
        assert place_of(entry) == place
        assert space.point(entry).tolist() == table.points[place].tolist()
        assert space.descriptors(entry).tolist() == table.descriptors[place].tolist()


def test_members_are_drawn_from_seeds_of_any_size():
    space = TableSpace(made_up_table(members=3))
    drawn = {space.draw(np.zeros(2), member_seed=2**62 + n, origin="random") for n in range(6)}
    assert {entry.member_seed for entry in drawn} == {0, 1, 2}


def test_limits_are_hidden_where_infeasible_rows_are_not_free():
    space = TableSpace(made_up_table(limits=SMALL), free_infeasible=False)
    assert space.limits.is_empty()
    assert space.draw(np.array([0.95, 0.95]), member_seed=0, origin="random").place == 99


def test_choices_lie_in_the_middle_of_their_intervals():
    assert middles(np.array([[0, 2], [4, 1]]), (5, 3)).ravel() == pytest.approx(
        [0.1, 5 / 6, 0.9, 0.5]
    )


def test_scores_of_losses_fall_with_the_loss_and_are_0_where_it_is_not_finite():
    losses = np.array([0.0, 1e-5, 1e-3, 0.5, 1.0, 1e17, 1e34, np.inf, np.nan])
    scores = score_of_losses(losses)
    assert scores[0] == 1.0
    assert scores[4] == 0.5
    assert (np.diff(scores[:7]) < 0).all()
    assert scores[6] > 0
    assert scores[7:].tolist() == [0.0, 0.0]


def test_a_limit_at_the_low_quantile_leaves_three_rows_of_ten():
    values = np.arange(1000)
    assert (values <= low_quantile(values)).sum() == 300


@pytest.mark.parametrize("lengths", [(0.5, 0.9), (0.5, 0.5, 1.0), (0.9, 0.5, 1.0)])
def test_lengths_rise_to_1(lengths):
    with pytest.raises(AssertionError):
        made_up_table(lengths=lengths)

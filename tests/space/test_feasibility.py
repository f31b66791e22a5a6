import pytest

from autokd.space.feasibility import survey


def test_it_says_how_many_fit_each_limit_and_which_one_binds(space):
    found = survey(space(max_params=20_000, max_size_bytes=10**9), members=60, seed=0)
    rows = {row.limit: row for row in found.limits}
    assert found.binding == "max_params"
    assert 0 < rows["max_params"].fitting < 60
    assert 0 < found.fitting <= rows["max_params"].fitting
    assert rows["max_size_bytes"].fitting == 60


def test_a_member_that_fits_is_one_that_can_be_trained(space, members):
    drawn_from = space(max_params=5_000)
    found = survey(drawn_from, members=60, seed=0)
    (row,) = [row for row in found.limits if row.limit == "max_params"]
    # Some fit at their smallest width, but not in the share of the limit that the family asks for.
    assert 0 < found.fitting < row.fitting


def test_where_none_fits_the_nearest_miss_is_a_real_cost(space):
    found = survey(space(max_params=300), members=30, seed=0)
    (row,) = [row for row in found.limits if row.limit == "max_params"]
    assert (found.fitting, row.fitting) == (0, 0)
    assert row.nearest > 300
    assert row.nearest == pytest.approx(round(row.nearest))

import math

import numpy as np
import pytest

from tests.tools.table.made_up import make_row, make_setup
from tools.table.figures import (
    describe_table,
    family_variance,
    member_groups,
    share_of_best_that_are_fast,
    twin_gain,
    twin_pairs,
)
from tools.table.points import Point


def test_variances_are_those_of_the_closed_form() -> None:
    found = family_variance(np.array([[1.0, 3.0], [5.0, 7.0]]))
    # Mean squares 2 within and 16 between; (16 - 2) / 2 members.
    assert (found.within, found.between) == pytest.approx((2.0, 7.0))
    assert found.intraclass == pytest.approx(7 / 9)


def test_variances_are_found_again() -> None:
    rng = np.random.default_rng(0)
    groups = rng.normal(0, 3, (4000, 1)) + rng.normal(0, 2, (4000, 4))
    found = family_variance(groups)
    assert (found.between, found.within) == pytest.approx((9, 4), rel=0.1)


def test_the_gain_is_the_mean_difference_with_its_error() -> None:
    gain = twin_gain(np.array([[0.5, 0.4], [0.6, 0.3], [0.4, 0.2]]))
    assert (gain.pairs, gain.mean) == (3, pytest.approx(0.2))
    assert gain.standard_error == pytest.approx(0.1 / math.sqrt(3))


def test_members_and_twins_are_told_apart(points: tuple[Point, ...]) -> None:
    rows = [make_row(p, first=0.01 * p.point_id) for p in points[:16]]  # two families of four
    assert member_groups(rows, 4)[:, :, 0] == pytest.approx(
        0.01 * np.array([[0, 1, 2, 3], [11, 12, 13, 14]])
    )
    assert twin_pairs(rows)[:, :, 0] == pytest.approx(0.01 * np.array([[0, 4], [11, 15]]))
    failed = rows[2].model_copy(update={"failure": "a loss", "rungs": ()})
    assert member_groups([*rows[:2], failed, *rows[3:]], 4).shape == (1, 4, 8)


def test_the_faster_half_holds_the_best_when_speed_is_all() -> None:
    images = np.arange(100.0)
    assert share_of_best_that_are_fast(images, images) == 1.0
    assert share_of_best_that_are_fast(-images, images) == 0.0


def test_figures_are_given_of_any_number_of_rows(points: tuple[Point, ...]) -> None:
    setup = make_setup(points)
    rows = [make_row(p, first=0.001 * p.point_id) for p in points]
    assert "too few" in list(describe_table(setup, rows[:2]))[-1]
    assert any("intraclass" in line for line in describe_table(setup, rows))
    assert len(list(describe_table(setup, rows[:4]))) > 5

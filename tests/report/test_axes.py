"""Axes: round ticks and places in percent."""

import itertools

import pytest

from autokd.report.axes import Axis, make_axis, make_log_axis, tick_step, without_stragglers


@pytest.mark.parametrize(
    ("span", "step"), [(1.0, 0.2), (0.3, 0.1), (100_000, 20_000), (7, 2), (61, 20), (0.024, 0.005)]
)
def test_ticks_are_one_two_or_five_times_a_power_of_ten(span, step) -> None:
    assert tick_step(span) == pytest.approx(step)


def test_an_axis_places_linearly() -> None:
    axis = Axis("", 10, 30, ())
    assert [axis.place(v) for v in (10, 15, 30)] == [0, 25, 100]


@pytest.mark.parametrize("values", [[0.42], [0.0], [0.5, 0.5], [], [3.0, 900.0], [0.61, 0.6101]])
def test_an_axis_covers_its_values_with_three_ticks_or_more(values) -> None:
    axis = make_axis("", values, str, zero=False)
    assert all(axis.low - 1e-9 <= v <= axis.high + 1e-9 for v in values)
    assert 3 <= len(axis.ticks) <= 8
    assert [at for at, _ in axis.ticks] == sorted(at for at, _ in axis.ticks)
    assert axis.ticks[0][0] == 0
    assert axis.ticks[-1][0] == pytest.approx(100)


def test_what_lies_beyond_an_end_stands_on_it() -> None:
    axis = Axis("", 10, 30, ())
    assert [axis.place(v) for v in (-5, 31)] == [0, 100]


def test_equal_factors_are_equal_distances_on_a_logarithmic_axis() -> None:
    axis = make_log_axis("", [0.3, 40], str)
    assert (axis.low, axis.high) == (0.2, 50)
    steps = [axis.place(v) for v in (0.5, 1, 2, 4, 8)]
    gaps = [b - a for a, b in itertools.pairwise(steps)]
    assert gaps == pytest.approx([gaps[0]] * 4, abs=0.011)


@pytest.mark.parametrize("values", [[1.0], [0.31, 0.32], [2, 5], [0.001, 900], [], [1e-3, 1e-3]])
def test_a_logarithmic_axis_covers_its_values_between_round_ends(values) -> None:
    axis = make_log_axis("", values, str)
    assert all(axis.low * (1 - 1e-9) <= v <= axis.high * (1 + 1e-9) for v in values)
    assert 2 <= len(axis.ticks) <= 8
    assert all(0 <= at <= 100 for at, _ in axis.ticks)


def test_a_straggler_is_left_out_and_a_spread_is_not() -> None:
    close = [0.80 + 0.002 * n for n in range(19)]
    assert without_stragglers([0.1, *close]) == close
    even = [0.05 * n for n in range(20)]
    assert without_stragglers(even) == even
    assert without_stragglers([0.1, 0.9]) == [0.1, 0.9]
    assert without_stragglers([]) == []


def test_at_most_a_tenth_is_left_out() -> None:
    values = [0.01] * 5 + [0.9] * 15
    assert without_stragglers(values) == values

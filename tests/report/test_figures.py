"""Charts, as places in percent."""

import pytest

from autokd.core.cost import Limits
from autokd.report.figures import Axis, front_plots, make_axis, progress_plot, tick_step


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


def test_every_trial_with_a_result_and_every_winner_is_a_point(report) -> None:
    finished = [t for t in report.trials if t.observations and not t.failure]
    for plot in front_plots(report):
        assert len(plot.marks) == len(finished) + len(report.winners)
        assert all(0 <= m.x <= 100 and 0 <= m.y <= 100 for m in plot.marks)
        assert sum(m.kind == "front" for m in plot.marks) == len(report.front)


def test_no_trial_of_the_last_rung_lies_above_the_line_of_the_front(report) -> None:
    plot = front_plots(report)[0]
    level = [(x1, x2, y1) for x1, y1, x2, y2 in plot.steps if y1 == y2]
    assert level
    others = [m for m in plot.marks if m.kind == "last"]
    assert others
    for x1, x2, y in level:
        assert all(m.y >= y - 0.011 for m in others if x1 <= m.x < x2)


def test_the_limit_stands_at_its_place_and_a_far_one_is_left_out(make_report) -> None:
    report = make_report(limits=Limits(max_params=150_000, max_latency_ms=9_999))
    use, params, latency = front_plots(report)
    assert params.limit == params.x.place(150_000)
    assert latency.limit is None
    assert use.limit == use.x.place(1.0)
    assert front_plots(make_report(limits=Limits()))[0].limit is None


def test_where_no_latency_is_claimed_memory_has_its_place(untimed) -> None:
    use, params, memory = front_plots(untimed)
    assert memory.title == "Memory"
    assert memory.limit is None  # five times what the largest student takes
    assert len(memory.marks) == len(use.marks) == len(params.marks)
    assert not any(" ms" in mark.title for mark in memory.marks)


def test_the_running_best_never_falls_and_ends_at_the_best(report) -> None:
    plot = progress_plot(report)
    heights = [y for step in plot.steps for y in (step[1], step[3])]
    assert heights == sorted(heights, reverse=True)
    best = max(t.accuracy for t in report.trials)
    assert heights[-1] == pytest.approx(100 - plot.y.place(best))
    assert sum(m.kind == "failed" for m in plot.marks) == 2


def test_a_point_says_what_it_is(report) -> None:
    titles = [mark.title for mark in progress_plot(report).marks]
    assert titles[9].startswith("Trial 9: TrainingError.")
    assert titles[21].startswith("Trial 21: no rung was finished.")
    assert "estimate, 80 % interval" in titles[0]


def test_a_run_without_any_result_still_has_charts(make_report) -> None:
    report = make_report(count=0, winners=make_report().winners)
    assert progress_plot(report).marks == ()
    assert [len(plot.marks) for plot in front_plots(report)] == [3, 3, 3]

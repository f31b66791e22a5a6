"""The front on each axis of cost."""

from autokd.core.cost import Limits
from autokd.report.front import front_figure, front_plots

AXES = ["latency", "memory", "size", "params", "limits"]


def finished(report):
    return [t for t in report.trials if t.observations and not t.failure]


def test_every_trial_with_a_result_and_every_winner_is_a_point_on_every_axis(report) -> None:
    plots = front_plots(report)
    assert list(plots) == AXES
    for plot in plots.values():
        assert len(plot.marks) == len(finished(report)) + len(report.winners)
        assert all(0 <= m.x <= 100 and 0 <= m.y <= 100 for m in plot.marks)


def test_the_front_of_the_limits_is_that_of_the_search(report) -> None:
    plot = front_plots(report)["limits"]
    assert sum(m.kind == "front" for m in plot.marks) == len(report.front)


def test_no_trial_of_the_last_rung_lies_above_the_line_of_a_front(report) -> None:
    for plot in front_plots(report).values():
        level = [(x1, x2, y1) for x1, y1, x2, y2 in plot.steps if y1 == y2]
        assert level
        others = [m for m in plot.marks if m.kind == "last"]
        assert others
        for x1, x2, y in level:
            assert all(m.y >= y - 0.011 for m in others if x1 <= m.x < x2)


def test_the_limit_stands_at_its_place_and_a_far_one_is_left_out(make_report) -> None:
    plots = front_plots(make_report(limits=Limits(max_params=150_000, max_latency_ms=9_999)))
    assert plots["params"].limit == plots["params"].x.place(150_000)
    assert plots["latency"].limit is None
    assert plots["limits"].limit == plots["limits"].x.place(1.0)
    assert front_plots(make_report(limits=Limits()))["limits"].limit is None


def test_where_no_latency_is_claimed_there_is_no_such_axis(untimed) -> None:
    plots = front_plots(untimed)
    assert list(plots) == AXES[1:]
    assert not any(" ms" in mark.title for plot in plots.values() for mark in plot.marks)
    facts = [fact for point in front_figure(untimed).points for fact in point.facts]
    assert {text for name, text in facts if name == "Latency"} == {
        "no claim, onnxruntime does not run there, so no time is known"
    }


def test_a_run_without_any_result_has_charts_of_its_students_alone(make_report) -> None:
    report = make_report(count=0, winners=make_report().winners)
    assert [len(plot.marks) for plot in front_plots(report).values()] == [3] * 5
    assert front_figure(report) is None


def test_points_of_the_figure_stand_where_the_plots_have_them(report) -> None:
    figure = front_figure(report)
    for number, plot in enumerate(front_plots(report).values()):
        assert sorted((p.places[number], p.y) for p in figure.points) == sorted(
            (m.x, m.y) for m in plot.marks
        )
        assert figure.axes[number].steps == plot.steps
        ids = {m.title.split(",")[0] for m in plot.marks if m.kind == "front"}
        keys = {p.label.split(",")[0] for p in figure.points if number in p.fronts}
        assert keys == ids


def test_arrow_keys_go_from_cheap_to_dear(report) -> None:
    places = [point.places[0] for point in front_figure(report).points]
    assert places == sorted(places)


def test_the_best_student_is_kept_and_before_there_is_one_the_best_trial(report) -> None:
    assert front_figure(report).kept == "student-1"
    running = front_figure(report.model_copy(update={"winners": ()}))
    best = max(finished(report), key=lambda t: (t.rung, t.accuracy))
    assert running.kept == f"trial-{best.trial_id}"
    assert running.kept in {point.key for point in running.points}
    assert "winner" not in running.kinds
    assert "winner" in front_figure(report).kinds


def test_trials_without_a_result_are_counted(report) -> None:
    assert front_figure(report).hidden == 2  # one failed, one was not begun


def test_a_trial_far_below_stands_on_the_edge_and_is_counted(report) -> None:
    trial = finished(report)[0]
    low = tuple(o.model_copy(update={"accuracy": 0.01}) for o in trial.observations)
    worse = trial.model_copy(update={"observations": low})
    trials = tuple(worse if t is trial else t for t in report.trials)
    figure = front_figure(report.model_copy(update={"trials": trials}))
    assert figure.below == 1
    assert figure.y.low > 0.01
    point = next(p for p in figure.points if p.key == f"trial-{trial.trial_id}")
    assert point.y == 100
    assert point.label == f"Trial {trial.trial_id}, 1.00 %"


def test_a_card_says_what_its_trial_is(report) -> None:
    trial = finished(report)[0]
    point = next(p for p in front_figure(report).points if p.key == f"trial-{trial.trial_id}")
    facts, distill = dict(point.facts), trial.candidate.distill
    assert facts["Parameters"] == f"{trial.candidate.cost.params:,}"
    assert facts["Taught by"].startswith(f"logit-std, T {distill.temperature:.1f}")
    assert "estimate, 80 % interval" in facts["Latency"]
    assert facts["Trained"] == f"{3**trial.rung:.1f} epochs, rung {trial.rung}"

"""Charts along the search, as places in percent."""

import pytest

from autokd.core.trial import Fidelity, TrialState
from autokd.report.figures import learning_curves, progress_plot


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


def test_a_run_without_any_result_still_has_a_chart(make_report) -> None:
    report = make_report(count=0, winners=())
    assert progress_plot(report).marks == ()
    assert learning_curves(report) is None


def test_each_trial_has_a_curve_with_a_point_for_each_rung(report) -> None:
    curves = learning_curves(report)
    finished = [t for t in report.trials if t.observations and not t.failure]
    assert sorted(len(c.points) for c in curves.curves) == sorted(
        len(t.observations) for t in finished
    )
    for curve in curves.curves:
        along = [x for x, _ in curve.points]
        assert along == sorted(along)


def test_a_place_on_a_curve_is_its_epochs_and_accuracy(report) -> None:
    curves = learning_curves(report)
    best = report.winners[0]
    seen = next(t for t in report.trials if t.trial_id == best.trial_id).observations
    curve = next(c for c in curves.curves if c.title.startswith("Student 1:"))
    assert curve.is_winner
    # 45,000 training images: rung r has seen 3 to the r epochs.
    assert [x for x, _ in curve.points] == [curves.x.place(3**o.fidelity.rung) for o in seen]
    assert [100 - y for _, y in curve.points] == pytest.approx(
        [curves.y.place(o.accuracy) for o in seen], abs=0.011
    )


def test_students_are_drawn_last(report) -> None:
    kinds = [curve.is_winner for curve in learning_curves(report).curves]
    assert kinds == sorted(kinds)
    assert sum(kinds) == len(report.winners)


def test_what_is_only_compared_has_no_curve(report) -> None:
    first = report.trials[0]
    candidate = first.candidate.model_copy(update={"origin": "twin"})
    seen = first.observations[0].model_copy(
        update={"fidelity": Fidelity(rung=3, images=9, seconds=1)}
    )
    twin = first.model_copy(
        update={
            "trial_id": 99,
            "candidate": candidate,
            "state": TrialState.PAUSED,
            "observations": (seen,),
        }
    )
    more = report.model_copy(update={"trials": (*report.trials, twin), "full_rung": 3})
    titles = [curve.title for curve in learning_curves(more).curves]
    assert not any(title.startswith("Trial 99") for title in titles)

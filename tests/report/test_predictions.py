"""Predicted against measured latency."""

import pytest

from autokd.core.measurement import TimedStudent
from autokd.report.predictions import predictions_plot, predictions_sentence


def with_timed(report, *pairs):
    """Give trials 0, 1, ... and what was predicted and measured of them, in ms."""
    timed = tuple(
        TimedStudent(trial_id=number, predicted_ms=predicted, measured_ms=measured)
        for number, (predicted, measured) in enumerate(pairs)
    )
    return report.model_copy(update={"timed": timed})


def test_without_timings_there_is_nothing(report) -> None:
    assert predictions_plot(report) is None
    assert predictions_sentence(report) == ""


def test_equal_values_stand_on_the_diagonal_and_slower_ones_above_it(report) -> None:
    plot = predictions_plot(with_timed(report, (1, 1), (2, 2), (4, 8)))
    assert plot.diagonal == (0, 100, 100, 0)
    assert (plot.x.low, plot.x.high) == (plot.y.low, plot.y.high)
    places = [(m.x, 100 - m.y) for m in plot.marks]
    assert sum(x == pytest.approx(up, abs=0.011) for x, up in places) == 2
    assert sum(up > x for x, up in places) == 1


def test_a_winner_and_a_refused_member_are_told_apart(report) -> None:
    winner = report.winners[0].trial_id
    timed = (
        TimedStudent(trial_id=winner, predicted_ms=2, measured_ms=3),
        TimedStudent(trial_id=None, predicted_ms=2, measured_ms=9),
    )
    marks = predictions_plot(report.model_copy(update={"timed": timed})).marks
    assert [m.kind for m in marks] == ["last", "winner"]
    assert marks[0].title == "Refused: predicted 2.00 ms, measured 9.00 ms"
    assert marks[1].title == "Student 1: predicted 2.00 ms, measured 3.00 ms"


def test_the_sentence_gives_the_errors(report) -> None:
    errors = [0.01 * n for n in range(1, 22)]
    text = predictions_sentence(with_timed(report, *((1, 1 + e) for e in errors)))
    assert text == (
        "21 students were timed. Half of the predictions were off by at most 11 %, nine of ten "
        "by at most 19 %, the worst by 21 %. In the middle a student took 11 % more than what "
        "was predicted."
    )


def test_few_timings_give_no_ninth_tenth_and_faster_is_said(report) -> None:
    text = predictions_sentence(with_timed(report, (1, 0.8), (1, 0.9), (1, 0.7)))
    assert "nine of ten" not in text
    assert text.endswith("In the middle a student took 20 % less than what was predicted.")


def test_a_single_timing_is_a_ratio(report) -> None:
    text = predictions_sentence(with_timed(report, (2, 3)))
    assert text == "One student was timed: it took 1.50 times what was predicted."

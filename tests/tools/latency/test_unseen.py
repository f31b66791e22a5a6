"""The verdict on predictions of unseen students."""

import numpy as np
import pytest

from autokd.measure.calibrate import Timing
from tools.latency.unseen import agreement, main, pace, plain_ms, report

MEASURED = np.geomspace(1, 50, 100)


def test_80_within_10_percent_and_a_right_order_are_enough(capsys):
    predicted = MEASURED * np.where(np.arange(100) % 5 == 0, 1.12, 1.02)
    assert report(predicted, MEASURED, 1.2, dropped=0)
    text = capsys.readouterr().out
    assert "100 students from 1.00 to 50.00 ms, 0 left out" in text
    assert "within  10%:  80%" in text
    assert "either way: 100%" in text
    assert text.endswith("80% within 10 %: good enough\n")


def test_79_are_not(capsys):
    predicted = MEASURED * np.where(np.arange(100) < 21, 1.12, 1.02)
    assert not report(predicted, MEASURED, 1.1, dropped=3)
    text = capsys.readouterr().out
    assert "3 left out" in text
    assert "79% within 10 %: NOT good enough" in text


def test_a_wrong_order_is_not_enough_however_close():
    close = np.full(100, 10.0)
    measured = 10 + np.random.default_rng(0).uniform(-0.5, 0.5, 100)
    assert not report(close + np.linspace(0, 0.01, 100), measured, 1.1, dropped=0)


def test_halves_of_a_session_are_held_against_each_other():
    times = {"a": (2.0, 1.0, 1.05, 3.0), "b": (1.0, 1.0, 2.0, 1.5), "c": (None, None, 1.0, 1.0)}
    paces = (1.0, 1.0, 2.0, 2.0)
    timings = [
        Timing(
            graph=name,
            reference="a",
            round=number,
            p50_ms=p50_ms,
            reference_ms=p50_ms and paces[number],
            ratio=p50_ms and p50_ms / paces[number],
        )
        for name, found in times.items()
        for number, p50_ms in enumerate(found)
    ]
    # a: 1.5 and 1.0125, b: 1 and 0.875, times 1 and 2 ms.
    assert agreement(timings).endswith("2 files: within 10 % 0%, 1.35 to 1.75")
    assert plain_ms(timings) == {"a": 1.525, "b": 1.25, "c": 1.0}
    assert pace(timings).endswith("tenths 1, 5 and 9: 1.00, 2.00, 2.00")


def test_an_unknown_device_ends_in_words(tmp_path):
    line = ["no-such-board", "--target", "local", "--journal", str(tmp_path / "j")]
    with pytest.raises(SystemExit, match="no such device"):
        main(line)

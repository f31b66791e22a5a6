from pathlib import Path

import pytest

from autokd.cli import result
from autokd.core.config import RunConfig
from autokd.core.results import Feasibility, LimitFeasibility

RUN = Path("runs/one")


@pytest.fixture
def report(driver):
    return driver.make_report(RunConfig(device="jetson-nano", teacher={"file": "model.pt"}))


def with_measurement(report, **changes):
    (winner,) = report.winners
    measured = winner.measurement.model_copy(update=changes)
    winner = winner.model_copy(update={"measurement": measured})
    return report.model_copy(update={"winners": (winner,)})


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(name))
    return line.removeprefix(name).split(maxsplit=2)


def test_teacher_and_student_stand_side_by_side(report) -> None:
    text = result.render_result(report, RUN)
    assert text.startswith("A student of 148 k parameters keeps 97 %")
    assert row(text, "test accuracy") == ["92.00", "%", "89.34 %"]
    assert "runs/one/winners/1/student.onnx" in text
    assert "runs/one/report.html" in text
    assert max(map(len, text.splitlines())) <= 80


def test_images_without_labels_have_no_accuracy(report) -> None:
    export = report.winners[0].export.model_copy(update={"test_accuracy": None})
    winner = report.winners[0].model_copy(update={"export": export})
    shown = report.model_copy(update={"winners": (winner,)})
    assert row(result.render_result(shown, RUN), "test accuracy") == ["92.00", "%", "-"]


def test_a_time_of_this_host_is_never_one_of_the_board(report) -> None:
    here = " ".join(result.render_result(report, RUN).split())
    assert "p50 1.25 ms, p90 1.5 ms on this host, not the board" in here
    there = result.render_result(with_measurement(report, is_device=True, host="the board"), RUN)
    assert "p90 1.5 ms on the board" in " ".join(there.split())


def test_a_time_that_does_not_count_is_not_shown(report) -> None:
    shown = with_measurement(report, valid=False, reason="the clock moved")
    text = " ".join(result.render_result(shown, RUN).split())
    assert "INVALID on this host, not the board: the clock moved" in text
    assert "1.25 ms" not in text


def test_a_latency_that_is_not_claimed_is_no_number(report) -> None:
    none = {"latency_ms": None, "latency_low_ms": None, "latency_high_ms": None}
    winner = report.winners[0]
    bare = winner.model_copy(
        update={"cost": winner.cost.model_copy(update=none), "measurement": None}
    )
    text = result.render_result(report.model_copy(update={"winners": (bare,)}), RUN)
    assert " ".join(row(text, "latency (predicted)")).startswith("- no claim on jetson-nano")
    assert " ms" not in text.partition("report")[0]


def test_feasibility_is_told_limit_by_limit(driver) -> None:
    text = result.render_feasibility(driver.FEASIBLE)
    assert text.startswith("150 of 200 drawn students fit all limits.")
    assert text.endswith("The limit on parameters stops the most: 50 of 200.")
    free = Feasibility(drawn=9, fitting=9, binding=None, limits=())
    assert result.render_feasibility(free) == "9 of 9 drawn students fit all limits."


def test_a_limit_that_stops_none_is_only_the_nearest() -> None:
    row = LimitFeasibility(limit="max_params", value=150_000, fitting=20, nearest=9_000)
    found = Feasibility(drawn=20, fitting=20, binding="max_params", limits=(row,))
    text = result.render_feasibility(found)
    assert text.endswith("No limit alone stops any of them; the nearest is that on parameters.")

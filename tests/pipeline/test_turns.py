"""Timing in turns, with a scripted machine."""

from pathlib import Path

import pytest

from autokd.pipeline.turns import time_in_turns
from tests.report.conftest import build_report

FP32, INT8 = Path("student.onnx"), Path("student.int8.onnx")
MEASURED = build_report().winners[0].measurement


class Machine:
    """Gives the times that it was told, file by file; None fails, a negative one is not valid."""

    def __init__(self, *, is_device: bool = True, **times_ms: list[float | None]) -> None:
        self.asked: list[str] = []
        self._times = times_ms
        self._is_device = is_device

    def __call__(self, path: Path):
        name = "int8" if "int8" in path.name else "fp32"
        time_ms = self._times[name][self.asked.count(name)]
        self.asked.append(name)
        if time_ms is None:
            return None
        fault = {"valid": False, "reason": "drift"} if time_ms < 0 else {"valid": True}
        changes = {"p50_ms": abs(time_ms), "is_device": self._is_device, **fault}
        return MEASURED.model_copy(update=changes)


def test_files_are_timed_alternately_and_compared_within_a_round() -> None:
    machine = Machine(fp32=[4.0, 8.0], int8=[2.0, 5.0])  # the machine became twice as slow
    fp32, int8 = time_in_turns([FP32, INT8], machine)
    assert machine.asked == ["fp32", "int8", "fp32", "int8"]
    assert int8.ratios == (0.5, 0.625)
    assert int8.ratio == pytest.approx(0.5625)
    assert int8.counts
    assert int8.shown.p50_ms == 2.0
    assert fp32.shown.p50_ms == 4.0


@pytest.mark.parametrize(
    ("times", "fault"),
    [
        ({"fp32": [4.0, 4.0], "int8": [2.0, -2.0]}, "drift"),
        ({"fp32": [4.0, 4.0], "int8": [None, 2.0]}, "it could not be timed"),
        ({"fp32": [4.0, -4.0], "int8": [2.0, 2.0]}, "fp32 beside it did not count"),
    ],
)
def test_one_round_that_does_not_count_is_enough(times, fault) -> None:
    _, int8 = time_in_turns([FP32, INT8], Machine(**times))
    assert not int8.counts
    assert int8.fault == fault
    assert len(int8.ratios) == 1


def test_the_first_timing_that_counts_is_shown() -> None:
    fp32, _ = time_in_turns([FP32, INT8], Machine(fp32=[-4.0, 5.0], int8=[1.0, 1.0]))
    assert fp32.shown.p50_ms == 5.0
    only = time_in_turns([FP32], Machine(fp32=[-4.0]))[0]
    assert (only.shown.p50_ms, only.shown.valid) == (4.0, False)


def test_a_machine_that_is_not_the_board_times_fp32_alone() -> None:
    machine = Machine(is_device=False, fp32=[4.0])
    fp32, int8 = time_in_turns([FP32, INT8], machine)
    assert machine.asked == ["fp32"]
    assert fp32.shown.p50_ms == 4.0
    assert (int8.shown, int8.ratio, int8.counts) == (None, None, False)


def test_where_fp32_cannot_be_timed_nothing_is() -> None:
    machine = Machine(fp32=[None])
    fp32, int8 = time_in_turns([FP32, INT8], machine)
    assert machine.asked == ["fp32"]
    assert (fp32.shown, int8.shown) == (None, None)

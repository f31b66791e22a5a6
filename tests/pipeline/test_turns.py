"""Timing in turns, with a scripted machine."""

from itertools import cycle
from pathlib import Path

import pytest

from autokd.pipeline.turns import LOOKS, time_in_turns
from tests.report.conftest import build_report

FP32, INT8 = Path("student.onnx"), Path("student.int8.onnx")
MEASURED = build_report().winners[0].measurement


class Machine:
    """Gives times in ms in a circle, file by file; None fails, a negative one does not count.

    ``pace`` is what all times are multiplied with, block by block: neighbours on the machine.
    """

    def __init__(self, *, is_device=True, reason="throttled", pace=(1.0,), **times_ms) -> None:
        self.asked: list[str] = []
        self._times = {name: cycle(times) for name, times in times_ms.items()}
        self._pace = cycle(pace)
        self._update = {"is_device": is_device}
        self._reason = reason

    def measure(self, path: Path):
        self.asked.append(path.name)
        return self._time(path)

    def measure_block(self, path: Path):
        self.asked.append(path.stem)
        return self._time(path)

    def _time(self, path):
        time_ms = next(self._times["int8" if "int8" in path.name else "fp32"])
        if time_ms is None:
            return None
        fault = {"valid": False, "reason": self._reason} if time_ms < 0 else {"valid": True}
        took = abs(time_ms) * next(self._pace)
        times = {"p50_ms": took, "min_ms": took}
        return MEASURED.model_copy(update={**times, **self._update, **fault})


def test_each_is_timed_alone_and_then_in_pairs_whose_order_turns() -> None:
    machine = Machine(fp32=[4.0], int8=[2.0])
    fp32, int8 = time_in_turns([FP32, INT8], machine)
    assert machine.asked[:2] == ["student.onnx", "student.int8.onnx"]
    pairs = ["student", "student.int8", "student.int8", "student"] * (LOOKS[0] // 2)
    assert machine.asked[2:] == pairs
    assert int8.change.change == pytest.approx(-0.5)
    assert int8.change.high < 0
    assert (fp32.measurement.p50_ms, int8.measurement.p50_ms) == (4.0, 2.0)
    assert (fp32.change, fp32.fault, int8.fault) == (None, "", "")


def test_a_machine_that_slows_down_does_not_decide() -> None:
    slower = [1.0, 1.0, *(1.05**block for block in range(2 * LOOKS[-1]))]
    _, int8 = time_in_turns([FP32, INT8], Machine(fp32=[4.0], int8=[4.0], pace=slower))
    assert int8.change.low < 0 < int8.change.high
    assert int8.change.change == pytest.approx(0.0, abs=0.03)


def test_what_is_not_clear_is_timed_on_to_the_last_look() -> None:
    noise = (1.0, 1.1, 0.95, 1.02, 0.9, 1.0, 1.07)
    machine = Machine(fp32=[4.0], int8=[4.0], pace=noise)
    _, int8 = time_in_turns([FP32, INT8], machine)
    assert len(machine.asked) == 2 + 2 * LOOKS[-1]
    assert int8.change.low < 0 < int8.change.high


def test_drift_inside_a_block_does_not_spoil_a_pair() -> None:
    machine = Machine(fp32=[4.0], int8=[-2.0], reason="drift: the last third is +9 % off")
    assert time_in_turns([FP32, INT8], machine)[1].change.high < 0


@pytest.mark.parametrize(
    ("times", "fault"),
    [
        ({"fp32": [4.0], "int8": [2.0, -2.0]}, "throttled"),
        ({"fp32": [4.0, -4.0], "int8": [2.0]}, "throttled"),
        ({"fp32": [4.0], "int8": [None]}, "it could not be timed"),
        ({"fp32": [4.0], "int8": [2.0, None]}, "it could not be timed beside fp32"),
    ],
)
def test_a_block_that_does_not_count_leaves_no_ratio(times, fault) -> None:
    _, int8 = time_in_turns([FP32, INT8], Machine(**times))
    assert (int8.change, int8.fault) == (None, fault)


def test_a_machine_that_is_not_the_board_times_fp32_alone() -> None:
    machine = Machine(is_device=False, fp32=[4.0])
    fp32, int8 = time_in_turns([FP32, INT8], machine)
    assert machine.asked == ["student.onnx"]
    assert fp32.measurement.p50_ms == 4.0
    assert (int8.measurement, int8.change, int8.fault) == (None, None, "")


def test_where_fp32_cannot_be_timed_nothing_is() -> None:
    machine = Machine(fp32=[None])
    fp32, int8 = time_in_turns([FP32, INT8], machine)
    assert machine.asked == ["student.onnx"]
    assert (fp32.measurement, int8.measurement) == (None, None)


def test_without_a_machine_nothing_is_timed() -> None:
    assert [turn.measurement for turn in time_in_turns([FP32, INT8], None)] == [None, None]

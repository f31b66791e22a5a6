import pytest

from autokd.core.device import load_profile
from autokd.errors import ConfigError, DeviceError, MeasurementError
from autokd.measure.local import LocalTarget
from autokd.measure.target import UnreachableError
from autokd.pipeline import winner_timing
from autokd.pipeline.winner_timing import WinnerTiming


@pytest.fixture
def timing(monkeypatch, tmp_path):
    """A timing whose measurements are scripted; ``asked`` are the calls, ``said`` the notes."""
    asked, said, script = [], [], []

    def measure(target, model, profile, *, seconds, sample, max_warmup_seconds):
        asked.append((target.name, model.name, seconds, sample.name))
        found = script.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(winner_timing, "measure_on", measure)

    def go(target, *found):
        script.extend(found)
        with WinnerTiming(target, load_profile("jetson-nano"), said.append) as timing:
            results = [timing.measure(tmp_path / f"{n}.onnx") for n in range(len(found))]
        return results, timing

    go.asked, go.said = asked, said
    return go


def test_without_a_target_files_are_timed_on_this_host(timing):
    results, found = timing(None, "first", "second")
    assert results == ["first", "second"]
    assert timing.asked == [
        ("this host", "0.onnx", 5.0, "sample.npz"),
        ("this host", "1.onnx", 5.0, "sample.npz"),
    ]
    assert found.failure is None
    assert timing.said == []


def test_one_of_a_pair_is_timed_shortly(timing, monkeypatch, tmp_path):
    seconds = []

    def measure(target, model, profile, **how):
        seconds.append((how["seconds"], how["max_warmup_seconds"]))

    monkeypatch.setattr(winner_timing, "measure_on", measure)
    with WinnerTiming(None, load_profile("jetson-nano"), print) as found:
        found.measure_block(tmp_path / "student.onnx")
        found.measure(tmp_path / "student.onnx")
    assert seconds == [(0.25, 0.15), (5.0, None)]


def test_a_file_that_a_board_does_not_load_is_a_note_and_the_next_is_timed(timing):
    fault = DeviceError("ssh://board: onnxruntime 1.10.0: no opset 99 (load)")
    results, found = timing("ssh://board", fault, MeasurementError("late"), "third")
    assert results == [None, None, "third"]
    assert timing.said == [
        f"not timed on ssh://board: {fault}",
        "not timed on ssh://board: late",
    ]
    assert found.failure == "late"


def test_a_board_that_does_not_come_back_is_not_asked_again(timing):
    gone = UnreachableError("ssh://board: did not come back")
    results, found = timing("ssh://board", "first", gone, "never")
    assert results == ["first", None, None]
    assert len(timing.asked) == 2
    assert found.failure == "ssh://board: did not come back"


def test_a_target_that_is_none_is_an_error_before_anything_is_timed():
    with pytest.raises(ConfigError, match="is no target"):
        WinnerTiming("board", load_profile("jetson-nano"), print)


def test_the_target_is_closed_in_any_case(monkeypatch):
    closed = []

    def close(self):
        closed.append(self)

    monkeypatch.setattr(LocalTarget, "close", close)
    with (
        pytest.raises(KeyError),
        WinnerTiming("local", load_profile("jetson-nano"), print),
    ):
        raise KeyError
    assert len(closed) == 1

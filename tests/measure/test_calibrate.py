"""The session of a calibration: rounds, what does not count, and interruptions."""

from pathlib import Path

import pytest

from autokd.core.measurement import LatencyMeasurement
from autokd.core.progress import silent
from autokd.errors import DeviceError, MeasurementError, StorageError
from autokd.measure.calibrate import ROUNDS, Timing, time_graphs, undisturbed_ms

FILES = {name: Path(f"{name}.onnx") for name in "abc"}


def measurement(ratio, reason=None, *, pace=1.0):
    """Give a timing of a graph that takes ``ratio`` times the reference, which takes 2 ms."""
    p50_ms = 2.0 * ratio * pace
    return LatencyMeasurement(
        host="a board",
        is_device=True,
        valid=reason is None,
        reason=reason,
        runtime="onnxruntime 1.20.1",
        provider="CPUExecutionProvider",
        threads=2,
        samples=64,
        load_ms=1,
        first_ms=1,
        p50_ms=p50_ms,
        p90_ms=p50_ms,
        p99_ms=None,
        min_ms=p50_ms,
        mean_ms=p50_ms,
        std_ms=0,
        peak_memory_bytes=None,
        runtime_memory_bytes=None,
        reference_p50_ms=2.0 * pace,
        reference_ratio=ratio,
    )


class Script:
    """Gives what it was told, one after another, and remembers what was asked for."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, path, reference):
        assert reference == FILES["a"]
        self.asked.append(path.stem)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_each_graph_is_timed_in_each_round_and_the_pace_of_the_machine_does_not_matter(tmp_path):
    half = ROUNDS // 2
    free = [measurement(ratio) for ratio in (0.5, 1.0, 4.0)] * half
    disturbed = [measurement(ratio, pace=1.5) for ratio in (0.5, 1.0, 4.0)] * half
    script = Script(*free, *disturbed)
    found = time_graphs(FILES, "a", script, journal=tmp_path / "j.jsonl", progress=silent)
    assert script.asked == list("abc" * ROUNDS)
    assert undisturbed_ms(found) == pytest.approx({"a": 1.0, "b": 2.0, "c": 8.0})
    assert {(one.runtime, one.threads) for one in found} == {("onnxruntime 1.20.1", 2)}


def test_of_the_ratios_the_median_counts(tmp_path):
    times = [measurement(ratio) for ratio in (1.0, 1.1, 0.9, 5.0, 0.1, 1.0, 1.2, 0.95)]
    found = time_graphs(
        {"a": FILES["a"]}, "a", Script(*times), journal=tmp_path / "j.jsonl", progress=silent
    )
    assert undisturbed_ms(found) == pytest.approx({"a": 2.0})


def test_a_drift_is_shared_with_the_reference_and_heat_spoils_a_timing(tmp_path):
    drifting = measurement(1.0, reason="drift: 8 %; noise: 30 %", pace=1.3)
    hot = measurement(3.0, reason="drift: 8 %; throttled: heat")
    files = {name: FILES[name] for name in "ab"}
    script = Script(*[drifting, hot] * ROUNDS)
    found = time_graphs(files, "a", script, journal=tmp_path / "j.jsonl", progress=silent)
    assert undisturbed_ms(found) == pytest.approx({"a": 2.6})
    assert {one.reason for one in found} == {None, "throttled: heat"}


def test_what_does_not_count_is_left_out(tmp_path):
    noisy = measurement(0.5, reason="too few samples: 3")
    late = MeasurementError("did not end in time")
    first = [noisy, late, measurement(1.0), noisy, measurement(1.0), noisy]
    script = Script(*first, *[noisy] * (2 * (ROUNDS - 3)))
    files = {name: FILES[name] for name in "ab"}
    found = time_graphs(files, "a", script, journal=tmp_path / "j.jsonl", progress=silent)
    assert script.asked == list("ab" * ROUNDS)
    assert undisturbed_ms(found) == {"a": 2.0}
    reasons = [one.reason for one in found if one.graph == "b"]
    assert reasons == ["did not end in time"] + [noisy.reason] * (ROUNDS - 1)


def test_after_an_interruption_it_goes_on_with_the_next_graph(tmp_path):
    journal = tmp_path / "folder" / "j.jsonl"
    script = Script(measurement(1.0), measurement(2.0), DeviceError("the board is gone"))
    with pytest.raises(DeviceError, match="gone"):
        time_graphs(FILES, "a", script, journal=journal, progress=silent)
    with journal.open("a") as stream:
        stream.write('{"graph": "c", "rou')  # of a session that was killed
    rest = [measurement(ratio) for ratio in (1.0, 2.0, 3.0)] * (ROUNDS - 1)
    script = Script(measurement(3.0), *rest)
    found = time_graphs(FILES, "a", script, journal=journal, progress=silent)
    assert script.asked == list("c" + "abc" * (ROUNDS - 1))
    assert undisturbed_ms(found) == {"a": 2.0, "b": 4.0, "c": 6.0}
    # And what came behind the half line is whole.
    assert time_graphs(FILES, "a", Script(), journal=journal, progress=silent) == found


def test_a_journal_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file/j\.jsonl: cannot be written"):
        time_graphs(
            FILES,
            "a",
            Script(measurement(1.0)),
            journal=tmp_path / "file" / "j.jsonl",
            progress=silent,
        )


def test_progress_counts_timings(tmp_path):
    seen = []
    time_graphs(
        {"a": FILES["a"]},
        "a",
        Script(*[measurement(1.0)] * ROUNDS),
        journal=tmp_path / "j.jsonl",
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert seen == [("timing", done, ROUNDS) for done in range(ROUNDS + 1)]


def test_a_graph_without_any_timing_has_no_latency(tmp_path):
    script = Script(*[measurement(1.0, reason="throttled: heat")] * ROUNDS)
    found = time_graphs(
        {"a": FILES["a"]}, "a", script, journal=tmp_path / "j.jsonl", progress=silent
    )
    assert undisturbed_ms(found) == {}


def test_timings_beside_another_reference_are_taken_anew(tmp_path):
    journal = tmp_path / "j.jsonl"
    other = Timing(graph="a", reference="z", round=0, p50_ms=9.0, reference_ms=1.0, ratio=9.0)
    journal.write_text(other.model_dump_json() + "\n")
    script = Script(*[measurement(1.0)] * ROUNDS)
    found = time_graphs({"a": FILES["a"]}, "a", script, journal=journal, progress=silent)
    assert len(script.asked) == ROUNDS
    assert undisturbed_ms(found) == {"a": 2.0}

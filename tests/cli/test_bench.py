"""Timing of a model on this host; the agent itself is tested in tests/measure."""

import functools
import json

import onnx
import pytest
from onnx import TensorProto, helper

from autokd.core.measurement import LatencyMeasurement, SustainedResult
from autokd.measure import target
from autokd.measure.local import LocalTarget
from autokd.measure.ssh import SshTarget


@pytest.fixture
def model(folder):
    shapes = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, 4, 4]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", shapes[:1], shapes[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.save(made, folder / "model.onnx")
    return "model.onnx"


@pytest.fixture
def quick(monkeypatch, driver):
    """A measurement that takes no time; ``update`` changes what it finds."""
    update = {}

    def measure(target, model, profile, *, threads, sustained_seconds):
        update["asked"] = (target, threads, sustained_seconds)
        found = {key: value for key, value in update.items() if key != "asked"}
        return driver.MEASUREMENT.model_copy(update=found)

    monkeypatch.setattr("autokd.measure.target.measure_on", measure)
    return update


def test_percentiles_are_printed_with_what_they_stand_for(call, quick):
    code, out, _ = call("bench", "a.onnx", "b.onnx", "--device", "jetson-nano")
    assert code == 0
    assert out.count("this host, not the board") == 2
    assert "p50 ms  p90 ms  p99 ms  min ms  mean ms  std ms" in out
    assert "1.250   1.500   2.500   1.000   1.300    0.100" in out
    assert out.count("\nVALID\n") == 2
    assert max(map(len, out.splitlines())) <= 80


def test_an_invalid_measurement_is_exit_code_7_and_names_the_rule(call, quick):
    quick.update(valid=False, reason="12 samples, at least 64 are needed", p99_ms=None)
    code, out, err = call("bench", "a.onnx", "--device", "jetson-nano")
    assert code == 7
    assert "INVALID: 12 samples, at least 64 are needed" in out
    assert "1 of 1 measurements are INVALID (a.onnx: 12 samples, at least 64 are needed)." in err
    code, out, _ = call("bench", "a.onnx", "--device", "jetson-nano", "--json")
    answer = json.loads(out)
    assert (code, answer["exit"]["code"], answer["measurements"][0]["valid"]) == (7, 7, False)


def test_json_is_a_list_of_measurements(call, quick):
    code, out, _ = call("bench", "a.onnx", "--device", "jetson-nano", "--json")
    (answer,) = json.loads(out)
    assert (code, answer.pop("model")) == (0, "a.onnx")
    assert LatencyMeasurement.model_validate(answer).p50_ms == 1.25


def test_without_a_target_it_is_this_host_and_the_profiles_threads(call, quick):
    assert call("bench", "a.onnx", "--device", "jetson-nano")[0] == 0
    where, threads, sustained = quick["asked"]
    assert isinstance(where, LocalTarget)
    assert (where.is_device, threads, sustained) == (False, None, None)


def test_a_target_threads_and_a_long_run_are_asked_for(call, quick):
    key = "SHA256:" + "a" * 43
    words = ("--target", "ssh://pi@192.0.2.1", "--accept-host-key", key)
    more = ("--threads", "2", "--sustained", "30m")
    assert call("bench", "a.onnx", "--device", "jetson-nano", *words, *more)[0] == 0
    where, threads, sustained = quick["asked"]
    assert isinstance(where, SshTarget)
    assert (where.name, threads, sustained) == ("ssh://pi@192.0.2.1", 2, 1800.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--target", "adb://x"), "adb is not supported"),
        (("--target", "ssh://-oProxyCommand=id"), "is no name of a host"),
        (("--accept-host-key", "SHA256:x"), "'local' has no host key"),
        (("--threads", "0"), "--threads"),
        (("--sustained", "long"), "long"),
    ],
)
def test_what_cannot_be_meant_is_exit_code_2(call, quick, words, message):
    code, _, err = call("bench", "a.onnx", "--device", "jetson-nano", *words)
    assert code == 2
    assert message in err


def test_the_course_of_a_long_run_and_what_stands_out_are_printed(call, quick):
    quick.update(
        is_device=True,
        host="ssh://pi@board (Raspberry Pi 5, Cortex-A76)",
        throttled="low voltage before",
        provider="CUDAExecutionProvider",
        node_placement={"CUDAExecutionProvider": 50, "CPUExecutionProvider": 2},
        sustained=SustainedResult(
            seconds=120.4,
            window_seconds=60.0,
            p50_ms=(1.0, 1.25),
            temp_c=(61.5, None),
            freq_mhz=(2400.0, None),
            slowdown_pct=25.0,
        ),
    )
    code, out, _ = call("bench", "a.onnx", "--device", "jetson-nano")
    assert code == 0
    assert "not the board" not in out
    assert "memory: 50 MiB at most, 30 MiB of it before the model was loaded" in out
    assert "power and heat: low voltage before" in out
    assert "not on CUDAExecutionProvider: 2 nodes on CPUExecutionProvider" in out
    assert "is +25.0 % against the first" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["after", "p50", "ms", "C", "MHz"] in lines
    assert any(line[-3:] == ["1.000", "61.5", "2400"] for line in lines)
    assert any(line[-3:] == ["1.250", "-", "-"] for line in lines)
    assert max(map(len, out.splitlines())) <= 80


def test_a_real_model_is_timed_on_this_host(call, model, monkeypatch):
    short = functools.partial(target.measure_on, seconds=0.3)
    monkeypatch.setattr(target, "measure_on", short)
    code, out, err = call("bench", model, "--device", "jetson-nano", "--json")
    assert code in {0, 7}, err  # 7: so short a time, or a busy machine, makes it INVALID
    answer = json.loads(out)
    found = answer[0] if code == 0 else answer["measurements"][0]
    assert found["is_device"] is False
    assert 0 < found["p50_ms"] <= found["p90_ms"]


def test_a_file_that_is_no_model_is_exit_code_5(command, folder):
    (folder / "bad.onnx").write_bytes(b"not a model")
    done = command("bench", "bad.onnx", "--device", "jetson-nano")
    assert done.returncode == 5
    assert done.stderr.splitlines()[-1].startswith("autokd: error: ")
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_exit_code_2(command):
    done = command("bench", "none.onnx", "--device", "jetson-nano")
    assert done.returncode == 2
    assert "none.onnx: cannot be read (No such file or directory)" in done.stderr

"""Timing of a model on this host; the agent itself is tested in tests/measure."""

import functools
import json

import onnx
import pytest
from onnx import TensorProto, helper

from autokd.core.results import LatencyMeasurement
from autokd.measure import local


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

    def measure(model, profile):
        return driver.MEASUREMENT.model_copy(update=update)

    monkeypatch.setattr("autokd.measure.local.measure_local", measure)
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


def test_a_real_model_is_timed_on_this_host(call, model, monkeypatch):
    short = functools.partial(local.measure_local, seconds=0.3)
    monkeypatch.setattr(local, "measure_local", short)
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

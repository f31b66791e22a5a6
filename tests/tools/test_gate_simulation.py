import onnx
import pytest
from onnx import TensorProto, helper

from tools import gate_simulation
from tools.gate.days import read_days


@pytest.fixture
def model(tmp_path):
    shapes = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, 4, 4]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", shapes[:1], shapes[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.save(made, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_one_real_day_is_run_and_a_finished_file_is_left_alone(
    model, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(gate_simulation, "BLOCK_SECONDS", 0.05)
    monkeypatch.setattr(gate_simulation, "WARMUP_SECONDS", 0.05)
    monkeypatch.setattr("tools.gate.days.LOOKS", (8,))
    monkeypatch.setattr("tools.gate.days.KINDS", ("same",))
    file = tmp_path / "days.jsonl"
    words = ["live", str(model), str(model), str(file), "--days", "1"]
    gate_simulation.main(words)
    (day,) = read_days(file)
    assert len(day.rounds[0].p50_ms) == 8
    assert day.seconds > 0
    assert "| the same model | 1 |" in capsys.readouterr().out
    gate_simulation.main(words)
    assert read_days(file) == [day]
    gate_simulation.main(["table", str(file)])
    assert "| the same model | 1 |" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "fraction"), [("8%", 0.08), ("12.5", 0.125)])
def test_a_change_is_given_in_percent(text, fraction) -> None:
    assert gate_simulation.percent(text) == pytest.approx(fraction)

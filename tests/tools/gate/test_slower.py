import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tools.gate.slower import slow_down, with_extra_work


@pytest.fixture
def student() -> onnx.ModelProto:
    rng = np.random.default_rng(1)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "w"], ["c"], kernel_shape=[3, 3]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("GlobalAveragePool", ["r"], ["p"]),
            helper.make_node("Flatten", ["p"], ["f"]),
            helper.make_node("Gemm", ["f", "m"], ["logits"]),
        ],
        "student",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 5])],
        [
            numpy_helper.from_array(rng.normal(size=(4, 3, 3, 3)).astype(np.float32), "w"),
            numpy_helper.from_array(rng.normal(size=(4, 5)).astype(np.float32), "m"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def run(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"image": image})[0]


def test_more_work_gives_the_same_output(student) -> None:
    image = np.random.default_rng(2).normal(size=(1, 3, 8, 8)).astype(np.float32)
    longer = with_extra_work(student, 7)
    assert np.array_equal(run(student, image), run(longer, image))
    (extra,) = [i for i in longer.graph.initializer if i.name == "extra.weight"]
    assert list(extra.dims) == [7, 4, 3, 3]


def test_the_runtime_does_not_take_the_work_out_again(student, tmp_path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    longer = with_extra_work(student, 7)
    onnxruntime.InferenceSession(
        longer.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    kept = onnx.load(tmp_path / "optimised.onnx")
    convolutions = [node for node in kept.graph.node if "Conv" in node.op_type]
    assert len(convolutions) == 2


def test_a_model_without_a_convolution_is_refused(student) -> None:
    del student.graph.node[0]
    student.graph.node[0].input[0] = "image"
    with pytest.raises(ValueError, match="needs a convolution"):
        with_extra_work(student, 7)


def test_the_work_is_fitted_to_the_change_that_is_wanted(student, tmp_path, make_block) -> None:
    """A machine on which each filter takes a thousandth of the whole, with a start of 2 %."""
    onnx.save(student, tmp_path / "student.onnx")

    def timer(model, out):
        def block(side):
            if side == "baseline":
                return make_block(10.0)
            extra = [i for i in onnx.load(out).graph.initializer if i.name == "extra.weight"]
            return make_block(10.0 * (1.02 + extra[0].dims[0] / 1000))

        return block

    filters, _ = slow_down(
        tmp_path / "student.onnx", tmp_path / "slower.onnx", change=0.08, timer=timer
    )
    assert 55 <= filters <= 65

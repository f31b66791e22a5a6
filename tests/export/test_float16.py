"""Half precision."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from autokd.core.device import ExportTarget
from autokd.export.float16 import halve
from autokd.export.onnx import build_model
from autokd.export.verify import run_onnx


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_a_half_student_is_half_as_large_and_names_the_same(make_case, tmp_path, kind):
    case = make_case()
    target = ExportTarget(opset=13, ir=7, input=kind, reason="-")
    model = build_model(
        case.program, case.weights, target=target, mean=case.mean, std=case.std,
        class_names=("a", "b"), metadata={"trial": "3"},
    )  # fmt: skip
    path = halve(model, tmp_path / "student.fp16.onnx", target=target)
    made = onnx.load(path)
    assert made.metadata_props == model.metadata_props
    kinds = {t.name: t.data_type for t in made.graph.initializer}
    assert {k for k, v in kinds.items() if v == TensorProto.FLOAT} == {"image.scale", "image.shift"}
    assert made.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    logits = run_onnx(path, case.images)
    np.testing.assert_allclose(logits, case.reference, atol=0.02 * np.abs(case.reference).max())
    assert not np.array_equal(logits, case.reference)


def test_a_weight_beyond_half_numbers_becomes_the_largest(make_case, nano, tmp_path):
    case = make_case()
    case.weights["classifier.bias"][0] = 1e6
    model = build_model(
        case.program, case.weights, target=nano, mean=case.mean, std=case.std,
        class_names=(), metadata={},
    )  # fmt: skip
    path = halve(model, tmp_path / "student.fp16.onnx", target=nano)
    made = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    assert made["classifier.bias"][0] == np.finfo(np.float16).max

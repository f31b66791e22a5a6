"""An exported model as plain data."""

import numpy as np
import onnx
import pytest

from autokd.core.device import ExportTarget
from autokd.errors import ExportError
from autokd.export.graph import read_graph, with_constants
from autokd.export.onnx import build_model


def build(case, kind="uint8"):
    return build_model(
        case.program,
        case.weights,
        target=ExportTarget(opset=13, ir=7, input=kind, reason="-"),
        mean=case.mean,
        std=case.std,
        class_names=(),
        metadata={},
    )


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_normalisation_is_gain_and_shift_of_pixels_in_0_to_1(make_case, kind):
    case = make_case()
    graph = read_graph(build(case, kind))
    np.testing.assert_allclose(graph.gain, 1 / np.array(case.std), rtol=1e-6)
    np.testing.assert_allclose(graph.shift, -np.array(case.mean) / case.std, rtol=1e-6)
    assert graph.takes_bytes == (kind == "uint8")


def test_nodes_begin_after_the_image_and_end_with_the_logits(make_case, tmp_path):
    model = build(make_case())
    path = tmp_path / "student.onnx"
    path.write_bytes(model.SerializeToString())
    graph = read_graph(path)
    assert graph.nodes == read_graph(model).nodes
    assert (graph.nodes[0].name, graph.nodes[-1].output) == ("stem", "logits")
    stem, deep = (next(n for n in graph.nodes if n.name == name) for name in ("stem", "deep"))
    assert stem.inputs[:2] == ("image.normalised", "stem.weight")
    assert [deep.number(a) for a in ("kernel_shape", "pads", "group")] == [5, 2, 8]
    assert not any(name.startswith("image.") for name in graph.constants)


def test_constants_are_replaced_by_name_in_a_copy(make_case):
    model = build(make_case())
    zero = np.zeros_like(read_graph(model).constants["stem.weight"])
    changed = read_graph(with_constants(model, {"stem.weight": zero}))
    assert not changed.constants["stem.weight"].any()
    before = read_graph(model).constants
    assert before["stem.weight"].any()
    assert all(np.array_equal(changed.constants[k], before[k]) for k in before if k[:4] != "stem")


def test_what_is_no_student_is_refused(make_case, tmp_path):
    model = build(make_case())
    for name in (n for n in model.graph.node if n.output[0] == "image.normalised"):
        name.output[0] = "other"
    with pytest.raises(ExportError, match="is no fp32 student of autokd"):
        read_graph(model)
    path = tmp_path / "student.onnx"
    with pytest.raises(ExportError, match="cannot be read"):
        read_graph(path)
    path.write_bytes(b"\xffno model")
    with pytest.raises(ExportError, match="is not an ONNX file"):
        read_graph(path)
    assert isinstance(model, onnx.ModelProto)

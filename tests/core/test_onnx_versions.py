"""The table of releases, held against onnx and against the onnxruntime that is installed."""

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from autokd.core.onnx_versions import (
    IR_OF_OPSET,
    LIMITS_OF_ONNXRUNTIME,
    onnx_limits,
    release_of,
)


@pytest.mark.parametrize("opset", list(IR_OF_OPSET))
def test_the_ir_of_an_opset_is_the_one_that_onnx_says(opset):
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip(f"onnx {onnx.__version__} is older than opset {opset}")
    assert helper.find_min_ir_version_for([helper.make_opsetid("", opset)]) == IR_OF_OPSET[opset]


def load(opset, ir):
    """Load an addition that is stamped with these versions in the installed onnxruntime."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])], "g", value[:1], value[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def test_the_installed_release_loads_its_limits_and_nothing_newer():
    limits = LIMITS_OF_ONNXRUNTIME.get(release_of(onnxruntime.__version__))
    if limits is None:
        pytest.skip(f"onnxruntime {onnxruntime.__version__} is not in the table")
    opset, ir = limits
    load(opset, ir)
    with pytest.raises(Exception, match=r"(?i)opset"):
        load(opset + 1, ir)
    with pytest.raises(Exception, match=r"(?i)ir.version"):
        load(opset, ir + 1)


def test_limits_never_fall_from_one_release_to_the_next():
    limits = [LIMITS_OF_ONNXRUNTIME[release] for release in sorted(LIMITS_OF_ONNXRUNTIME)]
    assert limits == sorted(limits)
    assert all(ir >= IR_OF_OPSET[opset] for opset, ir in limits)


@pytest.mark.parametrize(
    ("version", "limits"),
    [
        ("1.19.2", (21, 10)),
        ("1.21.0", (21, 10)),  # never tried: those of 1.20
        ("1.40.1", (28, 14)),
        ("1.32.0.dev20260101", (28, 14)),
        ("1.9.0", None),
        ("latest", None),
    ],
)
def test_a_release_has_the_limits_of_the_newest_that_was_tried_up_to_it(version, limits):
    assert onnx_limits(version) == limits

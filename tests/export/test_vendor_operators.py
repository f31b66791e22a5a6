"""What the published list lacks is refused, with the node that has it."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from autokd.errors import ExportError
from autokd.export.vendor_operators import OPERATORS, check_operators


def model_of(*nodes, shape=(1, 3, 8, 8), opset=13, kind=TensorProto.FLOAT, constants=()):
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_empty_tensor_value_info(nodes[-1].output[0])],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


RELU = helper.make_node("Relu", ["image"], ["out"], name="active")


def test_what_is_on_the_list_passes():
    pool = helper.make_node(
        "AveragePool", ["out"], ["small"], name="pool", kernel_shape=[2, 2], strides=[2, 2]
    )
    check_operators(model_of(RELU, pool))


def test_a_graph_with_a_resize_is_refused_by_the_name_of_its_node():
    scales = ("scales", np.array([1, 1, 2, 2], np.float32))
    up = helper.make_node("Resize", ["out", "", "scales"], ["up"], name="grow")
    with pytest.raises(ExportError, match=r"node 'grow': Resize is none of .*Gemm.*supported_ops"):
        check_operators(model_of(RELU, up, constants=[scales]))


def test_every_operator_that_is_not_there_is_named():
    nodes = [
        helper.make_node("Sigmoid", ["image"], ["a"], name="one"),
        helper.make_node("Tanh", ["a"], ["b"], name="two"),
    ]
    with pytest.raises(ExportError) as fault:
        check_operators(model_of(*nodes))
    assert "'one': Sigmoid" in str(fault.value)
    assert "'two': Tanh" in str(fault.value)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (model_of(RELU, shape=(1, 3, "side", 8)), "'image' has no fixed shape"),
        (model_of(RELU, shape=(1, 3, 70_000, 8)), "has a side of 70000"),
        (model_of(RELU, shape=(1,) * 7), "more than 6 dimensions"),
        (model_of(RELU, opset=21), "opset 21 is outside 7 to 20"),
        (
            model_of(
                helper.make_node("Flatten", ["image"], ["out"], name="flat"), kind=TensorProto.INT8
            ),
            "node 'flat': Flatten takes 'image' of type int8",
        ),
        (
            model_of(
                helper.make_node(
                    "AveragePool", ["image"], ["out"], name="pool", kernel_shape=[8, 8]
                )
            ),
            r"node 'pool': kernel_shape \[8, 8\] is not smaller than its input \[8, 8\]",
        ),
    ],
)
def test_what_the_constraints_forbid_is_refused(model, text):
    with pytest.raises(ExportError, match=text):
        check_operators(model)


def test_another_domain_is_refused():
    node = helper.make_node("Relu", ["image"], ["out"], name="own", domain="com.acme")
    model = model_of(node)
    model.opset_import.append(helper.make_opsetid("com.acme", 1))
    with pytest.raises(ExportError, match=r"operator set 'com\.acme' is not on the list"):
        check_operators(model)


def test_the_list_is_that_of_a_student():
    assert set(OPERATORS) == {
        "Add",
        "AveragePool",
        "Conv",
        "DequantizeLinear",
        "Flatten",
        "Gemm",
        "GlobalAveragePool",
        "QuantizeLinear",
        "Relu",
    }

"""The operators that a vendor's converter takes, and whether a file keeps to them."""

from collections.abc import Iterator, Mapping

import onnx
from onnx import TensorProto

from autokd.errors import ExportError

SOURCE = (
    "ST Edge AI Core 2.2, ONNX toolbox support "
    "(https://stedgeai-dc.st.com/assets/embedded-docs/supported_ops_onnx.html)"
)
TOOL = "ST Edge AI Core"
OPSETS = range(7, 21)

_FLOAT = frozenset({TensorProto.FLOAT})
_INTEGERS = frozenset({TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8})
# Those of the 132 on the list that a student needs, with the types that they take there. Between
# a pair of DequantizeLinear and QuantizeLinear an operator stands for its integer form.
OPERATORS: Mapping[str, frozenset[int]] = {
    "Add": _FLOAT,
    "AveragePool": _FLOAT,
    "Conv": _FLOAT,
    # The common constraints add int32, for biases.
    "DequantizeLinear": _INTEGERS | {TensorProto.INT32},
    "Flatten": _FLOAT,
    "Gemm": _FLOAT,
    "GlobalAveragePool": _FLOAT,
    "QuantizeLinear": _INTEGERS,
    "Relu": _FLOAT,
}

_MOST_DIMENSIONS = 6
_LONGEST_SIDE = 65_536
_WINDOWED = ("AveragePool", "Conv")


def check_operators(model: onnx.ModelProto) -> None:
    """Check every operator of ``model`` against the published list.

    Raises:
        ExportError: With each node that breaks it, and the rule.
    """
    faults = [*_opset_faults(model), *_node_faults(model)]
    if faults:
        msg = f"student: {TOOL} does not take the file: {'; '.join(faults)}. The list: {SOURCE}."
        raise ExportError(msg)


def _opset_faults(model: onnx.ModelProto) -> Iterator[str]:
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx"):
            yield f"operator set {entry.domain!r} is not on the list"
        elif entry.version not in OPSETS:
            yield f"opset {entry.version} is outside {OPSETS.start} to {OPSETS.stop - 1}"


def _node_faults(model: onnx.ModelProto) -> Iterator[str]:
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        types[value.name] = tensor.elem_type
        shapes[value.name] = [side.dim_value for side in tensor.shape.dim]
    for node in graph.node:
        where = f"node {node.name!r}"
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            have = ", ".join(sorted(OPERATORS))
            yield f"{where}: {node.op_type} is none of what a student has there ({have})"
            continue
        for name in node.input:
            if types.get(name) not in OPERATORS[node.op_type]:
                kind = TensorProto.DataType.Name(types.get(name, 0)).lower()
                yield f"{where}: {node.op_type} takes {name!r} of type {kind}"
        for name in (*node.input, *node.output):
            yield from _shape_faults(where, name, shapes.get(name))
        if node.op_type in _WINDOWED:
            yield from _window_faults(where, node, shapes.get(node.input[0]) or [])


def _shape_faults(where: str, name: str, shape: list[int] | None) -> Iterator[str]:
    if shape is None or any(side < 1 for side in shape):
        yield f"{where}: {name!r} has no fixed shape"
    elif len(shape) > _MOST_DIMENSIONS:
        yield f"{where}: {name!r} has more than {_MOST_DIMENSIONS} dimensions"
    elif max(shape, default=0) >= _LONGEST_SIDE:
        yield f"{where}: {name!r} has a side of {max(shape)}, not below {_LONGEST_SIDE}"


def _window_faults(where: str, node: onnx.NodeProto, shape: list[int]) -> Iterator[str]:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    for key in ("kernel_shape", "strides"):
        window = attributes.get(key, [1, 1])
        sides = shape[2:]
        if any(size > 1 and size >= side for size, side in zip(window, sides, strict=False)):
            yield f"{where}: {key} {list(window)} is not smaller than its input {sides}"
    if node.op_type == "AveragePool" and any(d != 1 for d in attributes.get("dilations", [])):
        yield f"{where}: a pool with dilations"

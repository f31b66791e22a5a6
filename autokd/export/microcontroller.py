"""A student as a full-integer ONNX file for the converter of a vendor: bytes in, bytes out.

The image's bytes are the integers of the first tensor, and normalisation has no operator of its
own: a convolution is linear, so its kernel and bias take scale and shift of each channel. What a
convolution pads with is the zero of its input, so that is the byte nearest to the mean colour.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from autokd.core.precision import Int8Form
from autokd.errors import ExportError
from autokd.export.calibrate import Ranges
from autokd.export.graph import NORMALISED, StudentGraph, read_graph
from autokd.export.quantise import quantised_model
from autokd.export.vendor_operators import check_operators


def full_integer_model(graph: StudentGraph, ranges: Ranges, *, form: Int8Form) -> onnx.ModelProto:
    """Give a student with uint8 image and uint8 logits, and integers at every operator.

    Where zero must be the integer 0, the mean colour cannot be it, and normalisation stays a 1x1
    convolution of each channel. What the bytes of the output stand for is in the metadata.

    Args:
        graph: The fp32 student.
        ranges: Of its activations.
        form: How the device wants it quantised.

    Raises:
        ExportError: The student has an operator that the converter does not take.
    """
    folds = not form.symmetric
    if folds:
        zero = byte_zero_point(_mean(graph)) / 255.0
        graph = read_graph(fold_normalisation(graph.model))
        ranges = {**ranges, NORMALISED: (-zero, 1.0 - zero)}
    model = quantised_model(graph, ranges, form=form, uint8_io=True)
    if folds:
        _drop_normalisation(model.graph)
    _flatten_floats(model.graph)
    _drop_unread(model.graph)
    _describe_output(model)
    check_operators(model)
    return model


def fold_normalisation(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give a student that only centres its image: the convolutions that read it do the rest.

    With the zero point z, a pixel x in 0..1 and x' = x - z / 255, normalisation gives
    (x' + z / 255 - mean) / std: a kernel is divided by std, and its bias grows by the kernel's sum
    times (z / 255 - mean) / std. In the border, padding then stands for z / 255 instead of the mean
    of each channel. That is exact where all channels have one mean of a whole number of 255ths.

    Raises:
        ExportError: ``model`` is no student, or something else than a convolution reads its image.
    """
    student = read_graph(model)
    gain, mean = student.gain.astype(np.float64), _mean(student)
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    graph = folded.graph
    first = [node for node in graph.node if NORMALISED in node.input]
    if not first or any(node.op_type != "Conv" for node in first):
        found = ", ".join(f"{node.op_type} {node.name}" for node in first) or "nothing"
        msg = (
            f"student: {found} reads the image, and normalisation folds into convolutions only; "
            "give another --winner."
        )
        raise ExportError(msg)
    zero = byte_zero_point(mean) / 255.0
    for node in first:
        _fold_into(node, graph, gain=gain, shift=(zero - mean) * gain)
    # What is left of the normalisation moves the zero and does not scale.
    each = np.ones((1, len(mean), 1, 1))
    _set_constant(graph, "image.scale", each / (255.0 if student.takes_bytes else 1.0))
    _set_constant(graph, "image.shift", each * -zero)
    return folded


def byte_zero_point(mean: NDArray[np.float64]) -> int:
    """Give the byte that stands for zero: the one nearest to the mean of all channels, in 0..1."""
    return round(255.0 * float(mean.mean()))


def _mean(graph: StudentGraph) -> NDArray[np.float64]:
    """Give the colour, of each channel in 0..1, that normalisation makes zero."""
    return -graph.shift.astype(np.float64) / graph.gain


def _fold_into(
    node: onnx.NodeProto,
    graph: onnx.GraphProto,
    *,
    gain: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> None:
    weights = {tensor.name: tensor for tensor in graph.initializer}
    kernel = numpy_helper.to_array(weights[node.input[1]]).astype(np.float64)
    groups = next((a.i for a in node.attribute if a.name == "group"), 1)
    # Which image channels each output channel reads: all, or one where each has its own kernel.
    group = np.arange(len(kernel)) * groups // len(kernel)
    channels = group[:, None] * kernel.shape[1] + np.arange(kernel.shape[1])
    bias = (kernel.sum(axis=(2, 3)) * shift[channels]).sum(axis=1)
    if len(node.input) == 2:
        node.input.append(f"{node.name}.bias")
        graph.initializer.append(_float32(bias, node.input[2]))
    else:
        _set_constant(graph, node.input[2], bias + numpy_helper.to_array(weights[node.input[2]]))
    _set_constant(graph, node.input[1], kernel * gain[channels][:, :, None, None])


def _drop_normalisation(graph: onnx.GraphProto) -> None:
    """Let the first convolutions read the image's integers.

    After `fold_normalisation` what `quantise` writes for the normalisation is a convolution by one.
    The integers on both of its sides are the same; their zeros differ, which is its bias.
    """
    maker = {name: node for node in graph.node for name in node.output}
    convolution = next(node for node in graph.node if NORMALISED in node.output)
    pixels = maker[convolution.input[0]].input[0]
    stored = next(node for node in graph.node if node.input[0] == NORMALISED)
    for node in graph.node:
        if node.input[0] == stored.output[0]:
            node.input[0] = pixels
    graph.node.remove(stored)
    graph.node.remove(convolution)


def _flatten_floats(graph: onnx.GraphProto) -> None:
    """Put each Flatten of integers between a pair of its own: the list has Flatten of floats."""
    reader = {node.input[0]: node for node in graph.node}
    for place, node in enumerate(list(graph.node)):
        if node.op_type != "Flatten" or not node.input[0].endswith(".integers"):
            continue
        affine = list(reader[node.output[0]].input[1:])  # Flatten changes no number
        source, result = node.input[0], node.output[0]
        before, after = f"{node.name}.before", f"{node.name}.after"
        opened = helper.make_node(
            "DequantizeLinear", [source, *affine], [before], name=f"{before}.dequantise"
        )
        closed = helper.make_node(
            "QuantizeLinear", [after, *affine], [result], name=f"{after}.quantise"
        )
        node.input[0], node.output[0] = before, after
        graph.node.insert(place, opened)
        graph.node.insert(place + 2, closed)


def _drop_unread(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants that nothing reads any more."""
    wanted = {value.name for value in graph.output}
    for node in reversed(list(graph.node)):
        if wanted.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            wanted.update(node.input)
    for tensor in list(graph.initializer):
        if tensor.name not in wanted:
            graph.initializer.remove(tensor)


def _describe_output(model: onnx.ModelProto) -> None:
    """Write into the metadata what the bytes of the output stand for."""
    graph = model.graph
    last = next(node for node in graph.node if graph.output[0].name in node.output)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    scale, zero = (numpy_helper.to_array(weights[name]) for name in last.input[1:])
    entries = {entry.key: entry.value for entry in model.metadata_props}
    entries["output"] = f"uint8; logit = {float(scale)!r} * (byte - {int(zero)})"
    helper.set_model_props(model, entries)


def _set_constant(graph: onnx.GraphProto, name: str, value: NDArray[np.float64]) -> None:
    tensor = next(tensor for tensor in graph.initializer if tensor.name == name)
    tensor.CopyFrom(_float32(value, name))


def _float32(value: NDArray[np.float64], name: str) -> onnx.TensorProto:
    return numpy_helper.from_array(value.astype(np.float32), name)

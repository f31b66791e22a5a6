"""An exported student as INT8: the same graph with QuantizeLinear and DequantizeLinear in it (QDQ).

Written node by node, as the student itself, and not by onnxruntime.quantization: that tool shares a
DequantizeLinear between readers, which onnxruntime before 1.13 cannot fuse (its issue 12860), and
quantises the image after its normalisation in floats. A test holds the two against each other.

The image is exact: its bytes are the integers of the first tensor, with the scale 1 / 255, and the
normalisation is a 1x1 convolution of each channel on its own.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from autokd.core.codec import write_atomically
from autokd.core.device import ExportTarget
from autokd.core.precision import CalibrationMethod, Int8Form
from autokd.export.calibrate import Ranges, choose_ranges, observe
from autokd.export.graph import StudentGraph, read_graph
from autokd.export.qdq import QdqWriter
from autokd.export.verify import INT8_OPERATORS, check_file


def quantise(  # noqa: PLR0913 - what a quantised file depends on
    model: onnx.ModelProto | Path,
    out: Path,
    *,
    form: Int8Form,
    method: CalibrationMethod,
    images: NDArray[np.uint8],
    target: ExportTarget,
    exclude_nodes: tuple[str, ...] = (),
    uint8_io: bool = False,
) -> Path:
    """Calibrate a student on real images, write it as INT8, check the file, and give its path.

    Args:
        model: The fp32 student, as `autokd.export.onnx` writes it.
        out: The file to write.
        form: How.
        method: How ranges of activations follow from the images.
        images: Training images, (n, px, px, c), at the student's size; a few hundred.
        target: Opset, IR and input type, those of ``model``.
        exclude_nodes: Names of nodes that go on computing in floats.
        uint8_io: Image and logits are uint8, as microcontrollers want.

    Raises:
        ExportError: ``model`` is no student, or the file is not what the board loads.
        StorageError: The disk is full or refuses.
    """
    graph = read_graph(model)
    ranges = choose_ranges(graph, observe(graph, images), method)
    made = quantised_model(graph, ranges, form=form, exclude_nodes=exclude_nodes, uint8_io=uint8_io)
    write_atomically(out, made.SerializeToString())
    if uint8_io:
        target = target.model_copy(update={"input": "uint8"})
    check_file(out, target, operators=INT8_OPERATORS)
    return out


def quantised_model(
    graph: StudentGraph,
    ranges: Ranges,
    *,
    form: Int8Form,
    exclude_nodes: Collection[str] = (),
    uint8_io: bool = False,
) -> onnx.ModelProto:
    """Give the student as INT8, with opset, IR version and metadata of the fp32 model.

    Args:
        graph: The fp32 student.
        ranges: Of its activations.
        form: How.
        exclude_nodes: Names of nodes that go on computing in floats.
        uint8_io: Image and logits are uint8.
    """
    writer = QdqWriter(graph, ranges, form, exclude=exclude_nodes, uint8_io=uint8_io)
    writer.write()
    source = graph.model
    made = onnx.ModelProto()
    made.CopyFrom(source)
    made.ClearField("graph")
    made.graph.name = source.graph.name
    made.graph.node.extend(writer.nodes)
    made.graph.initializer.extend(writer.initializers)
    made.graph.input.extend(source.graph.input)
    made.graph.output.extend(source.graph.output)
    if uint8_io:
        for value in (made.graph.input[0], made.graph.output[0]):
            value.type.tensor_type.elem_type = onnx.TensorProto.UINT8
    return made

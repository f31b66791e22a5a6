"""An exported student in half precision: fp16 inside, the same input and float32 logits outside.

The normalisation of the image stays in float32, where bytes are exact.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autokd.core.codec import write_atomically
from autokd.core.device import ExportTarget
from autokd.export.graph import NORMALISED, StudentGraph, read_graph
from autokd.export.onnx import OUTPUT_NAME
from autokd.export.verify import check_file

_LARGEST = float(np.finfo(np.float16).max)


def halve(model: onnx.ModelProto | Path, out: Path, *, target: ExportTarget) -> Path:
    """Write a student in half precision, check the file, and give its path.

    Raises:
        ExportError: ``model`` is no student, or the file is not what the board loads.
        StorageError: The disk is full or refuses.
    """
    made = half_model(read_graph(model))
    write_atomically(out, made.SerializeToString())
    check_file(out, target)
    return out


def half_model(graph: StudentGraph) -> onnx.ModelProto:
    """Give the student with weights and activations in half precision.

    A weight beyond the largest half number becomes that number; whether it matters is for the
    accuracy to say.
    """
    made = onnx.ModelProto()
    made.CopyFrom(graph.model)
    inner = {node.name for node in graph.nodes}
    half_input, half_output = f"{NORMALISED}.half", f"{OUTPUT_NAME}.half"
    renamed = {NORMALISED: half_input, OUTPUT_NAME: half_output}
    nodes = []
    for node in made.graph.node:
        changed = onnx.NodeProto()
        changed.CopyFrom(node)
        if node.name in inner:
            changed.ClearField("input")
            changed.input.extend(renamed.get(name, name) for name in node.input)
            changed.output[0] = renamed.get(node.output[0], node.output[0])
        nodes.append(changed)
        if node.output[0] == NORMALISED:
            nodes.append(_cast("image.half", NORMALISED, half_input, TensorProto.FLOAT16))
    nodes.append(_cast("logits.float", half_output, OUTPUT_NAME, TensorProto.FLOAT))
    made.graph.ClearField("node")
    made.graph.node.extend(nodes)
    for tensor in made.graph.initializer:
        if tensor.name in graph.constants:
            value = np.clip(graph.constants[tensor.name], -_LARGEST, _LARGEST).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    return made


def _cast(name: str, source: str, output: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [output], name=name, to=to)

"""An exported model as plain data: nodes after the image's normalisation, constants, and the image.

`autokd.export.onnx` writes the normalisation as nodes whose names begin with ``image.``; the other
precisions write it in another way.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from autokd.core.quantised_graph import GraphNode
from autokd.errors import ExportError

NORMALISED = "image.normalised"
_PROLOGUE = "image."

Constants = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class StudentGraph:
    """What a model computes.

    Attributes:
        nodes: From the normalised image to the logits, in execution order.
        constants: Weights and factors by name.
        gain: For each channel, what a pixel in 0..1 is multiplied by.
        shift: For each channel, what is added then.
        model: Where it was read from.
    """

    nodes: tuple[GraphNode, ...]
    constants: Constants
    gain: NDArray[np.float32]
    shift: NDArray[np.float32]
    model: onnx.ModelProto

    @property
    def takes_bytes(self) -> bool:
        """Whether the model is fed bytes, and not floats in 0..1."""
        element = self.model.graph.input[0].type.tensor_type.elem_type
        return bool(element == onnx.TensorProto.UINT8)


def read_graph(source: onnx.ModelProto | Path) -> StudentGraph:
    """Read a model that `autokd.export.onnx` wrote.

    Raises:
        ExportError: The file cannot be read, or is not such a model.
    """
    model = source if isinstance(source, onnx.ModelProto) else _load(source)
    graph = model.graph
    constants = {t.name: np.array(numpy_helper.to_array(t)) for t in graph.initializer}
    nodes = tuple(
        GraphNode(
            kind=node.op_type,
            name=node.name,
            inputs=tuple(node.input),
            output=node.output[0],
            attributes={a.name: _plain(helper.get_attribute_value(a)) for a in node.attribute},
        )
        for node in graph.node
    )
    if NORMALISED not in {node.output for node in nodes}:
        msg = (
            f"{_where(source)}: has no tensor {NORMALISED!r}; it is no fp32 student of autokd. "
            "Give a winner's student.onnx."
        )
        raise ExportError(msg)
    full = 255.0 if graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8 else 1.0
    return StudentGraph(
        nodes=tuple(node for node in nodes if not node.name.startswith(_PROLOGUE)),
        constants={k: v for k, v in constants.items() if not k.startswith(_PROLOGUE)},
        gain=(constants["image.scale"].astype(np.float64) * full).astype(np.float32).reshape(-1),
        shift=constants["image.shift"].reshape(-1),
        model=model,
    )


def with_constants(model: onnx.ModelProto, constants: Constants) -> onnx.ModelProto:
    """Give a copy of ``model`` in which the constants named have other values of the same shape."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for tensor in changed.graph.initializer:
        if tensor.name in constants:
            value = np.ascontiguousarray(constants[tensor.name], dtype=np.float32)
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    return changed


def _plain(value: object) -> int | tuple[int, ...]:
    return tuple(value) if isinstance(value, list) else int(value)  # type: ignore[call-overload]


def _load(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load_model(path, load_external_data=False)
    except OSError as fault:
        msg = f"{path}: cannot be read ({fault.strerror}); export it again."
        raise ExportError(msg) from None
    except DecodeError as fault:
        msg = f"{path}: is not an ONNX file ({fault}); export it again."
        raise ExportError(msg) from None


def _where(source: onnx.ModelProto | Path) -> str:
    return "the model" if isinstance(source, onnx.ModelProto) else str(source)

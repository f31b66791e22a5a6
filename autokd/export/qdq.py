"""Writes the nodes of a quantised graph; the rules of what is quantised are in core."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from autokd.core.precision import Int8Form
from autokd.core.quantised_graph import (
    CARRIER_KINDS,
    WEIGHTED_KINDS,
    GraphNode,
    quantised_points,
)
from autokd.export.calibrate import Range, Ranges
from autokd.export.graph import NORMALISED, StudentGraph
from autokd.export.onnx import INPUT_NAME, OUTPUT_NAME

_TINY = float(np.finfo(np.float32).tiny)
# A bias beyond this many steps does not fit its int32; the weight's scale grows instead, as in
# onnxruntime pull request 22020.
_BIAS_STEPS = 2.0**30


class Affine(NamedTuple):
    """Real value = scale * (integer - zero)."""

    scale: float
    zero: int


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tensor of integers."""

    name: str
    affine: Affine
    kind: str  # int8 or uint8


def activation_affine(ends: Range, form: Int8Form) -> Affine:
    """Give the scale, exact in float32, and the zero of a range that holds 0."""
    low, high = ends
    smallest, largest = form.activation_span
    if form.symmetric:
        return Affine(_float32(max(-low, high) / largest) or 1.0, 0)
    scale = _float32((high - low) / (largest - smallest)) or 1.0
    return Affine(scale, int(np.clip(round(smallest - low / scale), smallest, largest)))


def weight_scales(
    weight: NDArray[np.float32],
    bias: NDArray[np.float32] | None,
    *,
    input_scale: float,
    form: Int8Form,
) -> NDArray[np.float32]:
    """Give one scale for each output channel (axis 0), or the same for all as an array of one."""
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1) / form.weight_limit
    least = np.full_like(largest, _TINY)
    if bias is not None:
        least = np.maximum(least, np.abs(bias) / (input_scale * _BIAS_STEPS))
    scales = np.maximum(largest, least)
    return np.asarray(scales if form.per_channel else scales.max(keepdims=True), dtype=np.float32)


class QdqWriter:
    """Nodes and initializers of one quantised graph."""

    def __init__(
        self,
        graph: StudentGraph,
        ranges: Ranges,
        form: Int8Form,
        *,
        exclude: Collection[str],
        uint8_io: bool,
    ) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._graph = graph
        self._ranges = ranges
        self._form = form
        self._uint8_io = uint8_io
        self._points = quantised_points(
            graph.nodes,
            graph.constants,
            exclude=exclude,
            symmetric=form.symmetric,
            output=uint8_io,
        )
        self._stored: dict[str, _Stored] = {}
        self._written: set[str] = set()

    def write(self) -> None:
        """Write the whole graph."""
        self._image()
        inner = {before: relu for relu, before in self._points.absorbed.items()}
        by_name = {node.name: node for node in self._graph.nodes}
        for node in self._graph.nodes:
            if node.name in self._points.absorbed:
                continue
            output = by_name[inner[node.name]].output if node.name in inner else node.output
            if node.kind in CARRIER_KINDS and node.inputs[0] in self._stored:
                self._carry(node)
            elif node.name in self._points.integer_nodes and node.kind in WEIGHTED_KINDS:
                self._weighted(node, output)
            else:
                self._plain(node, output)

    def _image(self) -> None:
        """Write the image's own integers, and its normalisation as a convolution."""
        form, channels = self._form, len(self._graph.gain)
        byte = _float32(1 / 255)
        shift = self._graph.shift
        stored = _Stored(INPUT_NAME, Affine(byte, 0), "uint8")
        if not (self._graph.takes_bytes or self._uint8_io):
            stored = self._quantise("image", INPUT_NAME, stored.affine, "uint8")
        if form.activation == "int8":
            # The same steps from -128 on. Where zero must be 0, the bytes stand for pixels less
            # that of 128, which the convolution adds again: it pads with nothing.
            centre = 128 if form.symmetric else 0
            shift = shift + self._graph.gain * np.float32(centre * byte)
            centred = _Stored(stored.name, Affine(byte, centre), "uint8")
            pixels = self._dequantise("image.pixels", centred)
            stored = self._quantise("image.signed", pixels, Affine(byte, centre - 128), "int8")
        weight = self._graph.gain.reshape(channels, 1, 1, 1)
        normalise = GraphNode(
            "Conv", "image.normalise", (), NORMALISED, {"group": channels, "kernel_shape": (1, 1)}
        )
        self._convolve(normalise, stored, weight, shift, NORMALISED)

    def _weighted(self, node: GraphNode, output: str) -> None:
        constants = self._graph.constants
        bias = constants[node.inputs[2]] if len(node.inputs) > 2 else None
        self._convolve(node, self._stored[node.inputs[0]], constants[node.inputs[1]], bias, output)

    def _convolve(
        self,
        node: GraphNode,
        source: _Stored,
        weight: NDArray[np.float32],
        bias: NDArray[np.float32] | None,
        output: str,
    ) -> None:
        """Write a convolution or matrix with integer weights, int32 bias, and what it stores."""
        form, input_scale = self._form, source.affine.scale
        scales = weight_scales(weight, bias, input_scale=input_scale, form=form)
        wide = scales.astype(np.float64).reshape(-1, *[1] * (weight.ndim - 1))
        limit = form.weight_limit
        whole = np.clip(np.rint(weight / wide), -limit, limit).astype(np.int8)
        axis = {"axis": 0} if form.per_channel else {}
        inputs = [self._dequantise(f"{node.name}.input", source)]
        inputs.append(self._constant_dq(f"{node.name}.weight", whole, scales, **axis))
        if bias is not None:
            bias_scales = (scales.astype(np.float64) * input_scale).astype(np.float32)
            steps = np.rint(bias / bias_scales.astype(np.float64))
            whole = np.clip(steps, -(2**31) + 1, 2**31 - 1).astype(np.int32)
            inputs.append(self._constant_dq(f"{node.name}.bias", whole, bias_scales, **axis))
        self._node(node.kind, node.name, inputs, output, **_lists(node))
        self._store(output)

    def _plain(self, node: GraphNode, output: str) -> None:
        """Write a node without weights of its own, or one that computes in floats."""
        inputs = [self._read(node, number) for number in range(len(node.inputs))]
        self._node(node.kind, node.name, inputs, output, **_lists(node))
        self._store(output)

    def _carry(self, node: GraphNode) -> None:
        source = self._stored[node.inputs[0]]
        if node.kind == "Mul":
            factor = float(self._graph.constants[node.inputs[1]])
            scale = max(_float32(source.affine.scale * factor), _TINY)
            affine = Affine(scale, source.affine.zero)
            self._stored[node.output] = _Stored(source.name, affine, source.kind)
            return
        name = f"{node.output}.integers"
        self._node(node.kind, node.name, [source.name], name, **_lists(node))
        self._stored[node.output] = _Stored(name, source.affine, source.kind)

    def _store(self, tensor: str) -> None:
        """Write the integers of a tensor, if it has any."""
        if tensor not in self._points.tensors:
            return
        form = self._form
        affine = activation_affine(self._ranges[tensor], form)
        if tensor != OUTPUT_NAME:
            self._stored[tensor] = self._quantise(tensor, tensor, affine, form.activation)
            return
        # The name of the output belongs to its integers.
        self.nodes[-1].output[0] = "logits.floats"
        if form.activation == "int8":
            signed = self._quantise("logits.signed", "logits.floats", affine, "int8")
            floats = self._dequantise("logits.wide", signed)
            shifted = Affine(affine.scale, affine.zero + 128)
            self._quantise("logits", floats, shifted, "uint8", output=OUTPUT_NAME)
        else:
            self._quantise("logits", "logits.floats", affine, "uint8", output=OUTPUT_NAME)

    def _read(self, node: GraphNode, number: int) -> str:
        name = node.inputs[number]
        if name in self._graph.constants:
            self._initializer(name, self._graph.constants[name])
            return name
        if name not in self._stored:
            return name
        return self._dequantise(f"{node.name}.input{number or ''}", self._stored[name])

    def _quantise(
        self, name: str, tensor: str, affine: Affine, kind: str, *, output: str | None = None
    ) -> _Stored:
        stored = _Stored(output or f"{name}.integers", affine, kind)
        self._node(
            "QuantizeLinear",
            f"{name}.quantise",
            [tensor, *self._affine(affine, kind)],
            stored.name,
        )
        return stored

    def _dequantise(self, name: str, stored: _Stored) -> str:
        """Write a DequantizeLinear for one reader alone, and give the name of its floats."""
        inputs = [stored.name, *self._affine(stored.affine, stored.kind)]
        self._node("DequantizeLinear", f"{name}.dequantise", inputs, f"{name}.floats")
        return f"{name}.floats"

    def _constant_dq(
        self, name: str, whole: NDArray[Any], scales: NDArray[np.float32], **axis: int
    ) -> str:
        inputs = [
            self._initializer(f"{name}.integers", whole),
            self._initializer(f"{name}.scale", scales if axis else scales.reshape(())),
            self._initializer(
                f"{name}.zero", np.zeros(scales.shape if axis else (), dtype=whole.dtype)
            ),
        ]
        self._node("DequantizeLinear", f"{name}.dequantise", inputs, f"{name}.floats", **axis)
        return f"{name}.floats"

    def _affine(self, affine: Affine, kind: str) -> list[str]:
        """Give the names of scale and zero, which tensors of equal ones share."""
        scale = self._initializer(
            f"scale.{affine.scale!r}", np.array(affine.scale, dtype=np.float32)
        )
        zero = self._initializer(f"zero.{kind}.{affine.zero}", np.array(affine.zero, dtype=kind))
        return [scale, zero]

    def _initializer(self, name: str, value: NDArray[Any]) -> str:
        if name not in self._written:
            self._written.add(name)
            # As it is: `np.ascontiguousarray` would make a list of one of a scale.
            whole = np.asarray(value, order="C")
            self.initializers.append(numpy_helper.from_array(whole, name))
        return name

    def _node(
        self, kind: str, name: str, inputs: list[str], output: str, **attributes: Any
    ) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, **attributes))


def _lists(node: GraphNode) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in node.attributes.items()}


def _float32(value: float) -> float:
    return float(np.float32(value))

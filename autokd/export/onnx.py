"""A program and its weights as an ONNX graph for the opset and IR version that a board loads.

Only operators that every opset since 13 has in the same form are used: `OPERATORS`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from autokd import __version__
from autokd.core.device import ExportTarget
from autokd.errors import ExportError
from autokd.export.fold import Scales, Weights, fold_conv, fold_linear, plan_scales
from autokd.space.program import Layer, Program

INPUT_NAME = "image"
OUTPUT_NAME = "logits"
OPERATORS = frozenset(
    {
        "Add",
        "AveragePool",
        "Cast",
        "Conv",
        "Flatten",
        "Gemm",
        "GlobalAveragePool",
        "Mul",
        "Relu",
    }
)

_ELEMENT_TYPE = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}
_RANGE = {"uint8": "0..255", "float32": "0..1"}


def build_model(
    program: Program,
    weights: Weights,
    *,
    target: ExportTarget,
    mean: Sequence[float],
    std: Sequence[float],
    class_names: Sequence[str],
    metadata: Mapping[str, str],
) -> onnx.ModelProto:
    """Give the model that maps one image (1, c, px, px) to logits (1, classes).

    The image comes as ``target.input`` says, planar, not normalised: scaling and normalisation are
    in the graph.

    Args:
        program: The student.
        weights: Its trained weights, by the keys of `autokd.space.program`.
        target: Opset, IR version and input type.
        mean: Of each channel, of pixels in 0..1.
        std: The same.
        class_names: In the order of the logits; may be empty.
        metadata: More text for the model's metadata.

    Raises:
        ExportError: The weights do not fit the program or are not finite, or onnx finds the model
            invalid.
    """
    writer = _GraphWriter(program, weights, plan_scales(program, weights))
    writer.write(target, mean, std)
    side = program.input_px
    graph = helper.make_graph(
        writer.nodes,
        "student",
        [
            helper.make_tensor_value_info(
                INPUT_NAME, _ELEMENT_TYPE[target.input], [1, program.image_channels, side, side]
            )
        ],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [1, program.classes])],
        writer.initializers,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", target.opset)],
        ir_version=target.ir,
        producer_name="autokd",
        producer_version=__version__,
    )
    colours = "gray" if program.image_channels == 1 else "RGB"
    shape = f"(1, {program.image_channels}, {side}, {side})"
    helper.set_model_props(
        model,
        {
            **metadata,
            "autokd_version": __version__,
            "classes": json.dumps(list(class_names)),
            "mean": json.dumps([float(m) for m in mean]),
            "std": json.dumps([float(s) for s in std]),
            "input": f"{target.input} {shape}, {colours} in planes, {_RANGE[target.input]}, "
            "not normalised",
        },
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as fault:
        msg = (
            f"student: onnx refuses the model for opset {target.opset} ({fault}); export another "
            "winner."
        )
        raise ExportError(msg) from None
    return model


class _GraphWriter:
    """Nodes and initialisers, layer by layer; a tensor has the name of the layer that makes it."""

    def __init__(self, program: Program, weights: Weights, scales: Scales) -> None:
        assert program.layers[-1].kind == "linear"  # noqa: S101 - its output is then stored as it is
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._program = program
        self._weights = weights
        self._scales = scales
        self._tensors: list[str] = []  # name of each layer's output

    def write(self, target: ExportTarget, mean: Sequence[float], std: Sequence[float]) -> None:
        """Write the whole graph."""
        self._tensors.append(self._normalised_image(target, np.array(mean), np.array(std)))
        last = len(self._program.layers) - 1
        for place, layer in enumerate(self._program.layers[1:], start=1):
            output = OUTPUT_NAME if place == last else layer.name
            match layer.kind:
                case "conv":
                    self._conv(place, layer, output)
                case "relu":
                    self._node("Relu", layer.name, [self._input(layer)], output)
                case "sum":
                    self._sum(place, layer, output)
                case "pool":
                    self._pool(layer, output)
                case "gap":
                    self._gap(layer, output)
                case "linear":
                    self._linear(place, layer, output)
            self._tensors.append(output)

    def _normalised_image(
        self, target: ExportTarget, mean: NDArray[np.float64], std: NDArray[np.float64]
    ) -> str:
        # This cannot go into the first convolution: that one pads with zeros, which stand for the
        # mean colour after normalisation and for black before it.
        tensor = INPUT_NAME
        if target.input == "uint8":
            self._node("Cast", "image.cast", [tensor], "image.float", to=TensorProto.FLOAT)
            tensor = "image.float"
        shape = (1, self._program.image_channels, 1, 1)
        full = 255.0 if target.input == "uint8" else 1.0
        scale = self._constant("image.scale", (1.0 / (full * std)).reshape(shape))
        shift = self._constant("image.shift", (-mean / std).reshape(shape))
        self._node("Mul", "image.mul", [tensor, scale], "image.scaled")
        self._node("Add", "image.add", ["image.scaled", shift], "image.normalised")
        return "image.normalised"

    def _conv(self, place: int, layer: Layer, output: str) -> None:
        source = layer.inputs[0]
        kernel, bias = fold_conv(
            layer,
            self._program.layers[source].channels,
            self._weights,
            input_scale=self._scales.of[source],
            output_scale=self._scales.of[place],
        )
        inputs = [self._input(layer), self._constant(f"{layer.name}.weight", kernel)]
        if bias is not None:
            inputs.append(self._constant(f"{layer.name}.bias", bias))
        self._node(
            "Conv",
            layer.name,
            inputs,
            output,
            kernel_shape=[layer.kernel] * 2,
            strides=[layer.stride] * 2,
            pads=[layer.kernel // 2] * 4,
            group=layer.groups,
        )

    def _sum(self, place: int, layer: Layer, output: str) -> None:
        # A chain of `Add` and not `Sum`: onnxruntime fuses an addition with the convolution before
        # it and the ReLU after it, and leaves a `Sum` as it is.
        terms = [self._term(place, layer, number) for number in range(len(layer.inputs))]
        total = terms[0]
        for step, term in enumerate(terms[1:], start=1):
            name = layer.name if step == len(terms) - 1 else f"{layer.name}.{step}"
            total_so_far, total = total, output if name == layer.name else name
            self._node("Add", name, [total_so_far, term], total)

    def _term(self, place: int, layer: Layer, number: int) -> str:
        tensor = self._tensors[layer.inputs[number]]
        factor = self._scales.left[place][number]
        if factor == 1.0:
            return tensor
        name = f"{layer.name}.times{number}"
        self._node("Mul", name, [tensor, self._constant(f"{name}.factor", np.array(factor))], name)
        return name

    def _pool(self, layer: Layer, output: str) -> None:
        side = [layer.stride] * 2
        self._node(
            "AveragePool", layer.name, [self._input(layer)], output, kernel_shape=side, strides=side
        )

    def _gap(self, layer: Layer, output: str) -> None:
        pooled = f"{layer.name}.mean"
        self._node("GlobalAveragePool", pooled, [self._input(layer)], pooled)
        self._node("Flatten", layer.name, [pooled], output, axis=1)

    def _linear(self, place: int, layer: Layer, output: str) -> None:
        source = layer.inputs[0]
        matrix, bias = fold_linear(
            layer,
            self._program.layers[source].channels,
            self._weights,
            input_scale=self._scales.of[source],
            output_scale=self._scales.of[place],
        )
        inputs = [
            self._input(layer),
            self._constant(f"{layer.name}.weight", matrix),
            self._constant(f"{layer.name}.bias", bias),
        ]
        self._node("Gemm", layer.name, inputs, output, transB=1)

    def _input(self, layer: Layer) -> str:
        return self._tensors[layer.inputs[0]]

    def _node(
        self, kind: str, name: str, inputs: list[str], output: str, **attributes: Any
    ) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, **attributes))

    def _constant(self, name: str, value: NDArray[np.float64]) -> str:
        self.initializers.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

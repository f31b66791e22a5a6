"""Weights as the exported graph holds them: norms and merge weights folded into convolutions.

A merge weight is a positive factor, and ReLU and average pooling let a positive factor through. So
a tensor may be stored divided by a scale, as long as whoever reads it multiplies it back in its own
kernel. `plan_scales` chooses the scales so that most factors of weighted sums need no operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autokd.errors import ExportError
from autokd.space.program import Layer, Program

NORM_EPS = 1e-5

# A scale beyond this could cost accuracy in float32 or overflow; such a factor keeps its operator.
_MAX_SCALE = 1e3

Weights = Mapping[str, NDArray[np.generic]]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scales:
    """How tensors are stored.

    Attributes:
        of: For each layer of the program, its true output over the stored one.
        left: For each sum, by place in the program, the factors that its stored inputs still need;
            1.0 where none.
    """

    of: tuple[float, ...]
    left: dict[int, tuple[float, ...]]


def plan_scales(program: Program, weights: Weights) -> Scales:
    """Choose the scale of every tensor such that few sums have factors left.

    Every input of a sum asks for one ratio between two scales. As long as these requests form a
    forest all are met; each one that closes a cycle with another ratio is left as a factor. Large
    tensors ask first, because what is left costs a pass over its tensor.
    """
    forest = _Forest(len(program.layers))
    for place, layer in enumerate(program.layers):
        if layer.kind in ("relu", "pool", "gap"):
            forest.join(place, layer.inputs[0], 1.0)
    sums = [place for place, layer in enumerate(program.layers) if layer.kind == "sum"]
    factors = {place: sum_factors(program.layers[place], weights) for place in sums}
    for place in sorted(sums, key=lambda p: -_numbers(program.layers[p])):
        for source, factor in zip(program.layers[place].inputs, factors[place], strict=True):
            forest.join(place, source, factor)
    # The input is as it is; a component without it may have any scale, and gets 1 at its root.
    anchor = {forest.root(0): 1.0 / forest.ratio(0)}
    scales = tuple(
        forest.ratio(place) * anchor.get(forest.root(place), 1.0)
        for place in range(len(program.layers))
    )
    return Scales(
        scales,
        {
            place: tuple(
                _one_if_close(factor * scales[source] / scales[place])
                for source, factor in zip(program.layers[place].inputs, factors[place], strict=True)
            )
            for place in sums
        },
    )


def sum_factors(layer: Layer, weights: Weights) -> tuple[float, ...]:
    """Give what each input of a sum is multiplied by."""
    factors = np.ones(len(layer.inputs))
    if layer.weighted:
        raw = read_weight(weights, f"{layer.name}.weights", (len(layer.inputs),))
        factors = 1.0 / (1.0 + np.exp(-np.clip(raw, -60.0, 60.0)))
    return tuple(float(f) / (len(factors) if layer.mean else 1.0) for f in factors)


def fold_conv(
    layer: Layer, in_channels: int, weights: Weights, *, input_scale: float, output_scale: float
) -> tuple[Floats, Floats | None]:
    """Give kernel (out, in / groups, k, k) and bias (out,) with norm and scales inside.

    Args:
        layer: The convolution.
        in_channels: Of its input.
        weights: As the state dict has them.
        input_scale: True input over stored input.
        output_scale: True output over the output to store.

    Raises:
        ExportError: A weight is missing, has another shape, or is not finite.
    """
    shape = (layer.channels, in_channels // layer.groups, layer.kernel, layer.kernel)
    kernel = read_weight(weights, f"{layer.name}.conv.weight", shape)
    out = (layer.channels,)
    bias = read_weight(weights, f"{layer.name}.conv.bias", out) if layer.bias else None
    if layer.norm:
        gain, shift, mean, var = (
            read_weight(weights, f"{layer.name}.norm.{part}", out)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        gain = gain / np.sqrt(var + NORM_EPS)
        kernel = kernel * gain[:, None, None, None]
        bias = shift + ((0.0 if bias is None else bias) - mean) * gain
    kernel = kernel * (input_scale / output_scale)
    return kernel, None if bias is None else bias / output_scale


def fold_linear(
    layer: Layer, in_features: int, weights: Weights, *, input_scale: float, output_scale: float
) -> tuple[Floats, Floats]:
    """Give matrix (out, in) and bias (out,) with scales inside, as `fold_conv`.

    Raises:
        ExportError: A weight is missing, has another shape, or is not finite.
    """
    matrix = read_weight(weights, f"{layer.name}.weight", (layer.channels, in_features))
    bias = read_weight(weights, f"{layer.name}.bias", (layer.channels,))
    return matrix * (input_scale / output_scale), bias / output_scale


def read_weight(weights: Weights, key: str, shape: tuple[int, ...]) -> Floats:
    """Give a weight in double precision.

    Raises:
        ExportError: It is missing, has another shape, or is not finite.
    """
    if key not in weights:
        msg = f"weights: {key} is missing; they are another student's, export that."
        raise ExportError(msg)
    value = np.asarray(weights[key], dtype=np.float64)
    if value.shape != shape:
        msg = (
            f"weights: {key} has shape {value.shape}, the program asks for {shape}; "
            "the weights are another student's, export that."
        )
        raise ExportError(msg)
    if not np.isfinite(value).all():
        msg = (
            f"weights: {key} has {int((~np.isfinite(value)).sum())} of {value.size} numbers that "
            "are not finite; the training of this student diverged, export another."
        )
        raise ExportError(msg)
    return value


class _Forest:
    """Sets of tensors whose scales hang together: ``scale = ratio * scale of the root``."""

    def __init__(self, size: int) -> None:
        self._root = list(range(size))
        self._ratio = [1.0] * size

    def root(self, place: int) -> int:
        return self._root[place]

    def ratio(self, place: int) -> float:
        return self._ratio[place]

    def join(self, place: int, source: int, factor: float) -> None:
        """Ask for ``scale[place] == factor * scale[source]``; nothing happens when impossible."""
        new, old = self._root[source], self._root[place]
        if new == old:
            return
        step = factor * self._ratio[source] / self._ratio[place]
        moved = [i for i, root in enumerate(self._root) if root == old]
        ratios = [self._ratio[i] * step for i in moved]
        if not all(1 / _MAX_SCALE <= r <= _MAX_SCALE for r in ratios):
            return
        for i, ratio in zip(moved, ratios, strict=True):
            self._root[i], self._ratio[i] = new, ratio


def _numbers(layer: Layer) -> int:
    return layer.channels * layer.px**2


def _one_if_close(factor: float) -> float:
    return 1.0 if abs(factor - 1.0) < 1e-9 else factor

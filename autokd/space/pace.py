"""How fast students train on this machine: a linear model of their layers, fitted to a few of them.

A rung holds training time equal, not images: on the budget of a person, a student that trains twice
as fast sees twice the images. Taking the number of images from a model that is fitted once, and not
from a clock during training, keeps a run repeatable.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from autokd.core.record import Record
from autokd.space.counts import FLOAT_BYTES, folded_numbers, layer_macs
from autokd.space.phases import mean_pixels
from autokd.space.program import Layer, Program

FEATURES = ("conv", "pointwise", "depthwise", "moved", "operators")


class Pace(Record):
    """Seconds of training for each unit of a student's work on one image.

    Attributes:
        seconds: One coefficient for each of ``FEATURES``: multiply-accumulates by class of
            operator, bytes moved, and number of operators.
        relative_error: Median relative error on the students that were timed.
    """

    seconds: tuple[float, float, float, float, float]
    relative_error: float

    def seconds_per_image(self, program: Program) -> float:
        """Predict the time of a training's mean image, forward, backward and update."""
        return float(np.dot(self.seconds, training_features(program)))


def training_features(program: Program) -> tuple[float, ...]:
    """Count what `Pace` weighs, in the order of ``FEATURES``, for the mean image of a training.

    In training nothing is joined with what stands behind it but a ReLU with its convolution, so
    the operators are not those of `autokd.space.operators`.
    """
    macs = {"conv": 0, "pointwise": 0, "depthwise": 0}
    moved = operators = 0
    readers = [0] * len(program.layers)
    for layer in program.layers:
        for source in layer.inputs:
            readers[source] += 1
    for layer in program.layers:
        if layer.kind == "image" or _is_joined_relu(program, layer, readers):
            continue
        if layer.kind == "conv":
            macs[_convolution_class(layer)] += layer_macs(program, layer)
        moved += _moved_bytes(program, layer)
        operators += 1
    share = mean_pixels(program)
    return (*(share * macs[name] for name in FEATURES[:3]), share * moved, float(operators))


def fit_pace(programs: Sequence[Program], seconds_per_image: Sequence[float]) -> Pace:
    """Fit coefficients, none of them negative, to timed students by relative least squares."""
    features = np.array([training_features(program) for program in programs])
    times = np.asarray(seconds_per_image)
    scale = features.max(axis=0)
    scale[scale == 0] = 1.0
    weights, _ = nnls(features / scale / times[:, None], np.ones(len(times)))
    coefficients = weights / scale
    error = np.median(np.abs(features @ coefficients / times - 1.0))
    first, second, third, fourth, fifth = (float(value) for value in coefficients)
    return Pace(seconds=(first, second, third, fourth, fifth), relative_error=float(error))


def _moved_bytes(program: Program, layer: Layer) -> int:
    read = sum(program.layers[s].channels * program.layers[s].px ** 2 for s in layer.inputs)
    return FLOAT_BYTES * (read + layer.channels * layer.px**2 + folded_numbers(program, layer))


def _convolution_class(layer: Layer) -> str:
    if layer.groups > 1:
        return "depthwise"
    return "pointwise" if layer.kernel == 1 else "conv"


def _is_joined_relu(program: Program, layer: Layer, readers: list[int]) -> bool:
    return (
        layer.kind == "relu"
        and program.layers[layer.inputs[0]].kind == "conv"
        and readers[layer.inputs[0]] == 1
    )

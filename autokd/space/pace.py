"""How fast students train on this machine: a linear model of their layers, fitted to a few of them.

A rung holds training time equal, not images: on the budget of a person, a student that trains twice
as fast sees twice the images. Taking the number of images from a model that is fitted once, and not
from a clock during training, keeps a run repeatable.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from autokd.core.record import Record
from autokd.space.latency import layer_costs
from autokd.space.program import Program

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
        """Predict the time of one training image, forward, backward and update."""
        return float(np.dot(self.seconds, training_features(program)))


def training_features(program: Program) -> tuple[float, ...]:
    """Count what `Pace` weighs, in the order of ``FEATURES``."""
    costs = layer_costs(program)
    macs = {"conv": 0, "pointwise": 0, "depthwise": 0}
    for cost in costs:
        if cost.kind in macs:
            macs[cost.kind] += cost.macs
    moved = sum(cost.moved_bytes for cost in costs)
    return (*(float(macs[name]) for name in FEATURES[:3]), float(moved), float(len(costs)))


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

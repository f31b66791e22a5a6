"""Coefficients of the latency prediction from timed graphs.

The coefficients are fitted in logarithms, so none is negative and an error of 10 % counts alike for
a fast graph and a slow one. Few graphs do not settle nine coefficients: each is drawn towards where
it was believed to be, and all together may move further than each alone, as a board that is faster
than believed is so in everything. An outlier counts in proportion, not squared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from autokd.core.cost import LayerCost
from autokd.core.device import DeviceProfile
from autokd.core.latency import LatencyModel
from autokd.core.precision import Precision
from autokd.core.sourced import Sourced
from autokd.space.latency import (
    COEFFICIENTS,
    Floats,
    Machine,
    coefficients_of,
    gather_operators,
    latency_model,
    machine_of,
    predict_ms,
)

# By how much graphs are off whatever the coefficients, in powers of e.
NOISE = 0.05
# Sign of a coefficient when a board is slower in everything; the others have no direction.
_SLOWER = {
    **dict.fromkeys(("conv", "pointwise", "depthwise", "linear", "bandwidth"), -1.0),
    **dict.fromkeys(("per_node_us", "per_run_us"), 1.0),
}
_TO_QUANTILE = 1.2816  # standard deviations to the ends of an 80 % interval
# The belief in an interval counts as so many measurements.
_BELIEF = 8.0


@dataclass(frozen=True, slots=True)
class LatencyObservation:
    """What one graph executes, and its measured median latency of one image."""

    costs: Sequence[LayerCost]
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Belief:
    """What is known of the coefficients before anything is timed.

    Attributes:
        centre: Most probable values, (9,); one that is 0 stays 0.
        alone: Standard deviation of each, in powers of e.
        together: Standard deviation of the speed of the board, in powers of e.
    """

    centre: Floats
    alone: float
    together: float

    def root_of_precision(self) -> Floats:
        """Give the matrix R, (9, 9), for which the belief's log density is -|R x|^2 / 2."""
        slower = np.array([_SLOWER.get(name, 0.0) for name in COEFFICIENTS])
        spread = self.alone**2 * np.eye(len(slower)) + self.together**2 * np.outer(slower, slower)
        found: Floats = np.linalg.cholesky(np.linalg.inv(spread)).T
        return found


@dataclass(frozen=True, slots=True)
class Fit:
    """The most probable coefficients.

    Attributes:
        coefficients: (9,).
        loss: What was minimised; smaller is better between fits to the same graphs.
        left_out_logs: Log of prediction over measurement of each graph, as if that graph had not
            been fitted (to first order, from its leverage).
    """

    coefficients: Floats
    loss: float
    left_out_logs: Floats


def refine(
    profile: DeviceProfile,
    observations: Sequence[LatencyObservation],
    *,
    precision: Precision = "fp32",
) -> LatencyModel:
    """Give the profile's coefficients, corrected by what a target measured.

    With few measurements nearly all of the correction is one factor on everything; each coefficient
    moves by itself as more of them disagree with that. The interval narrows, or widens, with the
    errors that each measurement had before it was taken in; the profile's own counts as 8 of them.

    Args:
        profile: Believed until now.
        observations: At least one.
        precision: That was measured.

    Raises:
        ProfileError: The profile has no speed in ``precision``.
    """
    model = latency_model(profile, precision=precision)
    machine = machine_of(profile, model, precision=precision)
    spread = float(np.log(model.interval_factor.value)) / _TO_QUANTILE
    belief = Belief(coefficients_of(model), alone=0.3 * spread, together=spread)
    found = fit_coefficients(observations, machine, belief)
    squares = _BELIEF * spread**2 + float(np.sum(found.left_out_logs**2))
    factor = np.exp(_TO_QUANTILE * np.sqrt(squares / (_BELIEF + len(observations))))
    source = f"the profile's, corrected by {len(observations)} students timed in this run"
    return with_coefficients(model, found.coefficients, float(factor), source=source)


def fit_coefficients(
    observations: Sequence[LatencyObservation], machine: Machine, belief: Belief
) -> Fit:
    """Give the most probable coefficients of graphs that were timed on one machine."""
    operators = gather_operators([seen.costs for seen in observations], machine)
    return fit_prediction(
        lambda coefficients: predict_ms(operators, coefficients, machine),
        np.array([seen.latency_ms for seen in observations]),
        belief,
    )


def fit_prediction(
    predict: Callable[[Floats], Floats],
    measured_ms: Floats,
    belief: Belief,
    *,
    noise: float = NOISE,
) -> Fit:
    """Give the most probable coefficients, none of them negative.

    Args:
        predict: Gives latencies in ms, (n,), by coefficients, (9,).
        measured_ms: (n,).
        belief: What is known before.
        noise: By how much graphs are off whatever the coefficients, in powers of e.
    """
    free = belief.centre > 0
    start = np.log(belief.centre[free])
    root = belief.root_of_precision()[:, free]
    count = len(measured_ms)

    def unpack(logs: Floats) -> Floats:
        values = np.zeros(len(free))
        values[free] = np.exp(logs)
        return values

    def misses(logs: Floats) -> Floats:
        found: Floats = np.log(predict(unpack(logs)) / measured_ms)
        return found

    def residuals(logs: Floats) -> Floats:
        return np.append(_softened(misses(logs) / noise), root @ (logs - start))

    # A cache is not slower than the memory behind it.
    at_least = np.where(np.array(COEFFICIENTS) == "cache_speedup", -1e-9, -np.inf)[free]
    solved = least_squares(residuals, start, bounds=(at_least, np.inf), x_scale="jac")
    inverse = np.linalg.pinv(solved.jac.T @ solved.jac)
    leverage = np.einsum("ij,jk,ik->i", solved.jac[:count], inverse, solved.jac[:count])
    logs = misses(solved.x) / np.maximum(1.0 - leverage, 0.1)
    return Fit(unpack(solved.x), float(solved.cost), logs)


def with_coefficients(
    model: LatencyModel, coefficients: Floats, interval_factor: float, *, source: str
) -> LatencyModel:
    """Give ``model`` with other coefficients, (9,), and another interval."""
    changed = {
        name: Sourced(value=_rounded(value), source=source)
        for name, value in zip(COEFFICIENTS, coefficients, strict=True)
    }
    factor = max(1.01, float(np.ceil(interval_factor * 100 - 1e-9) / 100))
    changed["interval_factor"] = Sourced(value=factor, source=source)
    return model.model_copy(update=changed)


def left_out_predictions(
    observations: Sequence[LatencyObservation], machine: Machine, belief: Belief, *, folds: int
) -> Floats:
    """Give the latency of every graph in ms, (n,), by coefficients fitted to the other folds."""
    found = np.empty(len(observations))
    for fold in range(folds):
        rest = [seen for place, seen in enumerate(observations) if place % folds != fold]
        coefficients = fit_coefficients(rest, machine, belief).coefficients
        own = [seen.costs for seen in observations[fold::folds]]
        found[fold::folds] = predict_ms(gather_operators(own, machine), coefficients, machine)
    return found


def choose_machine(
    observations: Sequence[LatencyObservation],
    machine: Machine,
    belief: Belief,
    *,
    blocks: Sequence[int],
    caches_bytes: Sequence[float],
    overlaps_lost: Sequence[float],
) -> Machine:
    """Give ``machine`` with the block, the cache and then the overlap that the graphs fit best."""

    def loss(variant: Machine) -> float:
        return fit_coefficients(observations, variant, belief).loss

    best = min(
        (
            replace(machine, channel_block=block, cache_bytes=cache)
            for block in blocks
            for cache in caches_bytes
        ),
        key=loss,
    )
    return min((replace(best, overlap_lost=lost) for lost in overlaps_lost), key=loss)


def _softened(residuals: Floats) -> Floats:
    """Give residuals whose squares are the loss 2 (sqrt(1 + r^2) - 1), linear in the end."""
    found: Floats = np.sign(residuals) * np.sqrt(2.0 * (np.sqrt(1.0 + residuals**2) - 1.0))
    return found


def _rounded(value: float) -> float:
    """Give three digits: the fit settles no more, and a person reads them."""
    return float(f"{value:.3g}")

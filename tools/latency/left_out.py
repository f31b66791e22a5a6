"""Leave one board out: coefficients fitted to the other boards, and how far they miss this one."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from autokd.space.calibration import covering_factor
from autokd.space.latency import COEFFICIENTS, Floats
from autokd.space.latency_fit import Belief, fit_prediction
from tools.latency.published import BOARDS, Point, PointPredictor

# Where the fits start, and towards what they are drawn where the data say nothing.
START = {
    "conv": 0.8,
    "pointwise": 0.4,
    "depthwise": 0.2,
    "linear": 0.3,
    "bandwidth": 0.5,
    "cache_speedup": 3.0,
    "edge_px": 1.0,
    "per_node_us": 15.0,
    "per_run_us": 100.0,
}
NOISE = 0.2  # a published point is off by about this much in powers of e, whatever the coefficients
_LOOSE = 1.0
_RAW = {**dict.fromkeys(START, 1.0), **dict.fromkeys(("edge_px", "per_node_us", "per_run_us"), 0.0)}
_CLASSES = {**START, "cache_speedup": 1.0, "edge_px": 0.0, "per_node_us": 0.0, "per_run_us": 0.0}


@dataclass(frozen=True, slots=True)
class Form:
    """A way to predict that is compared.

    Attributes:
        name: For people.
        start: Coefficients before the fit; one that is 0 stays 0.
        plain: Whether it knows blocks, caches and lost overlap.
        alone: How far one coefficient may move, in powers of e; 0 keeps them as they are.
        together: How far all may move.
    """

    name: str
    start: dict[str, float]
    plain: bool
    alone: float
    together: float

    def fit(self, points: list[Point]) -> Floats:
        """Give the coefficients, (9,), that fit ``points`` best."""
        centre = np.array([self.start[name] for name in COEFFICIENTS])
        if self.together == 0:
            return centre
        belief = Belief(centre, alone=self.alone, together=self.together)
        measured = np.array([point.latency_ms for point in points])
        predict = PointPredictor(points, plain=self.plain)
        return fit_prediction(predict, measured, belief, noise=NOISE).coefficients


FORMS = (
    Form("A roofline at the peaks", _RAW, plain=True, alone=0.0, together=0.0),
    Form("B with one factor on all", _RAW, plain=True, alone=0.01, together=3.0),
    Form("C with an efficiency by class", _CLASSES, plain=True, alone=_LOOSE, together=_LOOSE),
    Form("autokd", START, plain=False, alone=_LOOSE, together=_LOOSE),
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How one form predicts boards that it was not fitted to.

    Attributes:
        logs: Of prediction over measurement, (points,).
        covered: Share of the points inside the 80 % interval that the other boards give.
        rank_correlation: Spearman's on each board, the lowest and the median.
        factor: Of an 80 % interval for a further board.
    """

    logs: Floats
    covered: float
    rank_correlation: tuple[float, float]
    factor: float

    def share_within(self, part: float) -> float:
        """Give the share of points whose prediction is off by ``part`` at most."""
        return float(np.mean(np.abs(np.exp(self.logs) - 1) <= part))

    def median_error(self) -> float:
        """Give the median of what predictions are off by."""
        return float(np.median(np.abs(np.exp(self.logs) - 1)))


def leave_one_out(form: Form, points: list[Point]) -> LeftOut:
    """Predict every board by coefficients fitted to the others.

    The interval of a board is as wide as the errors that its fellows had when they were left out.
    """
    logs = {}
    for device in BOARDS:
        own = [point for point in points if point.device == device]
        coefficients = form.fit([point for point in points if point.device != device])
        predicted = PointPredictor(own, plain=form.plain)(coefficients)
        logs[device] = np.log(predicted / np.array([point.latency_ms for point in own]))
    ranks = []
    covered = []
    for device, own_logs in logs.items():
        measured = np.array([point.latency_ms for point in points if point.device == device])
        ranks.append(spearmanr(measured * np.exp(own_logs), measured).statistic)
        others = np.concatenate([found for name, found in logs.items() if name != device])
        covered += list(np.abs(own_logs) <= np.log(covering_factor(others)))
    every = np.concatenate(list(logs.values()))
    return LeftOut(
        logs=every,
        covered=float(np.mean(covered)),
        rank_correlation=(float(min(ranks)), float(np.median(ranks))),
        factor=covering_factor(every),
    )

"""Rank correlation of predictions with the latencies of NAS-Bench-201's networks, by device."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from autokd.core.device import load_profile
from autokd.space.calibration import belief_before, machine_before
from autokd.space.latency import COEFFICIENTS, Floats, Machine, gather_operators, predict_ms
from autokd.space.latency_fit import Belief, LatencyObservation, fit_coefficients
from tools.latency.nasbench import cell_costs, computed_on

TIMED, JUDGED = 40, 1000
PROFILE = "raspberry-pi-4b"  # stands for all of them before anything is timed


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well one device's latencies are predicted.

    Attributes:
        plain: Spearman's correlation of the roofline at the peaks of ``PROFILE``.
        profile: The same of that profile's prediction.
        plain_timed: Of the roofline with an efficiency by class, fitted to 40 networks.
        timed: Of the prediction with 40 networks timed.
        within_10: Share of networks that this predicts within 10 %.
        plain_within_10: The same of the roofline fitted to the same 40.
    """

    device: str
    plain: float
    profile: float
    plain_timed: float
    timed: float
    within_10: float
    plain_within_10: float


def rank_devices(
    operators: NDArray[np.int64], latencies: dict[str, NDArray[np.float64]]
) -> list[Ranking]:
    """Judge every device on all but the first 40 of the networks.

    Args:
        operators: Of cells, (n, 6), in random order.
        latencies: By device, in ms, (n,) in the order of the cells.
    """
    profile = load_profile(PROFILE)
    full, belief = machine_before(profile), belief_before(profile)
    plain = Machine(full.macs_per_second, full.bytes_per_second, 1.0, 1, overlap_lost=0.0)
    peak = np.array([0.0 if name in _LATER else 1.0 for name in COEFFICIENTS])
    # The other runtimes and processors may be far from this one.
    wide = Belief(belief.centre, alone=1.0, together=3.0)
    classes = Belief(peak, alone=1.0, together=3.0)
    costs = {
        kind: [cell_costs(row, computed=kind) for row in operators]
        for kind in {computed_on(device) for device in latencies}
    }
    judged = {
        kind: [gather_operators(cells[TIMED:], machine) for machine in (full, plain)]
        for kind, cells in costs.items()
    }
    found = []
    for device, measured in latencies.items():
        cells = costs[computed_on(device)]
        rest, plain_rest = judged[computed_on(device)]
        timed = [
            LatencyObservation(cell, float(ms))
            for cell, ms in zip(cells[:TIMED], measured[:TIMED], strict=True)
        ]
        own = predict_ms(rest, fit_coefficients(timed, full, wide).coefficients, full)
        fitted = fit_coefficients(timed, plain, classes).coefficients
        old = predict_ms(plain_rest, fitted, plain)
        truth = measured[TIMED:]
        found.append(
            Ranking(
                device=device,
                plain=_rank(predict_ms(plain_rest, peak, plain), truth),
                profile=_rank(predict_ms(rest, belief.centre, full), truth),
                plain_timed=_rank(old, truth),
                timed=_rank(own, truth),
                within_10=_within(own, truth),
                plain_within_10=_within(old, truth),
            )
        )
    return found


_LATER = ("edge_px", "per_node_us", "per_run_us")


def _rank(predicted: Floats, measured: Floats) -> float:
    return float(spearmanr(predicted, measured).statistic)


def _within(predicted: Floats, measured: Floats) -> float:
    return float(np.mean(np.abs(predicted / measured - 1) <= 0.1))

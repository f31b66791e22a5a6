"""From the timings of a probe set to the coefficients of a profile, and how far they can be off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from autokd.core.device import DeviceProfile
from autokd.core.latency import Calibration, LatencyModel
from autokd.core.precision import Precision
from autokd.core.sourced import Sourced
from autokd.space.latency import (
    COEFFICIENTS,
    Floats,
    Machine,
    coefficients_of,
    latency_model,
    machine_of,
)
from autokd.space.latency_fit import (
    Belief,
    LatencyObservation,
    choose_machine,
    fit_coefficients,
    left_out_predictions,
    with_coefficients,
)

FOLDS = 7
# What a runtime may block channels by, and the caches of small processors.
BLOCKS = (1, 4, 8, 16)
CACHES_KIB = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
OVERLAPS_LOST = (0.0, 0.25, 0.5, 0.75, 1.0)
# Where the fit starts for what a profile says nothing about.
_START = {"cache_speedup": 3.0, "edge_px": 1.0, "per_run_us": 10.0}
_ALONE, _TOGETHER = 0.7, 1.0  # how far a shipped profile may be off, in powers of e


@dataclass(frozen=True, slots=True)
class Session:
    """Where and when graphs were timed, as `autokd.core.latency.Calibration` keeps it."""

    date: str
    target: str
    runtime: str
    threads: int
    dropped: int


def belief_before(profile: DeviceProfile, *, precision: Precision = "fp32") -> Belief:
    """Give what a profile says, with room for all of it to be wrong.

    Raises:
        ProfileError: The profile has no speed in ``precision``.
    """
    model = latency_model(profile, precision=precision)
    neutral = {"cache_speedup": 1.0, "edge_px": 0.0, "per_run_us": 0.0}
    centre = np.array(
        [
            _START[name] if value == neutral.get(name) else value
            for name, value in zip(COEFFICIENTS, coefficients_of(model), strict=True)
        ]
    )
    return Belief(centre, alone=_ALONE, together=_TOGETHER)


def machine_before(profile: DeviceProfile, *, precision: Precision = "fp32") -> Machine:
    """Give the board as the profile says it is.

    Raises:
        ProfileError: The profile has no speed in ``precision``.
    """
    model = latency_model(profile, precision=precision)
    return machine_of(profile, model, precision=precision)


def calibrate_model(
    profile: DeviceProfile,
    observations: Sequence[LatencyObservation],
    is_student: Sequence[bool],
    session: Session,
    *,
    precision: Precision = "fp32",
) -> LatencyModel:
    """Fit the coefficients of a profile to timed graphs.

    Errors and interval are those of the students among them, each predicted by coefficients fitted
    to the other folds. Graphs are dealt out to the folds in turn, so that each has some of each
    kind.

    Args:
        profile: The board.
        observations: (n,), about 40.
        is_student: (n,), whether a graph is of the kind that will be predicted.
        session: Where they were timed.
        precision: That was timed.

    Raises:
        ProfileError: The profile has no speed in ``precision``.
    """
    belief = belief_before(profile, precision=precision)
    machine = choose_machine(
        observations,
        machine_before(profile, precision=precision),
        belief,
        blocks=BLOCKS,
        caches_bytes=[1024.0 * kib for kib in CACHES_KIB],
        overlaps_lost=OVERLAPS_LOST,
    )
    coefficients = fit_coefficients(observations, machine, belief).coefficients
    students = np.array(is_student)
    predicted = left_out_predictions(observations, machine, belief, folds=FOLDS)[students]
    measured = np.array([seen.latency_ms for seen in observations])[students]
    errors = np.abs(predicted / measured - 1)
    source = (
        f"autokd devices calibrate, {session.date}: fitted to {len(observations)} graphs timed on "
        f"{session.target} with {session.runtime}, {session.threads} threads"
    )
    model = with_coefficients(
        latency_model(profile, precision=precision),
        coefficients,
        covering_factor(np.log(predicted / measured)),
        source=source,
    )
    record = Calibration(
        date=session.date,
        target=session.target,
        runtime=session.runtime,
        threads=session.threads,
        graphs=len(observations),
        dropped=session.dropped,
        median_error=round(float(np.median(errors)), 4),
        within_10_percent=round(float(np.mean(errors <= 0.1)), 4),
        rank_correlation=round(float(spearmanr(predicted, measured).statistic), 4),
    )
    return model.model_copy(
        update={
            "cache_kib": Sourced(value=machine.cache_bytes / 1024, source=source),
            "channel_block": Sourced(value=machine.channel_block, source=source),
            "overlap_lost": Sourced(value=machine.overlap_lost, source=source),
            "calibration": record,
        }
    )


def covering_factor(logs: Floats, *, share: float = 0.8) -> float:
    """Give the factor within which a further prediction lies with probability ``share``.

    It is the rank (n + 1) * share of the n errors seen, rounded up (split conformal prediction:
    Vovk et al. 2005), so few errors give a wider interval.
    """
    sizes = np.sort(np.abs(logs))
    rank = min(len(sizes), int(np.ceil((len(sizes) + 1) * share)))
    return float(np.exp(sizes[rank - 1]))

"""How fast a runtime is believed to be on a board, as a profile says it.

The latency of one image is a sum over the operators that the runtime executes, and a time per call:

    latency  = per_run_us + sum of (work + per_node_us)
    work     = longer of arithmetic and traffic, plus overlap_lost times the shorter
    arithmetic = macs * rounding * (1 + edge_px * lone pixels) / (peak * efficiency of the class)
    traffic    = bytes in the cache / (bandwidth * cache_speedup) + other bytes / bandwidth

``rounding`` is what filling up the channels to whole blocks adds. `autokd.space.latency` computes
it, `autokd.space.latency_fit` fits the coefficients to timed graphs.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from autokd.core.record import Record
from autokd.core.sourced import Positive, Sourced


def _not_negative(number: Sourced) -> Sourced:
    if number.value < 0:
        msg = f"must not be negative, got {number.value:g}"
        raise ValueError(msg)
    return number


def _at_least_one(number: Sourced) -> Sourced:
    if number.value < 1:
        msg = f"must be at least 1, got {number.value:g}"
        raise ValueError(msg)
    return number


def _share(number: Sourced) -> Sourced:
    if not 0 <= number.value <= 1:
        msg = f"must be from 0 to 1, got {number.value:g}"
        raise ValueError(msg)
    return number


NotNegative = Annotated[Sourced, AfterValidator(_not_negative)]
AtLeastOne = Annotated[Sourced, AfterValidator(_at_least_one)]
Share = Annotated[Sourced, AfterValidator(_share)]

_NOT_KNOWN = "estimate: not told apart from the other coefficients; autokd devices calibrate does"


class Calibration(Record):
    """The measurements that the coefficients were fitted to.

    Errors are held out: every graph was predicted by coefficients fitted to the others.

    Attributes:
        date: Of the fit, as YYYY-MM-DD in UTC.
        target: Where it was measured, for people.
        runtime: Package and version that ran there.
        threads: That it ran with.
        graphs: That were measured and fitted.
        dropped: That no attempt measured validly.
        median_error: Of prediction over measurement less 1, without its sign.
        within_10_percent: Share of the graphs that were predicted so closely.
        rank_correlation: Spearman's.
    """

    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    target: str
    runtime: str
    threads: int = Field(ge=1)
    graphs: int = Field(ge=1)
    dropped: int = Field(ge=0)
    median_error: float = Field(ge=0)
    within_10_percent: float = Field(ge=0, le=1)
    rank_correlation: float = Field(ge=-1, le=1)


class LatencyModel(Record):
    """Coefficients of the prediction above.

    Attributes:
        conv: Fraction of the fp32 peak that k x k convolutions reach; Winograd, or a narrower
            number, may exceed 1.
        pointwise: The same for 1x1 convolutions.
        depthwise: The same for depthwise convolutions.
        linear: The same for matrix products.
        bandwidth: Fraction of the memory bandwidth that any operator reaches.
        cache_speedup: How many times faster bytes move that are in the last cache.
        cache_kib: Size of that cache in KiB.
        channel_block: Channels that the runtime computes together; others are filled up. On x86-64
            onnxruntime blocks by the width of a vector: 16 with AVX-512, 8 with AVX2.
        overlap_lost: Share of the shorter of arithmetic and traffic that the longer one does not
            hide, from 0, as in a roofline, to 1, as where a processor waits for what it loads.
        edge_px: What a pixel costs, in pixels, above the others of its row that is computed by
            itself: at the two ends, where the kernel hangs over the image, and what is left over
            when the others are taken six at a time.
        per_node_us: Time that each operator costs beside its work, in microseconds.
        per_run_us: Time that each call of the runtime costs, in microseconds.
        interval_factor: The 80 % interval is ``latency / factor`` to ``latency * factor``.
        calibration: What the numbers were fitted to; None for those of a shipped profile.
    """

    conv: Positive
    pointwise: Positive
    depthwise: Positive
    linear: Positive
    bandwidth: Positive
    cache_speedup: AtLeastOne = Sourced(value=1, source=_NOT_KNOWN)
    cache_kib: Positive = Sourced(value=512, source="estimate: of a small board")
    channel_block: AtLeastOne = Sourced(value=1, source="estimate: no filling up")
    overlap_lost: Share = Sourced(value=0.5, source="estimate: the middle")
    edge_px: NotNegative = Sourced(value=0, source=_NOT_KNOWN)
    per_node_us: Positive
    per_run_us: NotNegative = Sourced(value=0, source=_NOT_KNOWN)
    interval_factor: Positive
    calibration: Calibration | None = None

    @field_validator("interval_factor")
    @classmethod
    def _is_a_factor(cls, number: Sourced) -> Sourced:
        if not number.value > 1:
            msg = f"must be above 1, got {number.value:g}"
            raise ValueError(msg)
        return number

"""How fast a runtime is believed to be on a board, as a profile says it."""

from pydantic import field_validator

from autokd.core.record import Record
from autokd.core.sourced import Positive, Sourced


class LatencyModel(Record):
    """Coefficients of the roofline in `autokd.space.latency`.

    Attributes:
        conv: Fraction of peak that k x k convolutions reach; Winograd may exceed 1.
        pointwise: The same for 1x1 convolutions.
        depthwise: The same for depthwise convolutions.
        linear: The same for matrix products.
        bandwidth: Fraction of the memory bandwidth that any operator reaches.
        per_node_us: Time that each operator costs beside its work.
        interval_factor: The 80 % interval is ``latency / factor`` to ``latency * factor``.
    """

    conv: Positive
    pointwise: Positive
    depthwise: Positive
    linear: Positive
    bandwidth: Positive
    per_node_us: Positive
    interval_factor: Positive

    @field_validator("interval_factor")
    @classmethod
    def _is_a_factor(cls, number: Sourced) -> Sourced:
        if not number.value > 1:
            msg = f"must be above 1, got {number.value:g}"
            raise ValueError(msg)
        return number

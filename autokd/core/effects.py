"""What each searched parameter moves."""

from autokd.core.record import Record


class ParameterEffect(Record):
    """How much of what the surrogate predicts one searched parameter moves.

    Attributes:
        name: Of the parameter.
        share: Of the variance of the predicted accuracy over the space that this parameter alone
            explains (first-order Sobol index), on the scale of ranks, in 0..1. Limits tie
            parameters to each other, so the shares of all may add up to more than 1.
        share_low: 10th percentile over draws of the surrogate, or ``share`` where that is lower.
        share_high: 90th percentile, or ``share`` where that is higher.
    """

    name: str
    share: float
    share_low: float
    share_high: float

"""Expected hypervolume improvement when one of the two objectives is known exactly.

Symbols:
    mu, sigma  (m,)  belief about a candidate's accuracy, on the surrogate's scale; larger is better
    u          (m,)  its use of the tightest limit, known exactly, in 0..1; smaller is better
    h          (k,)  levels of the front: the best accuracy believed so far at use v or less
    w          (m, k)  weight of level j for candidate i

The front is a staircase h(v) over v in 0..1. A candidate of use u and accuracy y adds the area
between y and the staircase over u..1. The mean of that over the belief about y alone is a sum of
one-dimensional expected improvements, one for each step,

    EHVI = sum_j w_j EI(mu, sigma; h_j),    w_j = length of step j within u..1,

so no sampling and no box decomposition are needed. To the uniform weight over 0..1 a point mass of
1 at v = 1 is added: half of the interest is the best accuracy within the limits, whatever it uses,
and half is the rest of the front.

All is done with logarithms, because improvements far below the front vanish in floating point and
leave nothing to choose by.

References:
    [LogEI]: S. Ament et al. Unexpected Improvements to Expected Improvement for Bayesian
        Optimization. arXiv:2310.20708.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, logsumexp

FloatArray = NDArray[np.float64]

MASS_AT_LIMIT = 1.0

_LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)
_LOG_SQRT_HALF_PI = 0.5 * np.log(np.pi / 2)
_NEAR, _FAR = -1.0, -1e4  # where log_h changes its formula


def staircase(mu: FloatArray, u: FloatArray, *, floor: float) -> tuple[FloatArray, FloatArray]:
    """Give the steps of the front of the points (mu, u).

    Args:
        mu: (n,) accuracies.
        u: (n,) use of the tightest limit.
        floor: Level before the first point.

    Returns:
        starts (k,), rising from 0, and levels h (k,), rising from ``floor``. Step j reaches from
        its start to the next one's, the last to 1.
    """
    starts, levels = [0.0], [floor]
    for index in np.lexsort((-mu, u)):
        if mu[index] > levels[-1] and u[index] <= 1.0:
            if u[index] == starts[-1]:
                levels[-1] = float(mu[index])
            else:
                starts.append(float(u[index]))
                levels.append(float(mu[index]))
    return np.array(starts), np.array(levels)


def log_ehvi(
    mu: FloatArray, sigma: FloatArray, u: FloatArray, *, starts: FloatArray, levels: FloatArray
) -> FloatArray:
    """Give the logarithm of the expected hypervolume improvement of each candidate, (m,)."""
    ends = np.append(starts[1:], 1.0)
    w = np.clip(ends[None, :] - np.maximum(starts[None, :], u[:, None]), 0.0, None)
    w[:, -1] += MASS_AT_LIMIT
    with np.errstate(divide="ignore"):  # a step that is out of reach has weight 0, log -inf
        log_w = np.log(w)
    improvement = log_h((mu[:, None] - levels[None, :]) / sigma[:, None])
    return np.asarray(logsumexp(log_w + improvement, axis=1) + np.log(sigma))


def log_ei(mu: FloatArray, sigma: FloatArray, *, best: float) -> FloatArray:
    """Give the logarithm of the expected improvement over ``best`` of each candidate, (m,)."""
    return np.asarray(log_h((mu - best) / sigma) + np.log(sigma))


def log_h(z: FloatArray) -> FloatArray:
    """Give log(phi(z) + z Phi(z)), the logarithm of expected improvement at sigma = 1.

    Equation 9 of [LogEI]. For z far below 0 the sum loses all its digits; there it is written with
    the scaled complementary error function, and further out by its asymptote phi(z) / z^2.
    """
    z = np.asarray(z, dtype=np.float64)
    out = np.empty_like(z)
    near = z > _NEAR
    far = z < _FAR
    middle = ~near & ~far
    x = z[near]
    out[near] = np.log(np.exp(-0.5 * x**2 - _LOG_SQRT_2PI) + x * np.exp(log_ndtr(x)))
    x = z[middle]
    ratio = np.log(erfcx(-x / np.sqrt(2)) * np.abs(x)) + _LOG_SQRT_HALF_PI
    out[middle] = -0.5 * x**2 - _LOG_SQRT_2PI + np.log(-np.expm1(ratio))
    x = z[far]
    out[far] = -0.5 * x**2 - _LOG_SQRT_2PI - 2 * np.log(np.abs(x))
    return out

"""What each searched parameter moves: first-order Sobol indices of what the surrogate believes.

The index of a parameter x is Var(E[f | x]) / Var(f), the share of the variance that is left when
all else is averaged away [Sobol1993]. Here f is the accuracy on the last rung as
`autokd.search.belief.Belief` has it, on the normal scale of ranks, where one failed student does
not outweigh all others. The variance is over members drawn uniformly from the space and kept where
they meet the limits; E[f | x] is the mean over members with that value, or near it [Plischke2013].

How sure that is: functions are drawn from the surrogate's posterior, each jointly at the same
members, and the index is taken of each [Marrel2009]. Hyper-parameters stay as they were fitted, so
the interval does not hold their doubt. With few students the mean is smoother than nearly all of
the draws and gives a parameter more than they do; the interval is then stretched to hold its share.

Limits cut corners off the space, and what is left ties parameters to each other: shares may then
add up to more than 1. What they lack of 1 is interactions, and the graphs that a family draws.

References:
    [Sobol1993]: I. Sobol. Sensitivity estimates for nonlinear mathematical models. 1993.
    [Plischke2013]: E. Plischke, E. Borgonovo, C. Smith. Global sensitivity measures from given
        data. European Journal of Operational Research 226, 2013.
    [Marrel2009]: A. Marrel, B. Iooss, B. Laurent, O. Roustant. Calculations of Sobol indices for
        the Gaussian process metamodel. Reliability Engineering and System Safety 94, 2009.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autokd.core.effects import ParameterEffect
from autokd.core.seeds import derive_seed
from autokd.core.trial import Trial
from autokd.search.belief import Belief, results_of
from autokd.search.pool import FloatArray, Member, Space, describe_member

# Below this many students the length scales are those of the prior.
FEWEST_TRIALS = 12
MEMBERS = 512
DRAWS = 200
PERCENTILES = (10, 90)
# So few members that fit leave nothing to average over.
_FEWEST_MEMBERS = 128
_TRIES_PER_MEMBER = 4
# Parts of equal count that the values of a real number are cut into.
_PARTS = 10


def parameter_effects(
    trials: Sequence[Trial], space: Space, *, names: Sequence[str], last_rung: int, seed: int
) -> tuple[ParameterEffect, ...]:
    """Give the effect of each parameter of the space, the largest share first.

    Parameters that have one value alone are left out.

    Args:
        trials: Of a search.
        space: That was searched.
        names: Of the coordinates of its points, in their order.
        last_rung: The highest rung of the search.
        seed: The same seed gives the same effects.

    Returns:
        Nothing when fewer than ``FEWEST_TRIALS`` students have a result, when too few members of
        the space fit, or when the surrogate cannot be fitted.
    """
    known = [trial for trial in trials if results_of(trial)]
    if sum(bool(trial.observations) for trial in known) < FEWEST_TRIALS:
        return ()
    members = _draw_members(space, derive_seed(seed, "effects"))
    if len(members) < _FEWEST_MEMBERS:
        return ()
    from autokd.search.surrogate import FIT_ERRORS  # brings torch

    try:
        belief = Belief(
            known,
            [describe_member(space, trial.candidate) for trial in known],
            reference=members,
            last_rung=last_rung,
        )
        mean, covariance = belief.joint(members)
    except FIT_ERRORS:
        return ()
    points = np.stack([member.features[: space.dimension] for member in members])
    rng = np.random.default_rng(derive_seed(seed, "effects", "draws"))
    shares = first_order_shares(points, mean[None])[0]
    low, high = np.percentile(
        first_order_shares(points, _draw_functions(mean, covariance, rng)), PERCENTILES, axis=0
    )
    moved = [column for column in range(space.dimension) if np.ptp(points[:, column]) > 0]
    order = sorted(moved, key=lambda column: -shares[column])
    return tuple(
        ParameterEffect(
            name=names[column],
            share=float(shares[column]),
            share_low=float(min(low[column], shares[column])),
            share_high=float(max(high[column], shares[column])),
        )
        for column in order
    )


def first_order_shares(points: FloatArray, values: FloatArray) -> FloatArray:
    """Give the first-order Sobol indices of functions known at random points.

    The variance between the groups of a column is lowered by what it would be if the groups were
    drawn by chance, as in an analysis of variance, so that a column without effect has 0 in the
    mean before negative shares are cut to 0.

    Args:
        points: (m, d).
        values: (k, m), of k functions at these points.

    Returns:
        (k, d), each in 0..1; 0 for a column of one value and for a constant function.
    """
    centred = values - values.mean(axis=1, keepdims=True)
    total = (centred**2).sum(axis=1)
    shares = np.zeros((len(values), points.shape[1]))
    for column in range(points.shape[1]):
        group = _groups(points[:, column])
        belongs = np.eye(group.max() + 1)[group]
        count, parts = belongs.sum(axis=0), belongs.shape[1]
        between = ((centred @ belongs) ** 2 / count).sum(axis=1)
        by_chance = (parts - 1) * (total - between) / (len(group) - parts)
        np.divide(between - by_chance, total, out=shares[:, column], where=total > 0)
    return np.clip(shares, 0.0, 1.0)


def _groups(column: FloatArray) -> NDArray[np.intp]:
    """Give the group of each value, (m,): one for each value, or parts of equal count of many."""
    values, group = np.unique(column, return_inverse=True)
    if len(values) <= _PARTS:
        return group
    ranks = np.argsort(np.argsort(column, kind="stable"), kind="stable")
    return ranks * _PARTS // len(column)


def _draw_members(space: Space, seed: int) -> list[Member]:
    rng = np.random.default_rng(seed)
    found: list[Member] = []
    for number in range(MEMBERS * _TRIES_PER_MEMBER):
        candidate = space.draw(
            rng.random(space.dimension),
            member_seed=derive_seed(seed, "member", number),
            origin="random",
        )
        if candidate is not None:
            found.append(describe_member(space, candidate))
        if len(found) == MEMBERS:
            break
    return found


def _draw_functions(
    mean: FloatArray, covariance: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Draw ``DRAWS`` functions at the points of ``mean``, (DRAWS, m)."""
    # A root by eigenvalues: members that are nearly alike leave no room for one by Cholesky.
    variances, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(variances, 0.0))
    return np.asarray(mean + rng.standard_normal((DRAWS, len(mean))) @ root.T, dtype=np.float64)

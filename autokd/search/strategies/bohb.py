"""BOHB, the search that AutoKD was published with: Hyperband with a density-ratio model.

References:
    [BOHB]: S. Falkner, A. Klein, F. Hutter. BOHB: Robust and Efficient Hyperparameter Optimization
        at Scale. arXiv:1807.01774, section 4 and algorithm 2.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import log_ndtr, logsumexp

from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Trial
from autokd.search.pool import FloatArray, Space, random_candidate
from autokd.search.ranking import by_accuracy
from autokd.search.rungs import Ladder

GOOD_SHARE = 0.15
CANDIDATES = 64
RANDOM_SHARE = 1 / 3
BANDWIDTH_FACTOR = 3.0
SMALLEST_BANDWIDTH = 1e-3


class BohbStrategy:
    """Draws near good students, away from others, and starts trials on rungs as Hyperband does.

    Brackets follow each other; a trial's number decides its bracket. Promotion does not wait for a
    bracket to fill, which the published search does.
    """

    def __init__(self, space: Space, *, seed: int, ladder: Ladder) -> None:
        self.ladder = ladder
        self._space = space
        self._seed = seed

    def first_rung(self, trial_id: int) -> int:
        """Give the lowest rung of the trial's bracket."""
        place = trial_id % sum(self._bracket_sizes())
        for rung, size in enumerate(self._bracket_sizes()):
            if place < size:
                return rung
            place -= size
        raise AssertionError(place)

    def ranking(self, trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
        """Give the trials with a result on ``rung``, the most accurate first."""
        return by_accuracy(trials, rung)

    def propose(self, trials: Sequence[Trial], *, trial_id: int) -> Candidate:
        """Give the candidate of trial ``trial_id``, knowing ``trials``.

        Raises:
            InfeasibleError: No candidate meets the limits.
        """
        seed = derive_seed(self._seed, "bohb", trial_id)
        rng = np.random.default_rng(seed)
        model = None if rng.random() < RANDOM_SHARE else self._model(trials)
        if model is None:
            return random_candidate(self._space, seed, origin="random")
        good, other = model
        points = good.sample(CANDIDATES, rng)
        for place in np.argsort(other.log_density(points) - good.log_density(points)):
            found = self._space.draw(
                points[place],
                member_seed=derive_seed(seed, "member", int(place)),
                origin="acquisition",
            )
            if found is not None:
                return found
        return random_candidate(self._space, seed, origin="fallback")

    def _bracket_sizes(self) -> list[int]:
        """Give how many trials start on each rung, lowest first; section 3.1 of [BOHB]."""
        rungs = self.ladder.rungs
        return [
            int(np.ceil(rungs / (top + 1) * self.ladder.eta**top))
            for top in range(rungs - 1, -1, -1)
        ]

    def _model(self, trials: Sequence[Trial]) -> tuple["Density", "Density"] | None:
        """Fit both densities on the highest rung that has results enough; None when none has."""
        fewest = self._space.dimension + 1
        for rung in range(self.ladder.last, -1, -1):
            best = by_accuracy(trials, rung)
            goods = max(fewest, int(GOOD_SHARE * len(best)))
            if len(best) - goods >= fewest:
                points = np.stack([self._space.point(t.candidate) for t in best])
                return Density(points[:goods]), Density(points[goods:])
        return None


class Density:
    """A product kernel density of points in the unit cube, normal kernels cut off at its faces.

    Bandwidths follow Scott's rule in each coordinate.
    """

    def __init__(self, points: FloatArray) -> None:
        count, dimension = points.shape
        scott = count ** (-1.0 / (dimension + 4))
        self._points = points
        self._widths = np.maximum(points.std(axis=0, ddof=1) * scott, SMALLEST_BANDWIDTH)

    def log_density(self, points: FloatArray) -> FloatArray:
        """Give the logarithm of the density at each of ``points``, up to a constant."""
        distance = (points[:, None, :] - self._points[None, :, :]) / self._widths
        inside = _log_mass(self._points, self._widths)
        log_kernel = (-0.5 * distance**2 - np.log(self._widths) - inside).sum(axis=2)
        return np.asarray(logsumexp(log_kernel, axis=1) - np.log(len(self._points)))

    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw points around random ones, with bandwidths three times as wide; (count, d)."""
        centres = self._points[rng.integers(len(self._points), size=count)]
        widths = BANDWIDTH_FACTOR * self._widths
        drawn = rng.normal(centres, widths)
        for _ in range(100):
            outside = (drawn < 0) | (drawn > 1)
            if not outside.any():
                break
            again = rng.normal(centres, widths)
            drawn = np.where(outside, again, drawn)
        return np.clip(drawn, 0.0, 1.0)


def _log_mass(centres: FloatArray, widths: FloatArray) -> FloatArray:
    """Give the logarithm of the part of each kernel that lies in the unit interval."""
    upper, lower = log_ndtr((1 - centres) / widths), log_ndtr(-centres / widths)
    return np.asarray(upper + np.log1p(-np.exp(lower - upper)))

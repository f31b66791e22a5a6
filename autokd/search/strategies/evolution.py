"""Regularised evolution: the oldest dies, not the worst.

References:
    [AmoebaNet]: E. Real et al. Regularized Evolution for Image Classifier Architecture Search.
        arXiv:1802.01548. Population 100 and samples of 25 are for tens of thousands of trials; for
        hundreds, 20 and 5 keep the proportion.
"""

from collections.abc import Sequence

import numpy as np

from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Trial
from autokd.search.pool import FloatArray, Space, random_candidate
from autokd.search.ranking import by_accuracy
from autokd.search.rungs import Ladder

POPULATION = 20
SAMPLE = 5
_TRIES = 200
_STEP = 0.2  # of the unit interval, standard deviation: what changes a choice of three or four


class EvolutionStrategy:
    """Changes one number of the best of a few among the newest students."""

    def __init__(self, space: Space, *, seed: int, ladder: Ladder) -> None:
        self.ladder = ladder
        self._space = space
        self._seed = seed

    def first_rung(self, trial_id: int) -> int:  # noqa: ARG002 - the same for all
        """Start every trial on the last rung: scores of one length alone are compared."""
        return self.ladder.last

    def ranking(self, trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
        """Give the trials with a result on ``rung``, the most accurate first."""
        return by_accuracy(trials, rung)

    def propose(self, trials: Sequence[Trial], *, trial_id: int) -> Candidate:
        """Give the candidate of trial ``trial_id``, knowing ``trials``.

        Raises:
            InfeasibleError: No candidate meets the limits.
        """
        seed = derive_seed(self._seed, "evolution", trial_id)
        living = [t for t in trials if t.observations and t.failure is None]
        if trial_id < POPULATION or not living:
            return random_candidate(self._space, seed, origin="random")
        rng = np.random.default_rng(seed)
        population = living[-POPULATION:]
        drawn = rng.choice(len(population), size=min(SAMPLE, len(population)), replace=False)
        parent = max((population[i] for i in drawn), key=lambda t: (t.accuracy, -t.trial_id))
        start = self._space.point(parent.candidate)
        for attempt in range(_TRIES):
            child = self._space.draw(
                _mutated(start, rng),
                member_seed=derive_seed(seed, "member", attempt),
                origin="acquisition",
            )
            # A step that ends in the same choice would train the parent's family again.
            if child is not None and not np.allclose(self._space.point(child), start):
                return child
        return random_candidate(self._space, seed, origin="fallback")


def _mutated(point: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Change one coordinate: by a step, or in one of three times to any value."""
    child = point.copy()
    place = rng.integers(len(point))
    anywhere = rng.random() < 1 / 3
    child[place] = rng.random() if anywhere else child[place] + rng.normal(0.0, _STEP)
    return np.clip(child, 0.0, 1.0)

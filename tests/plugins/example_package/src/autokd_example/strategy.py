"""Steps around the best student so far."""

from collections.abc import Sequence

import numpy as np

from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Trial
from autokd.search.pool import Space, random_candidate
from autokd.search.ranking import by_accuracy
from autokd.search.rungs import Ladder

AT_RANDOM = 8
TRIES = 100
STEP = 0.15  # of the unit interval, standard deviation


class HillClimb:
    """Draws some students at random, then changes a little what the best of them is."""

    def __init__(self, space: Space, *, seed: int, ladder: Ladder) -> None:
        self.ladder = ladder
        self._space = space
        self._seed = seed

    def first_rung(self, trial_id: int) -> int:
        """Start every trial on the lowest rung."""
        return 0

    def ranking(self, trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
        """Give the trials with a result on ``rung``, the most accurate first."""
        return by_accuracy(trials, rung)

    def propose(self, trials: Sequence[Trial], *, trial_id: int) -> Candidate:
        """Give the candidate of trial ``trial_id``; chance comes from its number and the seed."""
        seed = derive_seed(self._seed, "hill-climb", trial_id)
        ranked = by_accuracy(trials, 0)
        if trial_id < AT_RANDOM or not ranked:
            return random_candidate(self._space, seed, origin="random")
        rng = np.random.default_rng(seed)
        best = self._space.point(ranked[0].candidate)
        for attempt in range(TRIES):
            point = np.clip(best + rng.normal(0.0, STEP, len(best)), 0.0, 1.0)
            member_seed = derive_seed(seed, "member", attempt)
            found = self._space.draw(point, member_seed=member_seed, origin="acquisition")
            if found is not None:
                return found
        return random_candidate(self._space, seed, origin="fallback")

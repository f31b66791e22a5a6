"""Strategies that draw blindly: what the others are measured by."""

from collections.abc import Sequence

from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Trial
from autokd.search.pool import Space, random_candidate
from autokd.search.ranking import by_accuracy
from autokd.search.rungs import Ladder


class AshaStrategy:
    """Draws uniformly among what fits; the ladder alone decides who goes on [ASHA].

    References:
        [ASHA]: L. Li et al. A System for Massively Parallel Hyperparameter Tuning.
            arXiv:1810.05934.
    """

    def __init__(self, space: Space, *, seed: int, ladder: Ladder) -> None:
        self.ladder = ladder
        self._space = space
        self._seed = seed

    def first_rung(self, trial_id: int) -> int:  # noqa: ARG002 - the same for all
        """Start every trial on the lowest rung."""
        return 0

    def ranking(self, trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
        """Give the trials with a result on ``rung``, the most accurate first."""
        return by_accuracy(trials, rung)

    def propose(self, trials: Sequence[Trial], *, trial_id: int) -> Candidate:  # noqa: ARG002
        """Give the candidate of trial ``trial_id``, whatever ``trials`` are.

        Raises:
            InfeasibleError: No candidate meets the limits.
        """
        seed = derive_seed(self._seed, "random", trial_id)
        return random_candidate(self._space, seed, origin="random")


class RandomStrategy(AshaStrategy):
    """Draws uniformly among what fits and trains each as long as the last rung."""

    def first_rung(self, trial_id: int) -> int:  # noqa: ARG002 - the same for all
        """Start every trial on the last rung."""
        return self.ladder.last

"""Reinforcement learning as a searcher of architectures, the kind that AKD uses.

References:
    [AKD]: Y. Liu et al. Search to Distill: Pearls are Everywhere but not the Eyes.
        arXiv:1911.09074. A policy is trained on the accuracy of distilled students.
    [MnasNet]: M. Tan et al. MnasNet: Platform-Aware Neural Architecture Search for Mobile.
        arXiv:1807.11626. Where the reward comes from: section 3, alpha = 0 and beta = w.
    [REINFORCE]: R. Williams. Simple Statistical Gradient-Following Algorithms for Connectionist
        Reinforcement Learning. Machine Learning 8, 1992.

Both papers use PPO and a recurrent policy over tens of thousands of students. Here each coordinate
has a distribution of its own, which a few hundred students suffice to learn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autokd.core.seeds import derive_seed
from tools.race.peers.rows import Rows
from tools.race.tables import Table

BINS = 8  # of a real coordinate
_TRIES = 1000
_SMALLEST_CHANCE = 1e-12  # keeps its logarithm finite
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the policy learns.

    The defaults did best of 24 settings on nb201-cifar100 and nb-macro, so they are in its favour.

    Attributes:
        learning_rate: Of the logits.
        entropy_weight: Of the bonus for staying undecided.
        baseline_decay: Of the moving mean of rewards that a reward is compared with.
        over_limit_exponent: w of the reward ``score * (cost / limit) ** w`` over the limit.
    """

    learning_rate: float = 1.0
    entropy_weight: float = 0.03
    baseline_decay: float = 0.9
    over_limit_exponent: float = -1.0


UNTUNED = Settings(learning_rate=0.1, entropy_weight=0.01)
"""Settings that were fixed before any race."""


class PolicyGradient:
    """Draws each coordinate from a softmax of its own, and shifts it towards what paid off.

    It always asks for the last length. Infeasible draws are evaluated and rewarded less, as in the
    papers; where they are free they are thrown away and drawn anew, without an update. A replay
    that tells the score 0 for an infeasible row gives it the reward 0, whatever the excess.
    """

    def __init__(
        self,
        table: Table,
        *,
        seed: int,
        free_infeasible: bool,
        settings: Settings | None = None,
    ) -> None:
        self._rows = Rows(table)
        self._last = len(table.lengths) - 1
        self._free_infeasible = free_infeasible
        self._settings = settings or Settings()
        self._rng = np.random.default_rng(derive_seed(seed, "reinforce"))
        self._logits: list[FloatArray] = [np.zeros(n or BINS) for n in self._rows.choices]
        self._baseline: float | None = None
        self._out: tuple[int, tuple[int, ...]] | None = None

    @property
    def probabilities(self) -> tuple[FloatArray, ...]:
        """The policy: for each coordinate the probability of each value or bin."""
        return tuple(_softmax(logits) for logits in self._logits)

    def ask(self) -> tuple[int, int]:
        """Give the row to evaluate next and the index of its length."""
        assert self._out is None, "ask before tell"
        for _ in range(_TRIES):
            actions = tuple(int(self._rng.choice(len(p), p=p)) for p in self.probabilities)
            place = self._rows.nearest(self._within(actions))
            if self._rows.feasible[place] or not self._free_infeasible:
                break
        else:
            place = self._rows.random_feasible(self._rng)
            actions = self._actions_of(place)
        self._out = place, actions
        return place, self._last

    def tell(self, place: int, length_index: int, score: float, seconds: float) -> None:  # noqa: ARG002 - all are trained for the same length
        """Move the policy by one step of REINFORCE."""
        assert self._out is not None, "tell before ask"
        asked, actions = self._out
        assert asked == place, f"{asked} was asked"
        self._out = None
        reward = self.reward(place, score)
        # The first reward has nothing to be compared with, so it moves nothing.
        baseline = reward if self._baseline is None else self._baseline
        self._step(actions, reward - baseline)
        decay = self._settings.baseline_decay
        self._baseline = decay * baseline + (1.0 - decay) * reward

    def reward(self, place: int, score: float) -> float:
        """Give the reward of a row; the limit that it is most over counts."""
        excess = max(self._rows.violations(place).values(), default=0.0)
        if excess <= 0.0:
            return score
        return float(score * (1.0 + excess) ** self._settings.over_limit_exponent)

    def _step(self, actions: tuple[int, ...], advantage: float) -> None:
        for number, action in enumerate(actions):
            chances = _softmax(self._logits[number])
            log_chances = np.log(chances)
            entropy = -(chances * log_chances).sum()
            of_action = -chances
            of_action[action] += 1.0  # gradient of log p(action) by the logits
            of_entropy = -chances * (log_chances + entropy)
            gradient = advantage * of_action + self._settings.entropy_weight * of_entropy
            self._logits[number] += self._settings.learning_rate * gradient

    def _within(self, actions: tuple[int, ...]) -> list[float]:
        """Give values as `Rows` writes them; in a bin all are as likely."""
        return [
            action if count else (action + self._rng.random()) / BINS
            for action, count in zip(actions, self._rows.choices, strict=True)
        ]

    def _actions_of(self, place: int) -> tuple[int, ...]:
        return tuple(
            int(value) if count else min(int(value * BINS), BINS - 1)
            for value, count in zip(self._rows.values(place), self._rows.choices, strict=True)
        )


def _softmax(logits: FloatArray) -> FloatArray:
    weights = np.exp(logits - logits.max())
    return np.asarray(np.maximum(weights / weights.sum(), _SMALLEST_CHANCE))

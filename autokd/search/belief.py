"""What the results so far say about any student: a surrogate with the scales of its inputs."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autokd.core.trial import Trial
from autokd.search.pool import FloatArray, Member

if TYPE_CHECKING:
    from autokd.search.surrogate import Surrogate

# Fewer results than this say nothing about the length scales of a surrogate.
MIN_RESULTS = 4
# The cost of a fit grows with the cube of its rows.
_MAX_ROWS = 200


class Belief:
    """Accuracy on the last rung, learnt from the results on all rungs.

    A rung is ``eta`` times as long as the one below, so its number is the logarithm of its length.
    Outcomes are ranks turned into normal scores; what is predicted is on that scale.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        members: Sequence[Member],
        *,
        reference: Sequence[Member],
        last_rung: int,
    ) -> None:
        """Fit the surrogate to the newest results on the highest rungs.

        Args:
            trials: Those with results; there are `MIN_RESULTS` of these at least.
            members: Their candidates, in the same order.
            reference: Members at random. A column that differs among them and not yet in the
                results stays, so that what was never tried is known as such.
            last_rung: Number of the highest rung.

        Raises:
            Any of `autokd.search.surrogate.FIT_ERRORS`: The surrogate cannot be fitted.
        """
        from autokd.search.surrogate import fit_surrogate, rank_normal  # brings torch

        everything = np.stack([m.features for m in (*members, *reference)])
        low, high = everything.min(axis=0), everything.max(axis=0)
        self._columns = np.flatnonzero(high > low)
        self._low, self._range = low[self._columns], (high - low)[self._columns]
        self._last_rung = last_rung
        rows = [(m, *r) for t, m in zip(trials, members, strict=True) for r in results_of(t)]
        outcomes = rank_normal(np.array([score for _, _, score in rows]))
        kept = _most_telling([rung for _, rung, _ in rows])
        inputs = self._rows([rows[i][0] for i in kept], [rows[i][1] for i in kept])
        self._surrogate: Surrogate = fit_surrogate(inputs, outcomes[kept])

    def pretending(self, running: Sequence[Member]) -> "Belief":
        """Give the belief as it would be if ``running`` ended as is expected of them."""
        if not running:
            return self
        other = copy.copy(self)
        other._surrogate = self._surrogate.believing(self._at_last(running))
        return other

    def predict(self, members: Sequence[Member]) -> tuple[FloatArray, FloatArray]:
        """Give mean and standard deviation of what members have on the last rung, each (m,)."""
        return self._surrogate.predict(self._at_last(members))

    def joint(self, members: Sequence[Member]) -> tuple[FloatArray, FloatArray]:
        """Give mean (m,) and covariance (m, m) of what members have on the last rung."""
        return self._surrogate.joint(self._at_last(members))

    def _at_last(self, members: Sequence[Member]) -> FloatArray:
        return self._rows(members, [self._last_rung] * len(members))

    def _rows(self, members: Sequence[Member], rungs: Sequence[int]) -> FloatArray:
        features = np.stack([m.features for m in members])[:, self._columns]
        height = np.array(rungs, dtype=np.float64) / max(self._last_rung, 1)
        return np.column_stack([(features - self._low) / self._range, height])


def results_of(trial: Trial) -> list[tuple[int, float]]:
    """Give rung and accuracy of each result; a failure in training is a result of accuracy 0."""
    results = [(o.fidelity.rung, o.accuracy) for o in trial.observations]
    if trial.failure is not None and not trial.too_slow:
        results.append((trial.failure.rung, 0.0))
    return results


def _most_telling(rungs: Sequence[int]) -> list[int]:
    """Give the places of the rows to fit: those of the highest rungs, and of these the newest."""
    order = sorted(range(len(rungs)), key=lambda place: (-rungs[place], -place))
    return sorted(order[:_MAX_ROWS])

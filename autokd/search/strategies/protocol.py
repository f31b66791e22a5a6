"""What a strategy is.

A strategy keeps no state of its own: what it proposes is a function of the trials, its seed and the
id of the new trial, so a search that was killed goes on as if it had not been.
"""

from collections.abc import Sequence
from typing import Protocol

from autokd.core.trial import Candidate, Trial
from autokd.search.rungs import Ladder


class Strategy(Protocol):
    """Decides what is tried next, and at what length first.

    Attributes:
        ladder: Rungs, and which share of a rung goes on to the next.
    """

    ladder: Ladder

    def first_rung(self, trial_id: int) -> int:
        """Give the rung that trial ``trial_id`` is trained up to at once."""
        ...

    def propose(self, trials: Sequence[Trial], *, trial_id: int) -> Candidate:
        """Give the candidate of trial ``trial_id``, knowing ``trials``.

        Raises:
            InfeasibleError: No candidate meets the limits.
        """
        ...

    def ranking(self, trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
        """Give the trials with a result on ``rung``, those first that the strategy thinks best."""
        ...

"""How much longer training takes than it was meant to, as the trials so far tell."""

from collections.abc import Sequence

from autokd.core.trial import Trial
from autokd.search.rungs import Ladder


def slowdown(trials: Sequence[Trial], ladder: Ladder, *, fewest_results: int = 1) -> float:
    """Give the time that training took on the ladder's rungs over the time that it was meant to.

    Args:
        trials: With their results; those on rungs above the ladder are left out.
        ladder: Of the search; says what a promoted student trains again.
        fewest_results: With fewer, or without any time, it is 1.
    """
    meant, taken, results = 0.0, 0.0, 0
    for trial in trials:
        before = 0.0
        for seen in trial.observations:
            if seen.fidelity.rung <= ladder.last:
                meant += ladder.added_seconds(seen.fidelity.seconds, spent=before)
                taken += seen.train_seconds
                before = seen.fidelity.seconds
                results += 1
    if results < fewest_results or meant <= 0 or taken <= 0:
        return 1.0
    return taken / meant

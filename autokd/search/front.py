"""The trials that no other beats in both accuracy and use of the limits."""

from collections.abc import Sequence

from autokd.core.cost import Limits
from autokd.core.trial import Trial


def pareto_front(trials: Sequence[Trial], limits: Limits) -> tuple[int, ...]:
    """Give the ids of the trials on the front, the most accurate first.

    Only trials on the highest rung that any living trial finished are compared: accuracies of
    different training lengths are not. A trial is beaten by one that is at least as accurate with
    at most the utilisation of the limits, and better in one of the two.
    """
    living = [t for t in trials if t.failure is None and t.observations]
    top = max((t.rung for t in living), default=0)
    points = sorted(
        (-t.accuracy, limits.utilisation(t.candidate.cost), t.trial_id)
        for t in living
        if t.rung == top
    )
    front: list[int] = []
    least = float("inf")
    last: tuple[float, float] | None = None
    for loss, use, trial_id in points:
        if use < least or (loss, use) == last:
            front.append(trial_id)
            least, last = use, (loss, use)
    return tuple(front)

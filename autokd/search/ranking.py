"""Who is better on a rung, and who goes on though it had less.

Rungs hold training time equal, so a student that is slow to train has seen fewer images at the end
of one. Short rungs then rank students by how fast they train as much as by how good they get: on
German traffic signs a ResNet-20 at 32 px had 23 % after 28 seconds where a student at 16 px had
86 %, and 98 % against 96 % after ten times as long. On CIFAR-100 at the same budget the fast ones
stay ahead. Which of the two holds is found out by keeping some of both.
"""

import statistics
from collections.abc import Sequence

from autokd.core.trial import Observation, Trial


def by_accuracy(trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
    """Give the trials with a result on ``rung``, the most accurate there first; equal ones by id.

    What became of them later does not count, so that the order stays the same.
    """
    scores = {i: seen.accuracy for i, seen in _on_rung(trials, rung).items()}
    by_id = {trial.trial_id: trial for trial in trials}
    return tuple(by_id[i] for i in sorted(scores, key=lambda i: (-scores[i], i)))


def in_turns(order: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
    """Give ``order`` anew: in turns the first of all and the first of the slower half.

    Slower are those that saw fewer images on ``rung`` than the median. Where all saw as many, the
    order stays.
    """
    images = {i: seen.fidelity.images for i, seen in _on_rung(order, rung).items()}
    middle = statistics.median(images.values()) if images else 0.0
    slower = [t for t in order if images.get(t.trial_id, middle) < middle]
    queues = [list(reversed(order)), list(reversed(slower))]
    placed: dict[int, Trial] = {}
    while queues[0]:
        for queue in queues:
            while queue and queue[-1].trial_id in placed:
                queue.pop()
            if queue:
                first = queue.pop()
                placed[first.trial_id] = first
    return tuple(placed.values())


def _on_rung(trials: Sequence[Trial], rung: int) -> dict[int, Observation]:
    return {
        t.trial_id: seen for t in trials for seen in t.observations if seen.fidelity.rung == rung
    }

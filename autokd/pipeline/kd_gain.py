"""What the teacher gave: the winner trained with it and without, once or with several seeds."""

import math
import statistics
from collections.abc import Sequence

from autokd.core.config import SearchConfig
from autokd.core.results import KdGain
from autokd.core.trial import Candidate, Trial

# Seeds where the budget affords them, and what that means: full training of so long in spite of
# them. Below, a second pair would cost the winner more than it says about it.
SEEDS = 3
ENOUGH_SECONDS = 3600.0

Pair = tuple[Trial, Trial]


def gain_seeds(
    search: SearchConfig, *, labelled: bool, full_seconds_with_three: float | None
) -> int:
    """Give the number of pairs to train, 0 for no comparison.

    Args:
        search: What the person asked for.
        labelled: Whether the images have labels; without, all students learn from the teacher.
        full_seconds_with_three: Length of full training if three pairs are trained; None when the
            run goes by a number of students.
    """
    if not (search.kd_gain and labelled):
        return 0
    if search.kd_gain_seeds is not None:
        return search.kd_gain_seeds
    return SEEDS if (full_seconds_with_three or 0.0) >= ENOUGH_SECONDS else 1


def gain_rounds(seeds: int, workers: int) -> int:
    """Give how many times the full length the trainings beside the winner's own take."""
    return math.ceil(max(0, 2 * seeds - 1) / workers)


def gain_candidates(winner: Candidate, seeds: int) -> tuple[tuple[Candidate, Candidate], ...]:
    """Give pairs that differ in the teacher alone; the first with teacher is the winner itself."""
    without = winner.distill.model_copy(update={"alpha": 0.0})
    taught = [winner] + [
        winner.model_copy(update={"origin": "repeat", "repeat": number})
        for number in range(1, seeds)
    ]
    return tuple(
        (one, one.model_copy(update={"origin": "twin", "distill": without})) for one in taught
    )


def kd_gain_of(pairs: Sequence[Pair], train_images: int) -> KdGain | None:
    """Compare pairs at full length; None without any."""
    if not pairs:
        return None
    taught = [pair[0].observations[-1].accuracy for pair in pairs]
    plain = [pair[1].observations[-1].accuracy for pair in pairs]
    gains = [one - other for one, other in zip(taught, plain, strict=True)]
    return KdGain(
        epochs=pairs[0][0].observations[-1].fidelity.images / train_images,
        with_teacher=statistics.fmean(taught),
        without_teacher=statistics.fmean(plain),
        seeds=len(pairs),
        gain_std=statistics.stdev(gains) if len(pairs) > 1 else None,
    )

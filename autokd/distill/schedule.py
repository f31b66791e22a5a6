"""The learning rate: warm-up, stable, then a linear decay to zero that ends the rung.

Scores are comparable only after a decay, yet a decayed network cannot well be trained on. So the
state at the start of the decay is kept, and a later rung goes on from there: the learning rate of a
step before the decay depends neither on the length of the rung nor on how often training stopped.
"""

from dataclasses import dataclass

from autokd.space.phases import DECAY_FRACTION

# Enough for the momentum and the statistics of BatchNorm to settle; the same for every rung.
WARMUP_STEPS = 100


@dataclass(frozen=True, slots=True)
class Schedule:
    """Learning rates of one rung, relative to the highest.

    Attributes:
        total_steps: Steps since the start of training at which the rung ends.
        warmup_steps: Steps over which the rate rises.
    """

    total_steps: int
    warmup_steps: int

    @property
    def branch_step(self) -> int:
        """The step with which the decay begins; the state before it serves every later rung."""
        return int((1 - DECAY_FRACTION) * self.total_steps)

    def rate(self, step: int) -> float:
        """Give the rate of ``step``, counted from 0, in (0, 1]."""
        rising = min(1.0, (step + 1) / self.warmup_steps)
        falling = (self.total_steps - step) / (self.total_steps - self.branch_step)
        return rising * min(1.0, falling)


def warmup_steps(steps_per_epoch: int) -> int:
    """Give the length of the warm-up: at most an epoch, so that tiny sets leave it too."""
    return min(WARMUP_STEPS, steps_per_epoch)

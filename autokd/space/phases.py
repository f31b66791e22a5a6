"""The two phases of a training: most of it on smaller images, the decay on those of full size.

A step costs what its pixels cost, so a student sees more images in the same time, and learns at
full size last what only full size shows. Raising the size while training is the progressive
learning of M. Tan and Q. Le, EfficientNetV2: Smaller Models and Faster Training, ICML 2021; ending
on the size that is deployed follows H. Touvron et al., Fixing the train-test resolution
discrepancy, NeurIPS 2019. docs/training.md has what it gives here.
"""

from autokd.space.program import Program

# Of a rung's steps, those in which the learning rate falls; the part that a promoted student does
# not reuse, so no longer than needed.
DECAY_FRACTION = 0.3
# Side of the images before the decay, as a share of what the student is made for.
EARLY_SIDE = 0.65
# Of a rung's time, what lies before the decay: a promoted student goes on from there.
_EARLY_TIME = (1 - DECAY_FRACTION) * EARLY_SIDE**2
REUSED_TIME = _EARLY_TIME / (_EARLY_TIME + DECAY_FRACTION)
_SMALLEST_MAP_PX = 2  # that the last stage may be left with


def early_px(program: Program) -> int:
    """Give the side of the images before the decay, such that every stage halves a whole number."""
    full = program.input_px
    smallest = min((layer.px for layer in program.layers if layer.px > 1), default=full)
    stride = full // smallest
    return min(full, stride * max(_SMALLEST_MAP_PX, round(EARLY_SIDE * full / stride)))


def mean_pixels(program: Program) -> float:
    """Give the pixels of a training's mean image over those of one of full size, in (0, 1]."""
    return mean_of_phases((early_px(program) / program.input_px) ** 2, 1.0)


def mean_of_phases(early: float, late: float) -> float:
    """Give the mean over all steps of what is ``early`` before the decay and ``late`` in it."""
    return (1 - DECAY_FRACTION) * early + DECAY_FRACTION * late

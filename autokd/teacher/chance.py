"""How much better than chance predictions are.

The measure is kappa [Cohen1960], the share of the way from chance to perfect agreement:
(accuracy - chance) / (1 - chance). Chance is what independent predictions with the same frequencies
would reach, so neither a frequent class nor a constant prediction counts for anything.

[Cohen1960] J. Cohen, A coefficient of agreement for nominal scales, 1960.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_MIN_KAPPA = 0.05
_STANDARD_ERRORS = 3.0


@dataclass(frozen=True, slots=True)
class Score:
    """Predictions against labels.

    Attributes:
        accuracy: Fraction that is right.
        chance: Accuracy of independent predictions with the same frequencies.
        kappa: 1 when all are right, 0 at chance.
        near_chance: Kappa is below 0.05, or accuracy is less than three standard errors above
            chance, with the error of that many independent predictions. For 1,000 images of ten
            even classes this is an accuracy below 14.5 %, for 50 images one below 22.7 %.
    """

    accuracy: float
    chance: float
    kappa: float
    near_chance: bool


def score_predictions(
    predicted: Tensor,  # (n,) int64
    labels: Tensor,  # (n,) int64
    *,
    classes: int,
) -> Score:
    """Score ``predicted`` against ``labels``; n is at least 1."""
    images = len(labels)
    accuracy = float((predicted == labels).double().mean())
    named = torch.bincount(predicted, minlength=classes).double() / images
    true = torch.bincount(labels, minlength=classes).double() / images
    chance = float(named @ true)
    if chance >= 1.0:  # one class alone, and it is always named
        return Score(accuracy, chance, 0.0, near_chance=True)
    kappa = (accuracy - chance) / (1 - chance)
    error = math.sqrt(chance * (1 - chance) / images)
    near = kappa < _MIN_KAPPA or accuracy - chance < _STANDARD_ERRORS * error
    return Score(accuracy, chance, kappa, near_chance=near)

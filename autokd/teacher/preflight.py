"""The teacher's score before anything is trained, and whether images may be mirrored."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from autokd.core.progress import Progress
from autokd.data.images import ImageSet
from autokd.errors import TeacherError
from autokd.teacher.chance import score_predictions
from autokd.teacher.diagnosis import find_repair, spread_index
from autokd.teacher.outputs import Teacher
from autokd.teacher.torch_teacher import TorchTeacher

_CHUNK = 256
_MIRRORED_IMAGES = 1024
_MAX_MIRROR_LOSS = 0.02
_MIN_MIRROR_AGREEMENT = 0.9
# Below this kappa a teacher is not stopped, but the usual mistakes are looked for.
_DOUBTFUL_KAPPA = 0.5
_MAX_ENTROPY_SHARE = 0.98
_MANY_OF_ONE_CLASS = 0.9
_FEW_IMAGES = 20


@dataclass(frozen=True, slots=True)
class PreflightScore:
    """What the teacher does on validation images.

    Attributes:
        accuracy: None for images without labels.
        mirrored_accuracy: On mirrored images; None without labels, or when nobody asked.
        mirrored_agreement: Share of images whose class stays when they are mirrored; None when
            nobody asked.
        flip: Whether to mirror images in training.
        logits: float32 (n, classes) of the validation images.
        warnings: What a person should know, in sentences.
    """

    accuracy: float | None
    mirrored_accuracy: float | None
    mirrored_agreement: float | None
    flip: bool
    logits: Tensor
    warnings: tuple[str, ...] = ()


def preflight(
    teacher: Teacher,
    validation: ImageSet,
    *,
    flip: Literal["auto", "yes", "no"],
    progress: Progress,
) -> PreflightScore:
    """Score the teacher, settle its precision, and decide on mirroring.

    A teacher is near chance when its kappa is below 0.05 or its accuracy within three standard
    errors of chance, see `autokd.teacher.chance`. With ``flip`` on ``auto``, images are mirrored if
    accuracy on at most 1,024 mirrored images is at most 2 points lower than on the same images as
    they are; without labels, if at least 90 % keep their class.

    Args:
        teacher: Any teacher.
        validation: At least one image.
        flip: ``auto`` asks the teacher.
        progress: Told about the images done.

    Raises:
        TeacherError: The teacher is near chance, with the cause if it was found; or its logits are
            not finite; or, without labels, it says the same of every image.
    """
    if isinstance(teacher, TorchTeacher):
        teacher.settle_precision(validation.images)
    logits = _logits(teacher, validation.images, "scoring the teacher", progress)
    if not bool(torch.isfinite(logits).all()):
        bad = int((~torch.isfinite(logits).all(dim=1)).sum())
        msg = (
            f"{teacher.card.file}: gives NaN or infinite scores for {bad} of {len(validation)} "
            f"validation images; check its weights and its normalisation, mean "
            f"{list(teacher.card.mean)} and std {list(teacher.card.std)}."
        )
        raise TeacherError(msg)
    if validation.labelled:
        warnings = _check_accuracy(teacher, validation, logits, progress)
    else:
        warnings = _check_variety(teacher, logits)
    mirrored, agreement, flipped = _decide_flip(teacher, validation, logits, flip, progress)
    accuracy = _accuracy(logits, validation.labels) if validation.labelled else None
    return PreflightScore(accuracy, mirrored, agreement, flipped, logits, warnings)


def _logits(teacher: Teacher, images: Tensor, what: str, progress: Progress) -> Tensor:
    rows = []
    for start in range(0, len(images), _CHUNK):
        progress(what, start, len(images))
        rows.append(teacher.logits(images[start : start + _CHUNK]))
    progress(what, len(images), len(images))
    return torch.cat(rows)


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(1) == labels).double().mean())


def _check_accuracy(
    teacher: Teacher, validation: ImageSet, logits: Tensor, progress: Progress
) -> tuple[str, ...]:
    score = score_predictions(logits.argmax(1), validation.labels, classes=logits.shape[1])
    if score.kappa >= _DOUBTFUL_KAPPA:
        return ()
    repair = find_repair(teacher, validation, logits, progress=progress)
    card = teacher.card
    scored = f"{card.file}: the teacher has {score.accuracy:.1%} of {len(validation)} images right"
    if score.near_chance:
        msg = f"{scored}, where chance has {score.chance:.1%}; there is nothing to learn from it. "
    elif repair is not None:
        msg = f"{scored}. "
    else:
        return (f"{scored}; students rarely do better than their teacher.",)
    if repair is not None:
        msg += (
            f"Likely cause: {repair.cause}. With that put right it has {repair.accuracy:.1%}: "
            f"{repair.advice}."
        )
    else:
        msg += (
            f"It was given {card.input_px} px, {card.image_channels} channel(s), mean "
            f"{list(card.mean)}, std {list(card.std)} ({card.normalisation_source}); other usual "
            "normalisations, BGR and every order of classes do not help. Check that the data are "
            "what it was trained on, and that the file holds trained weights."
        )
    if score.near_chance:
        raise TeacherError(msg)
    return (msg,)


def _check_variety(teacher: Teacher, logits: Tensor) -> tuple[str, ...]:
    """Without labels, look whether the teacher says anything at all about the images."""
    file = teacher.card.file
    images, classes = logits.shape
    top = int(torch.bincount(logits.argmax(1), minlength=classes).max())
    if top == images and images >= _FEW_IMAGES:
        msg = (
            f"{file}: names the same class for all {images} validation images, so there is nothing "
            "to learn; check the images, and mean, std and input size of the teacher."
        )
        raise TeacherError(msg)
    log_p = logits.log_softmax(1)
    entropy = float(-(log_p.exp() * log_p).sum(1).mean())
    if entropy > _MAX_ENTROPY_SHARE * math.log(classes):
        msg = (
            f"{file}: its scores on the validation images are as even as chance (entropy "
            f"{entropy:.2f} of {math.log(classes):.2f} nats); check that the file holds trained "
            "weights, and mean, std and input size of the teacher."
        )
        raise TeacherError(msg)
    if top > _MANY_OF_ONE_CLASS * images:
        return (f"{file}: names one class for {top / images:.0%} of the validation images.",)
    return ()


def _decide_flip(
    teacher: Teacher,
    validation: ImageSet,
    logits: Tensor,
    flip: Literal["auto", "yes", "no"],
    progress: Progress,
) -> tuple[float | None, float | None, bool]:
    """Give accuracy on mirrored images, share of images that keep their class, and the decision."""
    if flip != "auto":
        return None, None, flip == "yes"
    index = spread_index(len(validation), _MIRRORED_IMAGES)
    mirrored = _logits(
        teacher, validation.images[index].flip(2), "scoring mirrored images", progress
    )
    agreement = float((mirrored.argmax(1) == logits[index].argmax(1)).double().mean())
    if not validation.labelled:
        return None, agreement, agreement >= _MIN_MIRROR_AGREEMENT
    labels = validation.labels[index]
    accuracy = _accuracy(mirrored, labels)
    lost = _accuracy(logits[index], labels) - accuracy
    return accuracy, agreement, lost <= _MAX_MIRROR_LOSS

"""Where each winner departs from the teacher, on validation images alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autokd.core.codec import write_atomically
from autokd.core.departures import ClassScore, DisagreementStrip
from autokd.core.trial import Trial
from autokd.data.images import ImageSet
from autokd.data.strip import png_strip
from autokd.distill.departures import Answers, class_scores, disagreements, telling_images
from autokd.pipeline.exporting import Exporter

STRIP_FILE = "departures.png"
STRIP_IMAGES = 24
LARGEST_PX = 96

# Gives the teacher's classes on the validation images, (n,).
TeacherClasses = Callable[[], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Departures:
    """Of one winner, as in `autokd.core.results.Winner`."""

    classes: tuple[ClassScore, ...]
    strip: DisagreementStrip | None


def find_departures(
    exporter: Exporter,
    trial: Trial,
    rank: int,
    *,
    validation: ImageSet,
    teacher_classes: NDArray[np.int64],
) -> Departures:
    """Compare the student of ``trial`` with its teacher, and write the strip of images.

    Args:
        exporter: Of this run.
        trial: A finalist, trained at full length.
        rank: Of the winner, whose folder gets the strip.
        validation: n images.
        teacher_classes: What the teacher takes them for, (n,).

    Raises:
        ExportError: The trained weights cannot be read.
        StorageError: The disk is full or refuses.
    """
    answers = Answers(
        labels=validation.labels.numpy(),
        student=exporter.logits(trial, validation),
        teacher=teacher_classes,
    )
    names = exporter.plan.data.classes
    return Departures(
        class_scores(answers, names), _write_strip(exporter, rank, answers, validation)
    )


def _write_strip(
    exporter: Exporter, rank: int, answers: Answers, validation: ImageSet
) -> DisagreementStrip | None:
    places = telling_images(answers, most=STRIP_IMAGES)
    path = exporter.run / "winners" / str(rank) / STRIP_FILE
    if not places:
        return None
    px = min(validation.px, LARGEST_PX)
    write_atomically(path, png_strip(validation.subset(torch.tensor(places)).images, px=px))
    return DisagreementStrip(
        file=str(path.relative_to(exporter.run)),
        image_px=px,
        images=disagreements(answers, places, exporter.plan.data.classes),
        validation_images=len(validation),
        differing=answers.differing,
    )

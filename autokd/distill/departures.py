"""Where a student departs from its teacher on the validation images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autokd.core.departures import ClassScore, Disagreement


@dataclass(frozen=True, slots=True)
class Answers:
    """What student and teacher said about the same n images.

    Attributes:
        labels: (n,), -1 where there is none.
        student: (n, classes), its logits.
        teacher: (n,), the classes that it names.
    """

    labels: NDArray[np.int64]
    student: NDArray[np.float32]
    teacher: NDArray[np.int64]

    @property
    def named(self) -> NDArray[np.int64]:
        """The classes that the student names, (n,)."""
        return np.asarray(self.student.argmax(axis=1), dtype=np.int64)

    @property
    def differing(self) -> int:
        """Number of images that the two name differently."""
        return int((self.named != self.teacher).sum())


def class_scores(answers: Answers, class_names: Sequence[str]) -> tuple[ClassScore, ...]:
    """Give how both did on each class, in the order of ``class_names``; nothing without labels.

    Images without a label count for no class. Of classes that the student takes wrong images for
    equally often, the first is named.
    """
    known = answers.labels >= 0
    if not known.any():
        return ()
    labels, named, teacher = (
        column[known] for column in (answers.labels, answers.named, answers.teacher)
    )
    classes = len(class_names)
    images = np.bincount(labels, minlength=classes)
    student_right = np.bincount(labels[named == labels], minlength=classes)
    teacher_right = np.bincount(labels[teacher == labels], minlength=classes)
    taken_for = _most_often(labels, named, classes)
    return tuple(
        ClassScore(
            name=name,
            images=int(images[label]),
            student_right=int(student_right[label]),
            teacher_right=int(teacher_right[label]),
            confused_with=None if taken_for[label] < 0 else class_names[taken_for[label]],
        )
        for label, name in enumerate(class_names)
    )


def telling_images(answers: Answers, *, most: int) -> list[int]:
    """Give the places of at most ``most`` images that student and teacher name differently.

    Images where the teacher is right come before those where it is wrong, among the latter those
    where the student is wrong too; within each the surest answer of the student first. An image
    without a label is right when the teacher says so.
    """
    named = answers.named
    labels = np.where(answers.labels >= 0, answers.labels, answers.teacher)
    differ = np.flatnonzero(named != answers.teacher)
    order = np.lexsort(
        (
            differ,
            -_log_odds(answers.student[differ]),
            named[differ] == labels[differ],
            answers.teacher[differ] != labels[differ],
        )
    )
    return [int(place) for place in differ[order[:most]]]


def disagreements(
    answers: Answers, places: Sequence[int], class_names: Sequence[str]
) -> tuple[Disagreement, ...]:
    """Give what the images at ``places`` are, and what both take them for."""
    named = answers.named
    return tuple(
        Disagreement(
            index=place,
            label=class_names[answers.labels[place]] if answers.labels[place] >= 0 else None,
            student=class_names[named[place]],
            teacher=class_names[answers.teacher[place]],
        )
        for place in places
    )


def _most_often(
    labels: NDArray[np.int64], named: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Give the class that each class is most often mistaken for, (classes,); -1 for never."""
    wrong = named != labels
    # Sorted by class, then by what it is taken for, so of equal counts the first stays.
    pairs, counts = np.unique(labels[wrong] * classes + named[wrong], return_counts=True)
    taken_for = np.full(classes, -1, dtype=np.int64)
    most = np.zeros(classes, dtype=np.int64)
    for pair, count in zip(pairs, counts, strict=True):
        label, other = divmod(int(pair), classes)
        if count > most[label]:
            taken_for[label], most[label] = other, count
    return taken_for


def _log_odds(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give log p / (1 - p) of the class that is named, (n,); unlike p it never rounds to 1."""
    ordered = np.sort(logits.astype(np.float64), axis=1)
    best, others = ordered[:, -1], ordered[:, :-1]
    if not others.shape[1]:
        return np.full(len(best), np.inf)
    return np.asarray(best - np.logaddexp.reduce(others, axis=1), dtype=np.float64)

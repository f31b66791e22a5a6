"""Seeded cuts of a set of labels, each class in its share. Without labels, -1 is the one class."""

from dataclasses import dataclass

import numpy as np

from autokd.core.seeds import derive_seed
from autokd.data.source import Integers


@dataclass(frozen=True, slots=True)
class Cut:
    """Places of a set in three parts without overlap, each sorted, int64."""

    train: Integers
    validation: Integers
    test: Integers


def cut(labels: Integers, *, validation_fraction: float, test_fraction: float, seed: int) -> Cut:
    """Cut a set into training, validation and test images, each class in the same shares.

    A class of two or more images has at least one in the validation part, as students are selected
    there, and one of three or more has at least one in the test part as well; a fraction of 0 gives
    an empty part. At least one image of each class is left for training.

    Args:
        labels: int64 (n,).
        validation_fraction: Share of each class, below 0.5.
        test_fraction: Likewise.
        seed: The run's; the same labels and seed give the same cut.
    """
    rng = np.random.default_rng(derive_seed(seed, "split"))
    parts: tuple[list[Integers], list[Integers], list[Integers]] = ([], [], [])
    for members in _by_class(labels):
        shuffled = rng.permutation(members)
        validation = _share(validation_fraction, members.size, left=members.size - 1)
        test = _share(test_fraction, members.size, left=members.size - validation - 1)
        for part, piece in zip(
            parts,
            np.split(shuffled, [members.size - validation - test, members.size - test]),
            strict=True,
        ):
            part.append(piece)
    return Cut(*(_join(part) for part in parts))


def balanced(labels: Integers, most: int, *, seed: int) -> Integers:
    """Choose ``most`` places, as equally many of each class as there are; sorted, int64.

    All places when there are no more than that. Small classes are taken whole, and the others share
    what is left.
    """
    if labels.size <= most:
        return np.arange(labels.size, dtype=np.int64)
    rng = np.random.default_rng(derive_seed(seed, "subset"))
    classes = _by_class(labels)
    quota = np.zeros(len(classes), np.int64)
    left = most
    by_size = sorted(range(len(classes)), key=lambda place: classes[place].size)
    for done, place in enumerate(by_size):
        quota[place] = min(classes[place].size, left // (len(classes) - done))
        left -= int(quota[place])
    chosen = [
        rng.permutation(members)[:count] for members, count in zip(classes, quota, strict=True)
    ]
    return _join(chosen)


def _by_class(labels: Integers) -> list[Integers]:
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, starts) if labels.size else []


def _share(fraction: float, members: int, *, left: int) -> int:
    if fraction <= 0:
        return 0
    return max(0, min(max(1, round(fraction * members)), left))


def _join(pieces: list[Integers]) -> Integers:
    return np.sort(np.concatenate([np.empty(0, np.int64), *pieces])).astype(np.int64)

"""The images that the table is made of, and their teacher.

The first 20 classes of CIFAR-100 and a MicroNet trained on all 100 of them. Nothing of either is
kept in the project.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from autokd.data.images import ImageSet
from autokd.data.splits import cut
from autokd.teacher.load import Teacher
from tools.source_folder import IMAGE_SET, TEACHER, load_split, load_teacher, require_parts

CLASSES = 20
VALIDATION_FRACTION = 0.2
_NEEDED = ("load.py", IMAGE_SET, "teachers/nets.py", f"teachers/{TEACHER}.pt")


@dataclass(frozen=True, slots=True)
class Source:
    """What students are trained and judged with.

    Attributes:
        train: Students learn from these.
        validation: A search may see the scores on these.
        test: No search may.
        class_names: In the order of labels and logits.
        teacher: Gives one logit for each class.
    """

    train: ImageSet
    validation: ImageSet
    test: ImageSet
    class_names: tuple[str, ...]
    teacher: Teacher

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that tell whether images, labels and splits are the same."""
        digest = hashlib.sha256(repr(self.class_names).encode())
        for part in (self.train, self.validation, self.test):
            digest.update(repr(tuple(part.images.shape)).encode())
            digest.update(np.ascontiguousarray(part.images.numpy()).data)
            digest.update(np.ascontiguousarray(part.labels.numpy()).data)
        return digest.hexdigest()


def load_source(data: Path, *, seed: int) -> Source:
    """Read images and teacher, and cut the validation images, each class in its share.

    Args:
        data: Folder with ``load.py``, ``cifar100/`` and ``teachers/``.
        seed: Of the cut.

    Raises:
        DataError: One of these is missing.
    """
    require_parts(data, _NEEDED)
    images, labels, classes = load_split(data, "train")
    known = _first_classes(images, labels)
    test_images, test_labels, _ = load_split(data, "test")
    parts = cut(
        known.labels.numpy(), validation_fraction=VALIDATION_FRACTION, test_fraction=0, seed=seed
    )
    class_names = tuple(classes[:CLASSES])
    return Source(
        train=known.subset(torch.from_numpy(parts.train)),
        validation=known.subset(torch.from_numpy(parts.validation)),
        test=_first_classes(test_images, test_labels),
        class_names=class_names,
        teacher=load_teacher(data, class_names),
    )


def _first_classes(images: np.ndarray, labels: np.ndarray) -> ImageSet:
    kept = labels < CLASSES
    return ImageSet(torch.from_numpy(images[kept]), torch.from_numpy(labels[kept]))

"""Any kind of data input to a `Dataset`: opened, cut, surveyed, read."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from autokd.core.config import DataConfig
from autokd.core.progress import Progress, silent
from autokd.data.arrays import open_arrays
from autokd.data.folders import open_folder
from autokd.data.images import Dataset, ImageSet
from autokd.data.source import Flags, Input, Integers, Part, target_px
from autokd.data.splits import balanced, cut
from autokd.data.torchvision_sets import open_torchvision
from autokd.errors import DataError

__all__ = ["Dataset", "load_dataset"]

_MOST_UNREADABLE = 0.01


def load_dataset(config: DataConfig, *, seed: int, progress: Progress) -> Dataset:
    """Read all training and validation images; test images only by `Dataset.load_test`.

    What the input does not set aside is cut from its training images, by ``seed``.

    Raises:
        DataError: The images or labels cannot be used; the message says why and what to do.
    """
    found = _open(config.path)
    train, validation, test = _split(found, config, seed)
    damage = _Damage(found.where, train.index.size + validation.index.size + test.index.size)
    train, train_sizes, train_gray = _survey(train, damage, progress)
    validation, validation_sizes, validation_gray = _survey(validation, damage, progress)
    if test.source.headers_tell:
        test, _, _ = _survey(test, damage, progress)
    damage.check()
    px = target_px(config.size_px, np.concatenate((train_sizes, validation_sizes)))
    reader = _Reader(px, 1 if train_gray and validation_gray else 3)
    train_set, validation_set = reader.read_both(train, validation, damage, progress)
    _check_classes(found, train_set, validation_set)
    return Dataset(
        train=train_set,
        validation=validation_set,
        class_names=found.class_names,
        digest=_digest(found.class_names, train_set, validation_set, test),
        unreadable=tuple(damage.names),
        test_images=test.index.size,
        _read_test=_TestReader(found.where, test, reader) if test.index.size else None,
    )


def _open(path: str) -> Input:
    if path.startswith("torchvision:"):
        return open_torchvision(path)
    place = Path(path).expanduser()
    if place.is_dir():
        return open_folder(place)
    if not place.exists():
        msg = (
            f"{path}: there is no such folder or file; give the images with --data: a folder, "
            "an .npz file, or torchvision:NAME@ROOT."
        )
        raise DataError(msg)
    if place.suffix.lower() != ".npz":
        msg = (
            f"{path}: is neither a folder nor an .npz file; give one of these with --data, "
            "or torchvision:NAME@ROOT."
        )
        raise DataError(msg)
    return open_arrays(place)


def _split(found: Input, config: DataConfig, seed: int) -> tuple[Part, Part, Part]:
    """Give training, validation and test images, the missing ones cut from the training images."""
    train, validation, test = found.train, found.validation, found.test
    if validation is None or test is None:
        _check_can_cut(found)
        parts = cut(
            train.labels,
            validation_fraction=config.validation_fraction if validation is None else 0,
            test_fraction=config.test_fraction if test is None else 0,
            seed=seed,
        )
        validation = validation or train.at(parts.validation)
        test = test or train.at(parts.test)
        train = train.at(parts.train)
    if config.max_train_images is not None:
        classes = len(np.unique(train.labels))
        if config.max_train_images < classes:
            msg = (
                f"{found.where}: max_train_images = {config.max_train_images}: "
                f"must be at least {classes}, one image a class."
            )
            raise DataError(msg)
        train = train.at(balanced(train.labels, config.max_train_images, seed=seed))
    return train, validation, test


def _check_can_cut(found: Input) -> None:
    labels, counts = np.unique(found.train.labels, return_counts=True)
    lone = labels[counts < 2]
    if lone.size:
        who = f"the class {found.class_names[lone[0]]!r} has" if lone[0] >= 0 else "there is"
        msg = (
            f"{found.where}: {who} only 1 image, and cannot be split into training and "
            "validation images; add images, or give train/, val/ and test/ yourself."
        )
        raise DataError(msg)


def _survey(part: Part, damage: "_Damage", progress: Progress) -> tuple[Part, Integers, bool]:
    """Give the images whose headers can be read, their sizes (m, 2), and whether all are gray."""
    survey = part.source.survey(part.index, progress)
    good = survey.sizes.min(axis=1) > 0
    damage.add(part, good)
    return part.at(np.flatnonzero(good)), survey.sizes[good], bool(survey.gray[good].all())


def _check_classes(found: Input, train: ImageSet, validation: ImageSet) -> None:
    counts = torch.bincount(train.labels.clamp(min=0), minlength=len(found.class_names))
    empty = torch.nonzero(counts == 0)
    if train.labelled and len(empty):
        name = found.class_names[int(empty[0])]
        msg = f"{found.where}: the class {name!r} has no readable training image; add some."
        raise DataError(msg)
    if not len(validation):
        msg = f"{found.where}: no validation image is left to select students by; add some."
        raise DataError(msg)


def _digest(class_names: tuple[str, ...], train: ImageSet, validation: ImageSet, test: Part) -> str:
    """Digest pixels and labels; of test images, which are not read yet, what stands for pixels."""
    described = {
        "classes": class_names,
        "shapes": [tuple(part.images.shape) for part in (train, validation)],
        "test": test.source.fingerprint(test.index) if test.index.size else "",
    }
    digest = hashlib.sha256(json.dumps(described).encode())
    for part in (train, validation):
        digest.update(part.images.numpy().data)
        digest.update(part.labels.numpy().data)
    digest.update(test.index.tobytes())
    digest.update(test.labels.tobytes())
    return digest.hexdigest()


@dataclass(slots=True)
class _Damage:
    """Counts unreadable images of ``total``."""

    where: str
    total: int
    names: list[str] = field(default_factory=list)

    def add(self, part: Part, good: Flags) -> None:
        """Note the images of ``part`` where ``good``, bool (m,), is false."""
        self.names += part.names(~good)

    def check(self) -> None:
        """Refuse to go on with a set of which much is missing.

        Raises:
            DataError: More than 1 % of the images are unreadable.
        """
        count = len(self.names)
        if count > _MOST_UNREADABLE * self.total:
            more = ", ..." if count > 3 else ""
            msg = (
                f"{self.where}: {count} of {self.total} images cannot be read "
                f"({', '.join(self.names[:3])}{more}), and at most {_MOST_UNREADABLE:.0%} may be "
                "damaged; copy them again, or remove them."
            )
            raise DataError(msg)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads images in the form that the whole set has."""

    px: int
    channels: int

    def read(self, part: Part, damage: _Damage, progress: Progress) -> tuple[ImageSet, Flags]:
        """Give the readable images of ``part``, and which those are.

        Raises:
            DataError: Too many are unreadable.
        """
        images, good = part.source.read(
            part.index, px=self.px, channels=self.channels, progress=progress
        )
        damage.add(part, good)
        damage.check()
        labels = part.labels
        if not good.all():
            images, labels = images[good], labels[good]
        return ImageSet(torch.from_numpy(images), torch.from_numpy(labels)), good

    def read_both(
        self, train: Part, validation: Part, damage: _Damage, progress: Progress
    ) -> tuple[ImageSet, ImageSet]:
        """Read two parts; in one go if they lie in one place, so that an array is read once."""
        if train.source is not validation.source:
            train_set, _ = self.read(train, damage, progress)
            return train_set, self.read(validation, damage, progress)[0]
        index = np.concatenate((train.index, validation.index))
        both, good = self.read(Part(train.source, index), damage, progress)
        first = int(good[: train.index.size].sum())
        return (
            ImageSet(both.images[:first], both.labels[:first]),
            ImageSet(both.images[first:], both.labels[first:]),
        )


@dataclass(frozen=True, slots=True)
class _TestReader:
    """Reads the test images when it is called."""

    where: str
    test: Part
    reader: _Reader

    def __call__(self) -> ImageSet:
        damage = _Damage(self.where, self.test.index.size)
        return self.reader.read(self.test, damage, silent)[0]

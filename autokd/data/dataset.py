"""Any kind of data input to a `Dataset`: opened, cut, surveyed, read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL
import torch

from autokd.core.config import DataConfig
from autokd.core.progress import Progress, silent
from autokd.data.arrays import open_arrays
from autokd.data.conversion import Converted, ImageForm, convert_parts, read_parts
from autokd.data.folders import open_folder
from autokd.data.given_store import is_given, open_given
from autokd.data.images import Dataset, ImageSet
from autokd.data.source import Flags, Input, Integers, Part, target_px
from autokd.data.splits import balanced, cut
from autokd.data.torchvision_sets import open_torchvision
from autokd.errors import DataError

__all__ = ["Dataset", "load_dataset"]

_MOST_UNREADABLE = 0.01
# Of converted images; another number makes old ones be converted again.
_FORMAT = 1


def load_dataset(
    config: DataConfig, *, seed: int, progress: Progress, cache: Path | None = None
) -> Dataset:
    """Read all training and validation images; test images only by `Dataset.load_test`.

    What the input does not set aside is cut from its training images, by ``seed``.

    Args:
        config: Where the images are.
        seed: Of the cuts.
        progress: Told about the images done.
        cache: The user's cache folder. Images are converted once into its folder ``images`` and
            mapped from there, so that they may be more than memory holds. None reads them into
            memory.

    Raises:
        DataError: The images or labels cannot be used; the message says why and what to do.
        StorageError: The cache cannot be written.
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
    reader = _Reader(
        found=found,
        form=ImageForm(px, 1 if train_gray and validation_gray else 3),
        folder=None if cache is None else cache / "images",
        parts={"train": train, "validation": validation},
        test=test,
    )
    return reader.dataset(damage, progress)


def _open(path: str) -> Input:
    if path.startswith("torchvision:"):
        return open_torchvision(path)
    place = Path(path).expanduser()
    if place.is_dir():
        return open_given(place) if is_given(place) else open_folder(place)
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

    def check(self, more: Sequence[str] = ()) -> None:
        """Refuse to go on with a set of which much is missing.

        Args:
            more: Names of unreadable images that are not noted yet.

        Raises:
            DataError: More than 1 % of the images are unreadable.
        """
        names = [*self.names, *more]
        count = len(names)
        if count > _MOST_UNREADABLE * self.total:
            others = ", ..." if count > 3 else ""
            msg = (
                f"{self.where}: {count} of {self.total} images cannot be read "
                f"({', '.join(names[:3])}{others}), and at most {_MOST_UNREADABLE:.0%} may be "
                "damaged; copy them again, or remove them."
            )
            raise DataError(msg)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads images in the form that the whole set has.

    Attributes:
        found: The input.
        form: Of the images.
        folder: Where converted sets are kept; None to read into memory.
        parts: Training and validation images.
        test: Test images.
    """

    found: Input
    form: ImageForm
    folder: Path | None
    parts: dict[str, Part]
    test: Part

    def dataset(self, damage: _Damage, progress: Progress) -> Dataset:
        """Read all but the test images."""
        converted = self._read(self.parts, damage, progress)
        for name, part in self.parts.items():
            damage.add(part, converted.good[name])
        train, validation = converted.sets["train"], converted.sets["validation"]
        _check_classes(self.found, train, validation)
        return Dataset(
            train=train,
            validation=validation,
            class_names=self.found.class_names,
            digest=converted.digest,
            unreadable=tuple(damage.names),
            test_images=self.test.index.size,
            folder=self._place(),
            _read_test=self._read_test if self.test.index.size else None,
        )

    def _read_test(self) -> ImageSet:
        damage = _Damage(self.found.where, self.test.index.size)
        return self._read({"test": self.test}, damage, silent).sets["test"]

    def _read(self, parts: dict[str, Part], damage: _Damage, progress: Progress) -> Converted:
        def check(good: dict[str, Flags]) -> None:
            damage.check(more=[n for name, part in parts.items() for n in part.names(~good[name])])

        def digest_of(sets: dict[str, ImageSet]) -> str:
            if "train" not in sets:
                return ""
            return _digest(self.found.class_names, sets["train"], sets["validation"], self.test)

        place = self._place()
        if place is None:
            sets, good = read_parts(parts, self.form, check=check, progress=progress)
            return Converted(sets, good, digest_of(sets))
        return convert_parts(
            parts, self.form, place, check=check, digest_of=digest_of, progress=progress
        )

    def _place(self) -> Path | None:
        """Give the folder that is named by all that the images in it depend on."""
        if self.folder is None:
            return None
        described = [_FORMAT, PIL.__version__, self.form.shape, self.found.class_names]
        digest = hashlib.sha256(json.dumps(described).encode())
        for part in (*self.parts.values(), self.test):
            digest.update(part.source.version(part.index).encode() if part.index.size else b"")
            digest.update(part.index.tobytes())
            digest.update(part.labels.tobytes())
        return self.folder / digest.hexdigest()

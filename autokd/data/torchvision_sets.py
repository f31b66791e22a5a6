"""Image sets of torchvision that lie on disk already; nothing is downloaded."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autokd.core.codec import nearest
from autokd.core.progress import Progress, silent
from autokd.data import decode
from autokd.data.source import (
    Flags,
    Input,
    Integers,
    Part,
    Pixels,
    Survey,
    block_images,
    check_classes,
    whole,
)
from autokd.errors import DataError

_SAMPLE = 64


@dataclass(frozen=True, slots=True)
class _Splits:
    """How a class of torchvision is asked for its official splits."""

    option: str
    train: str | bool
    test: str | bool
    validation: str | None = None


_BY_FLAG = _Splits("train", train=True, test=False)
_BY_WORD = _Splits("split", "train", "test")
SETS: Mapping[str, _Splits] = {
    "CIFAR10": _BY_FLAG,
    "CIFAR100": _BY_FLAG,
    "DTD": _Splits("split", "train", "test", "val"),
    "FGVCAircraft": _Splits("split", "train", "test", "val"),
    "FashionMNIST": _BY_FLAG,
    "Flowers102": _Splits("split", "train", "test", "val"),
    "Food101": _BY_WORD,
    "GTSRB": _BY_WORD,
    "Imagenette": _Splits("split", "train", "val"),
    "KMNIST": _BY_FLAG,
    "MNIST": _BY_FLAG,
    "OxfordIIITPet": _Splits("split", "trainval", "test"),
    "STL10": _BY_WORD,
    "SVHN": _BY_WORD,
    "StanfordCars": _BY_WORD,
    "USPS": _BY_FLAG,
}


class TorchvisionSource:
    """One official split."""

    headers_tell = False

    def __init__(self, make: Callable[[], Any], labels: Integers) -> None:
        self.labels = labels
        self._make = make

    def name(self, place: int) -> str:
        """Give the place in the split."""
        return f"[{place}]"

    def survey(self, index: Integers, progress: Progress) -> Survey:  # noqa: ARG002 - is short
        """Look at a sample: torchvision gives all images of a set in one mode."""
        images = self._make()
        sample = index[:: max(1, index.size // _SAMPLE)]
        with decode.tolerant():
            found = [images[int(place)][0] for place in sample]
        sizes = np.asarray([image.size for image in found], np.int64)
        gray = np.full(index.size, all(decode.is_gray(image) for image in found))
        return Survey(np.resize(sizes, (index.size, 2)), gray)

    def blocks(self, index: Integers, *, px: int, channels: int) -> Iterator[tuple[Pixels, Flags]]:
        """Read the images one by one; torchvision has no other way for all sets."""
        source = self._make()
        for places in np.split(index, np.arange(0, index.size, block_images(px, channels))[1:]):
            yield self._read(source, places, px=px, channels=channels)

    def _read(
        self, source: Any, index: Integers, *, px: int, channels: int
    ) -> tuple[Pixels, Flags]:
        images = np.zeros((index.size, px, px, channels), np.uint8)
        good = np.zeros(index.size, np.bool_)

        def fill(place: int) -> None:
            try:
                image = source[int(index[place])][0]
                images[place] = decode.pixels_of(image, px=px, channels=channels)
                good[place] = True
            except decode.UNREADABLE:
                good[place] = False

        decode.in_threads(fill, index.size, what="read images", progress=silent)
        return images, good

    def fingerprint(self, index: Integers) -> str:
        """Digest a sample of the pixels; the sets are official otherwise."""
        sample = index[:: max(1, index.size // _SAMPLE)]
        images, _ = self._read(self._make(), sample, px=32, channels=3)
        return hashlib.sha256(images.tobytes()).hexdigest()

    def version(self, index: Integers) -> str:
        """Digest a sample of the pixels."""
        return self.fingerprint(index)


def open_torchvision(path: str) -> Input:
    """Open ``torchvision:NAME@ROOT``.

    The test split is opened for its labels alone, and let go.

    Raises:
        DataError: The name is unknown, or the set is not on disk.
    """
    name, at, root = path.removeprefix("torchvision:").partition("@")
    if not at or not root:
        msg = (
            f"{path}: no folder is named; write torchvision:NAME@ROOT, ROOT as torchvision has it."
        )
        raise DataError(msg)
    if name not in SETS:
        msg = f"{path}: {name!r} is not a known set of torchvision; {nearest(name, list(SETS))}"
        raise DataError(msg)
    splits = SETS[name]
    parts: dict[str, Part] = {}
    class_names: tuple[str, ...] = ()
    for split in ("train", "validation", "test"):
        value = getattr(splits, split)
        if value is None:
            continue
        make = partial(_make, name, Path(root).expanduser(), {splits.option: value})
        images = make()
        parts[split] = whole(TorchvisionSource(make, _labels(images)))
        class_names = class_names or _class_names(images)
    class_names = class_names or tuple(str(n) for n in range(1 + parts["train"].labels.max()))
    check_classes(class_names, path)
    return Input(
        where=path,
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts.get("test"),
        class_names=class_names,
    )


def _make(name: str, root: Path, options: dict[str, str | bool]) -> Any:
    # Importing torchvision takes seconds, and most runs read folders.
    from torchvision import datasets

    try:
        return getattr(datasets, name)(str(root), download=False, **options)
    except (RuntimeError, ImportError, *decode.UNREADABLE) as fault:
        reason = str(fault).strip().split("\n")[0]
        msg = (
            f"torchvision:{name}@{root}: the set is not on disk, or is damaged ({reason}); "
            f"give the folder that torchvision.datasets.{name} was given as root."
        )
        raise DataError(msg) from None


def _labels(images: Any) -> Integers:
    """Give the labels, which the sets keep under several names."""
    for attribute in ("targets", "labels", "_labels"):
        labels = getattr(images, attribute, None)
        if labels is not None:
            return np.asarray(labels, np.int64)
    return np.asarray([sample[1] for sample in images._samples], np.int64)


def _class_names(images: Any) -> tuple[str, ...]:
    names = getattr(images, "classes", ())
    # Imagenette has several words a class.
    return tuple(", ".join(name) if isinstance(name, tuple) else str(name) for name in names)

"""An ``.npz`` file of images.

Keys:

    images                   uint8 (n, h, w), (n, h, w, 1) or (n, h, w, 3)
    labels                   integers (n,), 0 to classes - 1; left out when nothing has a label
    classes                  names (k,), in the order of the labels; "0", "1", ... when left out
    split                    "train", "val" or "test" (n,), or another spelling of folders
    images_val, labels_val   in place of ``split``
    images_test, labels_test

Other keys are left alone. Pickled (object) arrays are refused: loading one would run code.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from autokd.core.codec import nearest
from autokd.core.progress import Progress
from autokd.data.archive import KEYS, Archive
from autokd.data.augment import resize
from autokd.data.source import (
    SPLIT_NAMES,
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

_CHUNK = 1024
_SUFFIXES = {"validation": "_val", "test": "_test"}


class ArraySource:
    """An array of images that is read when its pixels are asked for."""

    headers_tell = False

    def __init__(self, archive: Archive, key: str, labels: Integers) -> None:
        self.labels = labels
        self._archive = archive
        self._key = key

    def name(self, place: int) -> str:
        """Give the place in the array."""
        return f"{self._key}[{place}]"

    def survey(self, index: Integers, progress: Progress) -> Survey:  # noqa: ARG002 - is instant
        """Tell sizes from the array's shape."""
        _, height, width, channels = self._archive.check_images(self._key)
        gray = np.full(index.size, channels == 1)
        return Survey(np.tile(np.asarray([width, height], np.int64), (index.size, 1)), gray)

    def blocks(self, index: Integers, *, px: int, channels: int) -> Iterator[tuple[Pixels, Flags]]:
        """Read the array once, cut out the middle of each image and resize it."""
        array = self._archive.array(self._key)
        array = array.reshape(*array.shape[:3], -1)
        for places in np.split(index, np.arange(0, index.size, block_images(px, channels))[1:]):
            images = np.empty((places.size, px, px, channels), np.uint8)
            for start in range(0, places.size, _CHUNK):
                chosen = _middle(array[places[start : start + _CHUNK]])
                images[start : start + len(chosen)] = resize(torch.from_numpy(chosen), px).numpy()
            yield images, np.ones(places.size, np.bool_)

    def fingerprint(self, index: Integers) -> str:  # noqa: ARG002 - an array is read as a whole
        """Digest the file."""
        return self._archive.fingerprint()

    def version(self, index: Integers) -> str:  # noqa: ARG002 - an array is read as a whole
        """Digest the file and which array of it this is."""
        return f"{self._archive.fingerprint()} {self._key}"


def open_arrays(path: Path) -> Input:
    """Look into an ``.npz`` file.

    Raises:
        DataError: A key is missing, or an array is not what its key says.
    """
    archive = Archive(path)
    train = _source(archive, "")
    class_names = _class_names(archive, train.labels)
    if class_names:
        check_classes(class_names, str(path))
    if "split" in archive.headers:
        parts = _parts_by_split(archive, train)
    else:
        parts = {"train": whole(train)}
        for split, suffix in _SUFFIXES.items():
            if f"images{suffix}" in archive.headers:
                parts[split] = whole(_source(archive, suffix, like=train))
    for part in parts.values():
        _check_labels(archive, part, class_names)
    return Input(
        where=str(path),
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts.get("test"),
        class_names=class_names,
    )


def _source(archive: Archive, suffix: str, like: ArraySource | None = None) -> ArraySource:
    images, labels = f"images{suffix}", f"labels{suffix}"
    shape = archive.check_images(images)
    if labels not in archive.headers and not suffix:
        strangers = sorted(key for key in archive.headers if key.split("_")[0] not in KEYS)
        if strangers:
            archive.fail(
                f"has no 'labels', but {', '.join(strangers)}; rename the labels to 'labels', "
                "or leave the other arrays out if the images have none"
            )
    if like is not None:
        if shape[3] != archive.check_images("images")[3]:
            archive.fail(f"{images} has {shape[3]} channels, unlike 'images'; make them the same")
        if labels not in archive.headers and bool((like.labels >= 0).all()):
            archive.fail(f"has {images!r} but no {labels!r}; add it")
    return ArraySource(archive, images, archive.labels(labels, shape[0]))


def _class_names(archive: Archive, labels: Integers) -> tuple[str, ...]:
    if "classes" in archive.headers and "labels" in archive.headers:
        names = archive.array("classes")
        if names.ndim != 1 or names.dtype.kind not in "UiuS":
            archive.fail(
                f"classes is {names.dtype} of shape {names.shape}, and must be a list of names"
            )
        return tuple(n.decode() if isinstance(n, bytes) else str(n) for n in names.tolist())
    return tuple(str(number) for number in range(int(labels.max()) + 1))


def _parts_by_split(archive: Archive, source: ArraySource) -> dict[str, Part]:
    both = sorted({"images_val", "images_test"} & archive.headers.keys())
    if both:
        archive.fail(f"has both 'split' and {both[0]!r}; keep one of them")
    words = archive.array("split")
    if words.dtype.kind != "U" or words.shape != source.labels.shape:
        archive.fail(
            f"split is {words.dtype} of shape {words.shape}, and must be a text, "
            f"'train', 'val' or 'test', for each of the {len(source.labels)} images"
        )
    places: dict[str, list[Integers]] = {}
    for word in np.unique(words).tolist():
        if word.lower() not in SPLIT_NAMES:
            archive.fail(f"split has {word!r}; {nearest(word, ['train', 'val', 'test'])}")
        places.setdefault(SPLIT_NAMES[word.lower()], []).append(np.flatnonzero(words == word))
    if "train" not in places:
        archive.fail("split has no 'train'; students learn from those images, so mark some")
    return {split: Part(source, np.sort(np.concatenate(p))) for split, p in places.items()}


def _check_labels(archive: Archive, part: Part, class_names: tuple[str, ...]) -> None:
    wrong = np.flatnonzero((part.labels < 0) | (part.labels >= len(class_names)))
    if class_names and wrong.size:
        place = int(part.index[wrong[0]])
        archive.fail(
            f"the label of {part.source.name(place)} is {part.labels[wrong[0]]}, and must be "
            f"0 to {len(class_names) - 1}, as there are {len(class_names)} classes"
        )


def _middle(images: Pixels) -> Pixels:
    """Cut the middle square out of (b, h, w, c)."""
    height, width = images.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(images[:, top : top + side, left : left + side])

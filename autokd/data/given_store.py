"""Images from the memory of a Python program, kept on disk under the digest of what they are.

The folder is a data input like any other: a run names it, and goes on with it when the program is
long gone. ``given.json`` in it says what it holds.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autokd.core.codec import load_record, nearest, save_record
from autokd.core.progress import Progress
from autokd.core.record import Record
from autokd.data.augment import resize
from autokd.data.conversion import ImageForm, convert_parts
from autokd.data.given import GivenSource, items_of, names_in
from autokd.data.images import ImageSet
from autokd.data.source import (
    SPLIT_NAMES,
    Flags,
    Input,
    Integers,
    Pixels,
    Survey,
    block_images,
    check_classes,
    target_px,
    whole,
)
from autokd.data.store import open_image_set
from autokd.errors import DataError

DESCRIPTION = "given.json"


class Description(Record):
    """What a folder holds.

    Attributes:
        splits: Of ``train``, ``validation`` and ``test`` those that were given.
        class_names: In the order of the labels; empty without labels.
    """

    splits: tuple[str, ...]
    class_names: tuple[str, ...]


def keep_given(
    given: Any,
    *,
    cache: Path,
    size_px: int | None,
    class_names: tuple[str, ...],
    progress: Progress,
) -> Path:
    """Give the folder of images that a program has, written now if it is not there.

    Args:
        given: A Dataset, a DataLoader, arrays, or a mapping of these by split.
        cache: The user's cache folder; images lie in its folder ``given``.
        size_px: Side that they are brought to; None chooses as for files.
        class_names: For datasets that know none themselves; empty makes numbers of them.
        progress: Told about the images done.

    Raises:
        DataError: The images or labels cannot be used.
        StorageError: The cache cannot be written.
    """
    parts_given = by_split(given)
    names = _names(parts_given) or class_names
    sources = {
        split: GivenSource(items_of(one, where), where)
        for split, (one, where) in parts_given.items()
    }
    parts = {split: whole(source) for split, source in sources.items()}
    surveys = [part.source.survey(part.index, progress) for part in parts.values()]
    px = target_px(size_px, np.concatenate([found.sizes for found in surveys]))
    gray = all(bool(found.gray.all()) for found in surveys)
    folder = cache / "given"
    # What it is called is known when all is read; one that is killed before leaves this behind.
    work = folder / f".{secrets.token_hex(8)}"
    try:
        found = convert_parts(
            parts,
            ImageForm(px, 1 if gray else 3),
            work,
            check=lambda _: None,
            digest_of=lambda sets: _digest(sets, names),
            progress=progress,
        )
        described = Description(splits=tuple(parts), class_names=_checked_names(sources, names))
        save_record(described, work / DESCRIPTION)
        place = folder / found.digest
        if not (place / DESCRIPTION).is_file():
            shutil.rmtree(place, ignore_errors=True)
            work.replace(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return place


def by_split(given: Any) -> dict[str, tuple[Any, str]]:
    """Give what was given for each split, and how messages name it.

    Raises:
        DataError: A split is unknown, there twice, or ``train`` is missing.
    """
    if not isinstance(given, Mapping):
        return {"train": (given, "data")}
    found: dict[str, tuple[Any, str]] = {}
    for word, one in given.items():
        split = SPLIT_NAMES.get(str(word).lower())
        if split is None:
            msg = f"data[{word!r}]: {nearest(str(word), ['train', 'validation', 'test'])}"
            raise DataError(msg)
        if split in found:
            msg = f"data[{word!r}]: is {split} again, after {found[split][1]}; keep one of them."
            raise DataError(msg)
        found[split] = (one, f"data[{word!r}]")
    if "train" not in found:
        msg = "data: has no 'train'; students learn from those images, so give them."
        raise DataError(msg)
    return found


def is_given(folder: Path) -> bool:
    """Tell whether `keep_given` made this folder."""
    return (folder / DESCRIPTION).is_file()


def open_given(folder: Path) -> Input:
    """Open a folder that `keep_given` made.

    Raises:
        DataError: It is damaged.
    """
    described = load_record(Description, folder / DESCRIPTION, error=DataError)
    parts = {split: whole(_KeptSource(folder, split)) for split in described.splits}
    return Input(
        where=str(folder),
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts.get("test"),
        class_names=described.class_names,
    )


class _KeptSource:
    """One split of a folder, mapped into memory."""

    headers_tell = False

    def __init__(self, folder: Path, split: str) -> None:
        self._set = open_image_set(folder, split)
        self._version = f"{folder.name} {split}"
        self._split = split
        self.labels: Integers = self._set.labels.numpy()

    def name(self, place: int) -> str:
        """Give the place in the split."""
        return f"{self._split}[{place}]"

    def survey(self, index: Integers, progress: Progress) -> Survey:  # noqa: ARG002 - is instant
        """Tell sizes from the array's shape."""
        sizes = np.full((index.size, 2), self._set.px, np.int64)
        return Survey(sizes, np.full(index.size, self._set.channels == 1))

    def blocks(self, index: Integers, *, px: int, channels: int) -> Iterator[tuple[Pixels, Flags]]:
        """Read images in order; all splits have the same channels."""
        for places in np.split(index, np.arange(0, index.size, block_images(px, channels))[1:]):
            images = self._set.images[torch.from_numpy(places)]
            yield resize(images, px).numpy(), np.ones(places.size, np.bool_)

    def fingerprint(self, index: Integers) -> str:  # noqa: ARG002 - of the folder as a whole
        """Give the digest by which the folder is called."""
        return self._version

    def version(self, index: Integers) -> str:  # noqa: ARG002 - of the folder as a whole
        """Give the digest by which the folder is called."""
        return self._version


def _names(parts: Mapping[str, tuple[Any, str]]) -> tuple[str, ...]:
    """Give the class names that datasets know; those of all splits must be the same."""
    known = {where: names for one, where in parts.values() if (names := names_in(one))}
    if len(set(known.values())) > 1:
        (first, one), (other, two) = list(known.items())[:2]
        different = sorted(set(one) ^ set(two)) or [
            b for a, b in zip(one, two, strict=True) if a != b
        ]
        msg = (
            f"{other}: its classes are not those of {first}, or in another order (for example "
            f"{different[0]!r}); a class must have one number in all splits."
        )
        raise DataError(msg)
    return next(iter(known.values()), ())


def _checked_names(sources: Mapping[str, GivenSource], names: tuple[str, ...]) -> tuple[str, ...]:
    """Give the names of the classes, which every label must have.

    Raises:
        DataError: Some images have labels and some not, or a label has no name.
    """
    labelled = bool((sources["train"].labels >= 0).any())
    for source in sources.values():
        lone = np.flatnonzero((source.labels >= 0) != labelled)
        if lone.size:
            has = "has no label, and others do" if labelled else "has a label, and others have none"
            msg = f"{source.name(int(lone[0]))}: {has}; label all images, or none."
            raise DataError(msg)
        if names and source.labels.max() >= len(names):
            place = int(source.labels.argmax())
            msg = (
                f"{source.name(place)}: its label is {source.labels[place]}, and must be 0 to "
                f"{len(names) - 1}, as there are {len(names)} classes."
            )
            raise DataError(msg)
    if not labelled:
        return ()
    highest = max(int(source.labels.max()) for source in sources.values())
    found = names or tuple(str(number) for number in range(highest + 1))
    check_classes(found, "data")
    return found


def _digest(sets: Mapping[str, ImageSet], names: tuple[str, ...]) -> str:
    described = {name: tuple(images.images.shape) for name, images in sets.items()}
    digest = hashlib.sha256(json.dumps([names, described]).encode())
    for images in sets.values():
        digest.update(images.images.numpy().data)
        digest.update(images.labels.numpy().data)
    return digest.hexdigest()

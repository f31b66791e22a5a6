"""Folders of image files: ``train/ val/ test/``, class folders alone, or images without labels."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autokd.core.codec import nearest
from autokd.core.progress import Progress, silent
from autokd.data import decode
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
from autokd.errors import DataError


class FileSource:
    """Image files below a folder."""

    headers_tell = True

    def __init__(self, root: Path, files: Sequence[str], labels: Integers) -> None:
        self.labels = labels
        self._root = root
        self._files = files

    def name(self, place: int) -> str:
        """Give the file's path below the folder."""
        return self._files[place]

    def survey(self, index: Integers, progress: Progress) -> Survey:
        """Read the files' headers."""
        sizes, gray = np.zeros((index.size, 2), np.int64), np.zeros(index.size, np.bool_)

        def look(place: int) -> None:
            found = decode.header(self._root / self._files[index[place]])
            if found is not None:
                sizes[place], gray[place] = found[:2], found[2]

        decode.in_threads(look, index.size, what="look at images", progress=progress)
        return Survey(sizes, gray)

    def blocks(self, index: Integers, *, px: int, channels: int) -> Iterator[tuple[Pixels, Flags]]:
        """Decode the files."""
        for places in np.split(index, np.arange(0, index.size, block_images(px, channels))[1:]):
            yield self._decode(places, px=px, channels=channels)

    def _decode(self, index: Integers, *, px: int, channels: int) -> tuple[Pixels, Flags]:
        images = np.zeros((index.size, px, px, channels), np.uint8)
        good = np.zeros(index.size, np.bool_)

        def fill(place: int) -> None:
            path = self._root / self._files[index[place]]
            pixels = decode.read(path, px=px, channels=channels)
            if pixels is not None:
                images[place], good[place] = pixels, True

        decode.in_threads(fill, index.size, what="read images", progress=silent)
        return images, good

    def fingerprint(self, index: Integers) -> str:
        """Digest names and sizes; bytes are read when pixels are asked for."""
        names = (self._files[place] for place in index)
        lines = (f"{_size_bytes(self._root / name)} {name}" for name in names)
        return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()

    def version(self, index: Integers) -> str:
        """Digest the folder, and names, sizes and times of change of its files.

        The time of change, because what unpacks or copies files sets that of modification back.
        """
        digest = hashlib.sha256(os.fsencode(self._root.absolute()))
        for place in index:
            try:
                found = (self._root / self._files[place]).stat()
                told = f"\n{found.st_size} {found.st_ctime_ns} "
            except OSError:
                told = "\n-1 "
            digest.update(told.encode() + os.fsencode(self._files[place]))
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Listing:
    """Files of one split, by class; the class None holds images without labels."""

    folder: Path
    files: dict[str | None, list[str]]

    @property
    def classes(self) -> list[str]:
        return [name for name in self.files if name is not None]


def open_folder(root: Path) -> Input:
    """List the images of a folder.

    Classes are in the order of their folders' sorted names, as torchvision's ImageFolder has them.

    Raises:
        DataError: The folder is empty, has one class only, or its splits do not fit together.
    """
    folders = _split_folders(root)
    found = {split: _list(root, folder) for split, folder in folders.items()}
    named = found["train"].classes
    if not named:
        named = sorted({name for listing in found.values() for name in listing.classes})
    class_names = tuple(named)
    check_classes(class_names, str(root))
    for listing in found.values():
        _check_known(listing, class_names)
    sources = {split: _source(root, listing, class_names) for split, listing in found.items()}
    parts: dict[str, Part] = {split: whole(source) for split, source in sources.items()}
    return Input(
        where=str(root),
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts.get("test"),
        class_names=class_names,
    )


def _split_folders(root: Path) -> dict[str, Path]:
    """Give the folder of each split; for a folder without splits, itself as ``train``."""
    inner = _subfolders(root)
    splits: dict[str, Path] = {}
    for folder in inner:
        split = SPLIT_NAMES.get(folder.name.lower())
        if split in splits:
            msg = (
                f"{root}: {splits[split].name}/ and {folder.name}/ are both {split} images; "
                "keep one of them."
            )
            raise DataError(msg)
        if split is not None:
            splits[split] = folder
    others = [folder for folder in inner if folder not in splits.values()]
    if "train" in splits and (not others or _subfolders(splits["train"])):
        return splits
    if splits and not others:
        there = ", ".join(f"{folder.name}/" for folder in splits.values())
        msg = f"{root}: has {there} but no train/; students learn from train/, so add it."
        raise DataError(msg)
    # Among other class folders, "train" is a vehicle and "valid" the opposite of "invalid".
    return {"train": root}


def _list(root: Path, folder: Path) -> _Listing:
    classes = _subfolders(folder)
    if not classes:
        return _Listing(folder, {None: _images(root, folder)})
    files: dict[str | None, list[str]] = {c.name: _images(root, c) for c in classes}
    return _Listing(folder, files)


def _images(root: Path, folder: Path) -> list[str]:
    """Give the image files below ``folder`` as paths below ``root``, sorted.

    Raises:
        DataError: There is none.
    """
    found: list[str] = []
    others: set[str] = set()
    for parent, inner, files in os.walk(folder, followlinks=True):
        inner[:] = sorted(name for name in inner if not _is_hidden(name))
        for file in sorted(name for name in files if not _is_hidden(name)):
            suffix = os.path.splitext(file)[1].lower()  # noqa: PTH122 - Path is slow a million times
            if suffix in decode.SUFFIXES:
                found.append(Path(os.path.relpath(parent, root), file).as_posix())
            else:
                others.add(suffix or file)
    if not found:
        rest = f" (only {', '.join(sorted(others)[:5])})" if others else ""
        msg = (
            f"{folder}: has no images{rest}; put image files ({', '.join(sorted(decode.SUFFIXES))})"
            " there, or remove the folder."
        )
        raise DataError(msg)
    return found


def _check_known(listing: _Listing, class_names: tuple[str, ...]) -> None:
    unknown = [name for name in listing.classes if name not in class_names]
    if unknown:
        msg = (
            f"{listing.folder}: the class {unknown[0]!r} has no training images"
            f"{f' (nor have {len(unknown) - 1} more)' if unknown[1:] else ''}; "
            f"{nearest(unknown[0], list(class_names))}"
        )
        raise DataError(msg)


def _source(root: Path, listing: _Listing, class_names: tuple[str, ...]) -> FileSource:
    place = {name: number for number, name in enumerate(class_names)}
    files = [file for files in listing.files.values() for file in files]
    counts = [len(files) for files in listing.files.values()]
    of_class = [-1 if name is None else place[name] for name in listing.files]
    return FileSource(root, files, np.repeat(np.asarray(of_class, np.int64), counts))


def _subfolders(folder: Path) -> list[Path]:
    try:
        inner = [p for p in folder.iterdir() if p.is_dir() and not _is_hidden(p.name)]
    except OSError as fault:
        msg = f"{folder}: cannot be read ({fault.strerror}); check its permissions."
        raise DataError(msg) from None
    return sorted(inner, key=lambda path: path.name)


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _size_bytes(path: Path) -> int:
    """Give the size of a file; -1 for a link that leads nowhere, which is unreadable later."""
    try:
        return path.stat().st_size
    except OSError:
        return -1

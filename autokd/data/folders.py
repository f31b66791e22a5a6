"""Folders of image files: ``train/ val/ test/``, class folders alone, or images without labels."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autokd.core.codec import nearest
from autokd.core.progress import Progress
from autokd.data import decode
from autokd.data.source import (
    SPLIT_NAMES,
    Flags,
    Input,
    Integers,
    Part,
    Pixels,
    Survey,
    check_classes,
    whole,
)
from autokd.errors import DataError

# Reading so much takes about a second from a slow disk.
_MOST_HASHED_BYTES = 64 << 20


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

    def read(
        self, index: Integers, *, px: int, channels: int, progress: Progress
    ) -> tuple[Pixels, Flags]:
        """Decode the files."""
        images = np.zeros((index.size, px, px, channels), np.uint8)
        good = np.zeros(index.size, np.bool_)

        def fill(place: int) -> None:
            path = self._root / self._files[index[place]]
            pixels = decode.read(path, px=px, channels=channels)
            if pixels is not None:
                images[place], good[place] = pixels, True

        decode.in_threads(fill, index.size, what="read images", progress=progress)
        return images, good

    def fingerprint(self, index: Integers) -> str:
        """Digest the files' bytes or, when those are many, their sizes and times of change."""
        files = [self._root / self._files[place] for place in index]
        states = [_state(file) for file in files]
        if sum(size for size, _ in states) <= _MOST_HASHED_BYTES:
            parts = (_content_digest(file) for file in files)
        else:
            parts = (f"{size} {changed_ns}".encode() for size, changed_ns in states)
        return hashlib.sha256(b"\n".join(parts)).hexdigest()


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


def _state(path: Path) -> tuple[int, int]:
    """Give size in bytes and time of change in nanoseconds; zeros for a file that is not there."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _content_digest(path: Path) -> bytes:
    """Digest a file's bytes; of one that cannot be read, nothing."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return b""

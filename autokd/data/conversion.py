"""Images of a data input in one form, in a folder from which they are mapped into memory.

A set may be larger than memory. It is decoded once, block by block; a note beside the files says
how much is on the disk, so that after kill -9 only the rest is read. A lock that ends with its
process keeps two runs from writing the same files.
"""

import io
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from pydantic import ValidationError

from autokd.core.codec import save_record, storage_error
from autokd.core.lock import held_lock
from autokd.core.progress import Progress
from autokd.core.record import Record
from autokd.core.units import format_bytes
from autokd.data.images import ImageSet
from autokd.data.source import Flags, Part, Pixels
from autokd.data.store import open_image_set, save_labels
from autokd.errors import DataError, StorageError

# What a disk must have beside the images: labels, notes, and some air.
SPARE_BYTES = 2**24


@dataclass(frozen=True, slots=True)
class ImageForm:
    """What all images of a data set are brought to."""

    px: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image."""
        return self.px, self.px, self.channels

    @property
    def image_bytes(self) -> int:
        """Size of an image."""
        return self.px * self.px * self.channels


class Note(Record):
    """How far a conversion is.

    Attributes:
        read: Images done, over all parts in their order.
        unreadable: Places among them of those that could not be read, and were left out.
        finished: Whether the files are whole.
        digest: Of the images, when they are.
    """

    read: int
    unreadable: tuple[int, ...]
    finished: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Converted:
    """Images in one form.

    Attributes:
        sets: By the names of their parts.
        good: By the same, bool (m,): which images of the part could be read.
        digest: Of the images, as the caller digests them.
    """

    sets: dict[str, ImageSet]
    good: dict[str, Flags]
    digest: str


Check = Callable[[dict[str, Flags]], None]


def read_parts(
    parts: Mapping[str, Part], form: ImageForm, *, check: Check, progress: Progress
) -> tuple[dict[str, ImageSet], dict[str, Flags]]:
    """Read all images into memory, and say which could be read.

    Args:
        parts: Training images and others, by name.
        form: That they are brought to.
        check: Told which could be read; raises when too few.
        progress: Told about the images done.
    """
    total = sum(part.index.size for part in parts.values())
    images, good = np.empty((total, *form.shape), np.uint8), np.ones(total, np.bool_)
    read = kept = 0
    for pixels, fine in _blocks(list(parts.values()), form, start=0):
        count = int(fine.sum())
        images[kept : kept + count] = pixels[fine]
        good[read : read + fine.size] = fine
        read, kept = read + fine.size, kept + count
        progress("read images", read, total)
    flags = _by_part(parts, good)
    check(flags)
    ends = np.cumsum([int(fine.sum()) for fine in flags.values()])
    starts = [0, *ends[:-1]]
    return {
        name: ImageSet(
            torch.from_numpy(images[start:end]), torch.from_numpy(part.labels[flags[name]])
        )
        for (name, part), start, end in zip(parts.items(), starts, ends, strict=True)
    }, flags


def convert_parts(
    parts: Mapping[str, Part],
    form: ImageForm,
    folder: Path,
    *,
    check: Check,
    digest_of: Callable[[dict[str, ImageSet]], str],
    progress: Progress,
) -> Converted:
    """Give the images of ``folder``, converted now if that was not done before.

    Args:
        parts: As `read_parts`.
        form: As `read_parts`.
        folder: Of these parts in this form alone; the caller names it by what they depend on.
        check: As `read_parts`.
        digest_of: Digests the images.
        progress: Told about the images done, with the size of all.

    Raises:
        StorageError: The disk is full or refuses; what is done stays, and is gone on from.
    """
    work = _Conversion(dict(parts), form, folder)
    found = work.opened()
    if found is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with held_lock(work.file(".lock")):
                found = work.opened()  # another run may have finished while this one waited
                if found is None:
                    work.write(check=check, progress=progress)
                    found = work.finish(digest_of)
        except StorageError:
            raise
        except OSError as fault:
            raise storage_error(folder, fault) from fault
    check(found.good)
    return found


@dataclass(frozen=True, slots=True)
class _Conversion:
    """One folder."""

    parts: dict[str, Part]
    form: ImageForm
    folder: Path

    def file(self, suffix: str) -> Path:
        return self.folder / f"{'-'.join(self.parts)}{suffix}"

    def partial(self, name: str) -> Path:
        return self.folder / f"{name}.images.partial"

    @property
    def total(self) -> int:
        return sum(part.index.size for part in self.parts.values())

    def opened(self) -> Converted | None:
        """Map what an earlier run has finished; None when there is nothing, or it is damaged."""
        note = self._note()
        if note is None or not note.finished or note.read != self.total:
            return None
        good = self._good(note)
        try:
            sets = {name: open_image_set(self.folder, name) for name in self.parts}
        except DataError:
            return None
        fits = all(
            images.images.shape == (int(good[name].sum()), *self.form.shape)
            for name, images in sets.items()
        )
        return Converted(sets, good, note.digest) if fits else None

    def write(self, *, check: Check, progress: Progress) -> None:
        """Write what is missing of the partial files."""
        note = self._resumable()
        if note.read == self.total:
            return
        self._require_room()
        what = f"read images ({format_bytes(self.total * self.form.image_bytes)})"
        unreadable, read = list(note.unreadable), note.read
        if not read:
            self.file(".json").unlink(missing_ok=True)  # before the files are emptied
        starts = np.cumsum([0, *(part.index.size for part in self.parts.values())])
        with ExitStack() as stack:
            streams = [stack.enter_context(self._begin(n, note)) for n in self.parts]
            for pixels, fine in _blocks(list(self.parts.values()), self.form, start=read):
                places = np.arange(read, read + fine.size)
                for stream, (first, end) in zip(streams, pairwise(starts), strict=True):
                    stream.write(pixels[fine & (places >= first) & (places < end)].data)
                    stream.flush()
                    os.fsync(stream.fileno())
                unreadable += places[~fine].tolist()
                read += fine.size
                note = Note(read=read, unreadable=tuple(unreadable))
                save_record(note, self.file(".json"))
                progress(what, read, self.total)
                if not fine.all():
                    self._check(note, check)

    def _check(self, note: Note, check: Check) -> None:
        """Hold what was read against the rule; nobody goes on from a set that breaks it."""
        good = np.ones(self.total, np.bool_)
        good[list(note.unreadable)] = False
        try:
            check(_by_part(self.parts, good))
        except DataError:
            self.file(".json").unlink()
            for name in self.parts:
                self.partial(name).unlink(missing_ok=True)
            raise

    def finish(self, digest_of: Callable[[dict[str, ImageSet]], str]) -> Converted:
        """Give the files their names; the note says last that they are whole."""
        note = self._note()
        assert note is not None, "a conversion ends with its note"  # noqa: S101
        good = self._good(note)
        for name, part in self.parts.items():
            save_labels(torch.from_numpy(part.labels[good[name]]), self.folder, name)
            if self.partial(name).is_file():
                with self.partial(name).open("r+b") as stream:
                    self._write_header(stream, int(good[name].sum()))
                    os.fsync(stream.fileno())
                self.partial(name).replace(self.folder / f"{name}.images.npy")
        sets = {name: open_image_set(self.folder, name) for name in self.parts}
        digest = digest_of(sets)
        save_record(
            note.model_copy(update={"finished": True, "digest": digest}), self.file(".json")
        )
        return Converted(sets, good, digest)

    def _note(self) -> Note | None:
        """Read the note; None when there is none, or it is not of these parts."""
        try:
            note = Note.model_validate_json(self.file(".json").read_text(encoding="utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError):
            return None
        fits = note.read <= self.total and all(0 <= place < note.read for place in note.unreadable)
        return note if fits else None

    def _resumable(self) -> Note:
        """Give the note of an earlier run if its files have what it says, else an empty one."""
        note = self._note()
        if note is not None and not note.finished:
            kept = {name: int(fine.sum()) for name, fine in self._good(note).items()}
            if all(self._holds(name, images) for name, images in kept.items()):
                return note
        return Note(read=0, unreadable=())

    def _holds(self, name: str, images: int) -> bool:
        """Whether the file of a part has ``images`` images, under its last name or before."""
        for path in (self.partial(name), self.folder / f"{name}.images.npy"):
            if path.is_file():
                return path.stat().st_size >= self._end(name, images)
        return False

    def _good(self, note: Note) -> dict[str, Flags]:
        """Give which images of each part are stored: those read so far and not unreadable."""
        good = np.arange(self.total) < note.read
        good[list(note.unreadable)] = False
        return _by_part(self.parts, good)

    def _begin(self, name: str, note: Note) -> IO[bytes]:
        """Open a partial file behind what ``note`` says that it has."""
        stream = self.partial(name).open("r+b" if note.read else "w+b")
        if not note.read:
            self._write_header(stream, self.parts[name].index.size)
        stream.truncate(self._end(name, int(self._good(note)[name].sum())))
        stream.seek(0, os.SEEK_END)
        return stream

    def _write_header(self, stream: IO[bytes], images: int) -> None:
        """Write the head of an ``.npy`` file, which numpy pads so that the count may change."""
        shape = (images, *self.form.shape)
        header: dict[str, Any] = {"descr": "|u1", "fortran_order": False, "shape": shape}
        stream.seek(0)
        np.lib.format.write_array_header_1_0(stream, header)

    def _end(self, name: str, images: int) -> int:
        """Give the size of the file of a part that holds ``images`` images."""
        return (
            _header_bytes(self.parts[name].index.size, self.form) + images * self.form.image_bytes
        )

    def _require_room(self) -> None:
        """Refuse to begin what the disk cannot hold.

        Raises:
            StorageError: It cannot.
        """
        written = sum(p.stat().st_size for n in self.parts if (p := self.partial(n)).is_file())
        needed = self.total * self.form.image_bytes - written + SPARE_BYTES
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            msg = (
                f"{self.folder}: {self.total:,} images of {self.form.px} px take "
                f"{format_bytes(needed)} more, and the disk has {format_bytes(free)} free. Free "
                "some space, set AUTOKD_CACHE to a folder on another disk, or bring the images to "
                "a smaller size with --size."
            )
            raise StorageError(msg)


def _blocks(
    parts: Sequence[Part], form: ImageForm, *, start: int
) -> Iterator[tuple[Pixels, Flags]]:
    """Read parts one after another, from place ``start`` among all of them.

    Neighbours that lie in one place are read in one go, so that an array is unpacked once.
    """
    joined: list[Part] = []
    for part in parts:
        if joined and joined[-1].source is part.source:
            index = np.concatenate((joined[-1].index, part.index))
            joined[-1] = Part(part.source, index)
        else:
            joined.append(part)
    for part in joined:
        left = part.index[start:]
        start = max(0, start - part.index.size)
        if left.size:
            yield from part.source.blocks(left, px=form.px, channels=form.channels)


def _by_part(parts: Mapping[str, Part], flags: Flags) -> dict[str, Flags]:
    ends = np.cumsum([part.index.size for part in parts.values()])
    return dict(zip(parts, np.split(flags, ends[:-1]), strict=True))


def _header_bytes(images: int, form: ImageForm) -> int:
    header = {"descr": "|u1", "fortran_order": False, "shape": (images, *form.shape)}
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.tell()

"""What every kind of data input offers: labels and sizes first, pixels later."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from autokd.core.progress import Progress
from autokd.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Pixels = NDArray[np.uint8]
    Flags = NDArray[np.bool_]
else:
    Integers = Pixels = Flags = Any

# Spellings that folders and arrays may have.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
# Large enough that threads share a block well and a disk is asked seldom, small beside any memory.
BLOCK_BYTES = 2**24
_MOST_OWN_PX = 128
_MOST_DEFAULT_PX = 64


@dataclass(frozen=True, slots=True)
class Survey:
    """What can be told of images before their pixels are read.

    Attributes:
        sizes: int64 (m, 2), width and height; (0, 0) for an image that cannot be read.
        gray: bool (m,).
    """

    sizes: Integers
    gray: Flags


class Source(Protocol):
    """Images as they lie on disk.

    Attributes:
        labels: int64 (n,); -1 where there is none.
        headers_tell: Whether a survey finds damaged images without reading pixels.
    """

    labels: Integers
    headers_tell: bool

    def name(self, place: int) -> str:
        """Say in a message which image is at ``place``."""
        ...

    def survey(self, index: Integers, progress: Progress) -> Survey:
        """Look at the sizes of the images at ``index``, without their pixels where possible."""
        ...

    def blocks(self, index: Integers, *, px: int, channels: int) -> Iterator[tuple[Pixels, Flags]]:
        """Read the images at ``index`` in order, some at a time, see `block_images`.

        Yields:
            uint8 (b, px, px, channels), and bool (b,): which of them could be read.
        """
        ...

    def fingerprint(self, index: Integers) -> str:
        """Digest what the images at ``index`` depend on, without decoding all of them.

        It is the same wherever the images lie.
        """
        ...

    def version(self, index: Integers) -> str:
        """Digest what changes when the images at ``index`` are written anew, times of files too."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the images of a source."""

    source: Source
    index: Integers

    @property
    def labels(self) -> Integers:
        """Labels of the part, int64 (m,)."""
        return self.source.labels[self.index]

    def at(self, places: Integers) -> "Part":
        """Give the images at ``places``, int64 (k,), of the part."""
        return Part(self.source, self.index[places])

    def names(self, chosen: Flags) -> tuple[str, ...]:
        """Name the images of the part where ``chosen``, bool (m,), is true."""
        return tuple(self.source.name(int(place)) for place in self.index[chosen])


def block_images(px: int, channels: int) -> int:
    """Give how many images are read at a time."""
    return max(1, BLOCK_BYTES // (px * px * channels))


@dataclass(frozen=True, slots=True)
class Input:
    """A data input before anything is cut or read.

    Attributes:
        where: Names it in messages.
        train: All images that are not set aside by the input itself.
        validation: As the input gives it; None to cut it from ``train``.
        test: Likewise.
        class_names: In the order of the labels; empty when nothing has a label.
    """

    where: str
    train: Part
    validation: Part | None
    test: Part | None
    class_names: tuple[str, ...]


def whole(source: Source) -> Part:
    """Give all images of ``source``."""
    return Part(source, np.arange(len(source.labels), dtype=np.int64))


def target_px(size_px: int | None, sizes: Integers) -> int:
    """Choose the side to which images of ``sizes``, int64 (m, 2), are brought.

    ``size_px`` when given; else the size that all images have in common; else the median short
    side, rounded to a multiple of 8 and at most 64: a search trains thousands of batches, on a
    processor, and the cost of each grows with the square of the side.
    """
    if size_px is not None:
        return size_px
    first = int(sizes[0, 0])
    if first <= _MOST_OWN_PX and bool((sizes == first).all()):
        return first
    short = float(np.median(sizes.min(axis=1)))
    return min(max(8, round(short / 8) * 8), _MOST_DEFAULT_PX)


def check_classes(class_names: tuple[str, ...], where: str) -> None:
    """Refuse class names that nothing can be learned from.

    Raises:
        DataError: There is only one class, or a name stands twice.
    """
    if len(class_names) == 1:
        msg = (
            f"{where}: there is only one class, {class_names[0]!r}, and a classifier needs two. "
            "Images without labels belong directly into a folder, with no class folder around them."
        )
        raise DataError(msg)
    twice = sorted({name for name in class_names if class_names.count(name) > 1})
    if twice:
        msg = f"{where}: the class name {twice[0]!r} stands twice; class names must differ."
        raise DataError(msg)

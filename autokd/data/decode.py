"""Image files to pixels, by Pillow, several at a time."""

import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from autokd.core.progress import Progress
from autokd.data.source import Pixels

SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jfif", ".jp2", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm"),
    )
)
# What Pillow raises on damaged files; a decompression bomb is one of them, see `tolerant`.
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    MemoryError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_GRAY = frozenset(("1", "L", "I", "I;16", "I;16B", "I;16L", "I;16N"))
_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_CHUNK = 64


def header(path: Path) -> tuple[int, int, bool] | None:
    """Give width, height and whether it is gray, from the file's header; None if it has none."""
    try:
        with Image.open(path) as image:
            return (*image.size, is_gray(image))
    except UNREADABLE:
        return None


def read(path: Path, *, px: int, channels: int) -> Pixels | None:
    """Read a file upright as uint8 (px, px, channels); None if it is damaged."""
    try:
        with Image.open(path) as image:
            # A JPEG is decoded at a fraction of its size where that is still twice what we need.
            image.draft(None, (2 * px, 2 * px))
            image.load()
            return pixels_of(_upright(image), px=px, channels=channels)
    except UNREADABLE:
        return None


def is_gray(image: Image.Image) -> bool:
    """Whether an image has one channel and nothing else, such as alpha or a palette."""
    return image.mode in _GRAY


def pixels_of(image: Image.Image, *, px: int, channels: int) -> Pixels:
    """Give uint8 (px, px, channels): the middle square, resized."""
    plain = _in_mode(image, "L" if channels == 1 else "RGB")
    if plain.size != (px, px):
        side = min(plain.size)
        left, top = (plain.width - side) // 2, (plain.height - side) // 2
        middle = plain.crop((left, top, left + side, top + side))
        plain = middle.resize((px, px), Image.Resampling.BILINEAR)
    return np.asarray(plain, np.uint8).reshape(px, px, channels)


def in_threads(work: Callable[[int], None], count: int, *, what: str, progress: Progress) -> None:
    """Call ``work`` with 0 to ``count`` - 1, in any order, and tell ``progress`` how it goes on.

    Decoders release the interpreter lock, so threads are enough.
    """

    def chunk(start: int) -> int:
        stop = min(start + _CHUNK, count)
        for place in range(start, stop):
            work(place)
        return stop

    with tolerant(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        try:
            for done in pool.map(chunk, range(0, count, _CHUNK)):
                progress(what, done, count)
        except BaseException:
            # Ctrl-C must not wait for a million images.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def tolerant() -> Iterator[None]:
    """Silence Pillow's warnings of odd files, and make one of a decompression bomb an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _UPRIGHT.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    except UNREADABLE:
        # Damaged notes do not make damaged pixels.
        turn = None
    return image if turn is None else image.transpose(turn)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == "F":
        msg = "pixels without a known range"
        raise ValueError(msg)
    if image.mode.startswith("I"):
        # Pillow's own conversion cuts 16 bits off at 255.
        wide = np.asarray(image).astype(np.float64)
        image = Image.fromarray(np.round(np.clip(wide, 0, 65535) / 257).astype(np.uint8))
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)

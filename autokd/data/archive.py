"""An ``.npz`` file, looked into before anything of it is loaded."""

import hashlib
import zipfile
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from autokd.data.source import Integers
from autokd.errors import DataError

Shape = tuple[int, ...]
KEYS = ("images", "labels", "classes", "split")
_DAMAGED = (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError)


class Archive:
    """An .npz file, its arrays known by their headers until one is read.

    Attributes:
        headers: Shape and dtype of each array.

    Raises:
        DataError: The file is empty, damaged, or something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            if path.stat().st_size == 0:
                self.fail("is empty (0 bytes); write it again")
            with zipfile.ZipFile(path) as archive:
                self.headers = {
                    name.removesuffix(".npy"): _header(archive, name)
                    for name in archive.namelist()
                    if name.endswith(".npy")
                }
        except DataError:
            raise
        except _DAMAGED as fault:
            self.fail(f"cannot be read as .npz ({fault}); write it with numpy.savez_compressed")

    def array(self, key: str) -> Any:
        """Read an array.

        Raises:
            DataError: It is pickled, or the file is damaged.
        """
        if self.headers[key][1].hasobject:
            self.fail(
                f"{key} is an array of Python objects, and loading one would run code from the "
                "file; save it as numbers or text"
            )
        try:
            with np.load(self._path, allow_pickle=False) as archive:
                return archive[key]
        except _DAMAGED as fault:
            self.fail(f"{key} cannot be read ({fault}); the file is damaged, write it again")

    def check_images(self, key: str) -> Shape:
        """Give the shape of an array of images, (n, h, w, channels).

        Raises:
            DataError: It is missing, or is not of bytes in a known layout.
        """
        if key not in self.headers:
            have = ", ".join(sorted(self.headers)) or "nothing"
            self.fail(f"has no {key!r}, it has {have}; rename the arrays to {', '.join(KEYS)}")
        shape, dtype = self.headers[key]
        if dtype != np.uint8:
            self.fail(f"{key} is {dtype}, and must be uint8 with values 0 to 255")
        if len(shape) == 4 and shape[1] in {1, 3} and shape[3] not in {1, 3}:
            self.fail(f"{key} has shape {shape}, channels first; transpose to (n, h, w, channels)")
        if len(shape) not in {3, 4} or (len(shape) == 4 and shape[3] not in {1, 3}):
            self.fail(f"{key} has shape {shape}, and must be (n, h, w), or (n, h, w, 1 or 3)")
        if 0 in shape:
            self.fail(f"{key} has shape {shape}: there are no images in it; give some")
        return shape if len(shape) == 4 else (*shape, 1)

    def labels(self, key: str, images: int) -> Integers:
        """Give labels, int64 (n,); -1 everywhere when there are none.

        Raises:
            DataError: They are not integers, one an image.
        """
        if key not in self.headers:
            return np.full(images, -1, np.int64)
        labels = self.array(key)
        if labels.dtype.kind not in "iu":
            self.fail(f"{key} is {labels.dtype}, and must be integers, one class number an image")
        if labels.shape != (images,):
            self.fail(f"{key} has shape {labels.shape}, and must be ({images},) as its images")
        return np.asarray(labels.astype(np.int64))

    def fingerprint(self) -> str:
        """Digest the file."""
        with self._path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def fail(self, rule: str) -> NoReturn:
        """Raise DataError that names the file and says ``rule``."""
        msg = f"{self._path}: {rule}{'' if rule.endswith(('?', '.')) else '.'}"
        raise DataError(msg)


def _header(archive: zipfile.ZipFile, name: str) -> tuple[Shape, np.dtype[Any]]:
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(stream)
    return shape, dtype

"""The demo's images: 8,000 of Fashion-MNIST, packed in one file beside this module.

The set is Zalando's (Xiao, Rasul, Vollgraf, 2017, arXiv 1708.07747), under the MIT licence in
``demo_images.LICENSE``. ``tools/make_demo_data.py`` writes the pack.
"""

import io
import lzma
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from autokd.core.codec import storage_error, write_atomically

PACK = Path(__file__).with_name("demo_images.npy.xz")
LICENSE = Path(__file__).with_name("demo_images.LICENSE")
CLASS_NAMES = (
    "t-shirt-top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle-boot",
)
# Images of each class, in the order of the pack.
SPLITS = {"train": 600, "val": 100, "test": 100}


def write_demo_data(folder: Path) -> None:
    """Write ``FOLDER/{train,val,test}/CLASS/NNNN.png`` and ``FOLDER/LICENSE``.

    Raises:
        StorageError: They cannot be written.
    """
    images = load_demo_images()
    write_atomically(folder / "LICENSE", LICENSE.read_bytes())
    folders: list[tuple[Path, np.ndarray[Any, Any]]] = []
    for name, of_class in zip(CLASS_NAMES, images, strict=True):
        start = 0
        for split, count in SPLITS.items():
            folders.append((folder / split / name, of_class[start : start + count]))
            start += count
    try:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            for _ in pool.map(lambda job: _write_pngs(*job), folders):
                pass
    except OSError as fault:
        raise storage_error(folder, fault) from fault


def load_demo_images() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Unpack the images: uint8 (10 classes, 800 images, 28, 28)."""
    return np.asarray(np.load(io.BytesIO(lzma.decompress(PACK.read_bytes())), allow_pickle=False))


def _write_pngs(folder: Path, images: np.ndarray[Any, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(images):
        Image.fromarray(pixels).save(folder / f"{number:04d}.png", compress_level=1)

"""Write the demo's image pack and its licence into autokd/data.

    apt-get download dataset-fashion-mnist && dpkg-deb -x dataset-fashion-mnist_*.deb PACKAGE
    python tools/make_demo_data.py PACKAGE/usr/share/datasets/fashion-mnist \
        PACKAGE/usr/share/doc/dataset-fashion-mnist/copyright

The first images of each class are taken, in the official order: training and validation images from
the official training set, test images from the official test set.
"""

import argparse
import gzip
import io
import lzma
from pathlib import Path
from typing import Any

import numpy as np

from autokd.core.codec import write_atomically
from autokd.core.units import format_bytes
from autokd.data.demo import CLASS_NAMES, LICENSE, PACK, SPLITS

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

# Measured on the 6.27 MB of these images: xz of the raw bytes, class by class, lc = 4: 2.98 MB; of
# differences to the neighbours (median predictor): 3.10; one sheet of 80 x 100 as lossless WebP:
# 3.09, as PNG: 3.13; bzip2: 3.18.
XZ = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the demo's image pack and its licence.")
    parser.add_argument("folder", type=Path, help="where the four idx files are")
    parser.add_argument("copyright", type=Path, help="Debian's copyright file of the package")
    arguments = parser.parse_args()
    train, test = (load_official(arguments.folder, kind) for kind in ("train", "t10k"))
    learned_from = SPLITS["train"] + SPLITS["val"]
    pack = np.stack(
        [
            np.concatenate(
                (of_class(train, label, learned_from), of_class(test, label, SPLITS["test"]))
            )
            for label in range(len(CLASS_NAMES))
        ]
    )
    raw = io.BytesIO()
    np.save(raw, pack, allow_pickle=False)
    packed = lzma.compress(raw.getvalue(), format=lzma.FORMAT_XZ, filters=[XZ])
    write_atomically(PACK, packed)
    write_atomically(LICENSE, licence_text(arguments.copyright.read_text(encoding="utf-8")))
    print(f"{PACK.name}: {pack.shape}, {format_bytes(len(packed))} of {format_bytes(pack.nbytes)}")


def load_official(folder: Path, kind: str) -> tuple[Bytes, Bytes]:
    """Read images (n, 28, 28) and labels (n,) of ``train`` or ``t10k``."""
    return load_idx(folder, f"{kind}-images-idx3-ubyte"), load_idx(
        folder, f"{kind}-labels-idx1-ubyte"
    )


def load_idx(folder: Path, name: str) -> Bytes:
    """Read an idx file of bytes, packed by gzip or not."""
    plain = folder / name
    raw = (
        plain.read_bytes()
        if plain.exists()
        else gzip.decompress((folder / f"{name}.gz").read_bytes())
    )
    axes = raw[3]
    assert raw[:3] == b"\x00\x00\x08", f"{name} is no idx file of bytes"
    shape = np.frombuffer(raw, ">u4", axes, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape.tolist())


def of_class(official: tuple[Bytes, Bytes], label: int, count: int) -> Bytes:
    """Give the first ``count`` images with ``label``."""
    images, labels = official
    return images[np.flatnonzero(labels == label)[:count]]


def licence_text(debian: str) -> str:
    """Turn Debian's copyright file into the licence as its authors wrote it."""
    # Debian's copy lost two slashes of the authors' address.
    debian = debian.replace("https:tech", "https://tech")
    holder = next(line for line in debian.splitlines() if line.startswith("Copyright:"))
    body = debian.split("License: Expat\n Permission", 1)[1]
    lines = [line.strip() for line in ("Permission" + body).splitlines()]
    paragraphs = "\n".join("" if line == "." else line for line in lines).strip()
    return (
        "These images are from Fashion-MNIST, https://github.com/zalandoresearch/fashion-mnist\n\n"
        f"The MIT License (MIT)\n\nCopyright (c) {holder.removeprefix('Copyright:').strip()}\n\n"
        f"{paragraphs}\n"
    )


if __name__ == "__main__":
    main()

"""Image sets as plain arrays on disk, which worker processes map into memory and share."""

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autokd.core.codec import storage_error
from autokd.data.images import Dataset, ImageSet
from autokd.errors import DataError


def save_image_set(images: ImageSet, folder: Path, name: str) -> None:
    """Write ``NAME.images.npy`` and ``NAME.labels.npy`` into ``folder``, each in one step.

    Raises:
        StorageError: They cannot be written.
    """
    save_labels(images.labels, folder, name)
    _save(folder / f"{name}.images.npy", images.images.numpy())


def stored_dataset(dataset: Dataset, cache: Path) -> Path:
    """Give the folder of training and validation images, written now if they are in memory alone.

    Args:
        dataset: A data set.
        cache: The user's cache folder.

    Raises:
        StorageError: They cannot be written.
    """
    if dataset.folder is not None:
        return dataset.folder
    folder = cache / "images" / dataset.digest
    for name, images in (("train", dataset.train), ("validation", dataset.validation)):
        try:
            open_image_set(folder, name)
        except (OSError, DataError):
            save_image_set(images, folder, name)
    return folder


def save_labels(labels: torch.Tensor, folder: Path, name: str) -> None:
    """Write ``NAME.labels.npy`` into ``folder``, in one step.

    Raises:
        StorageError: It cannot be written.
    """
    _save(folder / f"{name}.labels.npy", labels.numpy())


def open_image_set(folder: Path, name: str) -> ImageSet:
    """Map an image set into memory; pixels are read as they are touched.

    The map can only be read. One that may be written, even to a copy, counts as memory of the
    process, and the system refuses it where the set is larger than what there is.

    Raises:
        DataError: A file is missing or damaged.
    """
    labels = _open(folder / f"{name}.labels.npy")
    return ImageSet(_open(folder / f"{name}.images.npy"), labels)


def _save(path: Path, array: np.ndarray[Any, Any]) -> None:
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            # np.save would tell of a full disk in counts of bytes, without the system's reason.
            array = np.ascontiguousarray(array)
            header = np.lib.format.header_data_from_array_1_0(array)
            np.lib.format.write_array_header_1_0(stream, header)
            stream.write(array.data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as fault:
        raise storage_error(path, fault) from fault
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _open(path: Path) -> torch.Tensor:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        msg = f"{path}: cannot be read ({fault}); start the run again, which writes it anew."
        raise DataError(msg) from None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)

"""Images and labels as Python programs have them: datasets, loaders, arrays.

An item of a dataset is an image, or an image and its class number. Images are what Pillow opens,
uint8 arrays (h, w) or (h, w, 1 or 3), uint8 tensors (1 or 3, h, w), or float tensors of that shape
with values in 0..1, as torchvision's ``ToTensor`` gives them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from autokd.core.progress import Progress
from autokd.data import decode
from autokd.data.source import Flags, Integers, Pixels, Survey, block_images
from autokd.errors import DataError, InterruptedRunError

_SAMPLE = 64
# Items that are asked for twice, to see whether a random transform changes them.
_ASKED_TWICE = 8


class GivenSource:
    """Items of a map-style dataset, read one by one.

    Labels are known once `blocks` has read them; until then they are -1.
    """

    headers_tell = False

    def __init__(self, items: Any, where: str) -> None:
        """Take anything with a length and items.

        Args:
            items: The dataset.
            where: Names it in messages, such as ``data['train']``.
        """
        self.labels: Integers = np.full(len(items), -1, np.int64)
        self._items = items
        self._where = where

    def name(self, place: int) -> str:
        """Give the place in the dataset."""
        return f"{self._where}[{place}]"

    def survey(self, index: Integers, progress: Progress) -> Survey:  # noqa: ARG002 - is short
        """Look at a sample, and ask for some of it twice.

        Raises:
            DataError: An item is no image, or another one each time.
        """
        sample = index[:: max(1, index.size // _SAMPLE)]
        images = [self._item(int(place))[0] for place in sample]
        for place, image in zip(sample[:_ASKED_TWICE], images, strict=False):
            if self._item(int(place))[0].tobytes() != image.tobytes():
                msg = (
                    f"{self.name(int(place))}: is another image each time it is asked for, so its "
                    "transform is random; leave random crops, flips and the like out: autokd "
                    "crops and mirrors by itself, the same way for teacher and student."
                )
                raise DataError(msg)
        sizes = np.asarray([image.size for image in images], np.int64)
        gray = np.full(index.size, all(decode.is_gray(image) for image in images))
        return Survey(np.resize(sizes, (index.size, 2)), gray)

    def blocks(self, index: Integers, *, px: int, channels: int) -> Iterator[tuple[Pixels, Flags]]:
        """Read items in order, and note their labels.

        Raises:
            DataError: An item is no image and class number, or has colour where others are gray.
        """
        for places in np.split(index, np.arange(0, index.size, block_images(px, channels))[1:]):
            images = np.empty((places.size, px, px, channels), np.uint8)
            for row, place in enumerate(places):
                image, label = self._item(int(place))
                if channels == 1 and not decode.is_gray(image):
                    msg = (
                        f"{self.name(int(place))}: has colour ({image.mode}), and others are gray; "
                        "give all in one mode, for example image.convert('RGB')."
                    )
                    raise DataError(msg)
                images[row] = decode.pixels_of(image, px=px, channels=channels)
                self.labels[place] = label
            yield images, np.ones(places.size, np.bool_)

    def fingerprint(self, index: Integers) -> str:
        """Digest a sample of the pixels."""
        sample = index[:: max(1, index.size // _SAMPLE)]
        digest = hashlib.sha256()
        for place in sample:
            digest.update(self._item(int(place))[0].tobytes())
        return digest.hexdigest()

    def version(self, index: Integers) -> str:
        """Digest a sample of the pixels."""
        return self.fingerprint(index)

    def _item(self, place: int) -> tuple[Image.Image, int]:
        where = self.name(place)
        try:
            item = self._items[place]
        except InterruptedRunError:
            raise
        except Exception as fault:
            msg = f"{where}: the dataset failed with {fault!r}; it must give every item it counts."
            raise DataError(msg) from fault
        image, label = _image_and_label(item, where)
        return as_picture(image, where), _class_number(label, where)


def items_of(given: Any, where: str) -> Any:
    """Give what has a length and items: a loader's dataset, or arrays joined to pairs.

    Raises:
        DataError: It is nothing that images can be taken from.
    """
    if isinstance(given, DataLoader):
        given = given.dataset
    if isinstance(given, IterableDataset):
        msg = (
            f"{where}: is an IterableDataset, whose images cannot be asked for by number; give a "
            "map-style Dataset, one with __getitem__ and __len__."
        )
        raise DataError(msg)
    if isinstance(given, np.ndarray):
        return _Pairs(given, None, where)
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], np.ndarray):
        return _Pairs(given[0], np.asarray(given[1]), where)
    if isinstance(given, (Tensor, tuple)):
        msg = (
            f"{where}: is a {type(given).__name__}; give numpy arrays as (images, labels), or "
            "torch.utils.data.TensorDataset(images, labels)."
        )
        raise DataError(msg)
    if not (hasattr(given, "__len__") and hasattr(given, "__getitem__")):
        msg = (
            f"{where}: is a {type(given).__name__}; give a folder, a Dataset, a DataLoader, numpy "
            "arrays as (images, labels), or a mapping of these by 'train', 'validation' and 'test'."
        )
        raise DataError(msg)
    if not len(given):
        msg = f"{where}: has no images; give some."
        raise DataError(msg)
    return given


def names_in(given: Any) -> tuple[str, ...]:
    """Give the class names that a dataset knows, as torchvision's do; empty when it knows none."""
    for _ in range(8):  # a subset of a subset of a loader's ...
        names = getattr(given, "classes", None)
        if isinstance(names, Sequence) and not isinstance(names, str) and len(names):
            return tuple(", ".join(n) if isinstance(n, tuple) else str(n) for n in names)
        given = getattr(given, "dataset", None)
    return ()


def as_picture(image: Any, where: str) -> Image.Image:
    """Give an image as Pillow has it.

    Raises:
        DataError: It is of no form that the module names, or was normalised.
    """
    if isinstance(image, Image.Image):
        return image
    if isinstance(image, Tensor):
        array = _planes(image.detach().cpu(), where)
    elif isinstance(image, np.ndarray):
        array = image
    else:
        msg = (
            f"{where}: is a {type(image).__name__}; an image must be a PIL image, a uint8 array "
            "(h, w, channels), or a tensor (channels, h, w) of uint8 or of floats in 0..1."
        )
        raise DataError(msg)
    if array.dtype != np.uint8:
        msg = f"{where}: is an array of {array.dtype}, and must be uint8 with values 0 to 255."
        raise DataError(msg)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)) or 0 in array.shape:
        msg = (
            f"{where}: has shape {tuple(image.shape)}; an array must be (h, w), or (h, w, 1 or 3), "
            "a tensor (1 or 3, h, w)."
        )
        raise DataError(msg)
    return Image.fromarray(np.ascontiguousarray(array))


class _Pairs:
    """Arrays of images and labels as a dataset."""

    def __init__(self, images: "np.ndarray[Any, Any]", labels: Any, where: str) -> None:
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or not len(images):
            msg = (
                f"{where}: images are {images.dtype} of shape {images.shape}, and must be uint8 "
                "(n, h, w) or (n, h, w, 1 or 3)."
            )
            raise DataError(msg)
        if labels is not None and labels.shape != (len(images),):
            msg = (
                f"{where}: labels have shape {labels.shape}, and must be ({len(images)},): one "
                "class number an image."
            )
            raise DataError(msg)
        self._images, self._labels = images, labels

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, place: int) -> Any:
        image = self._images[place]
        return image if self._labels is None else (image, self._labels[place])


def _image_and_label(item: Any, where: str) -> tuple[Any, Any]:
    if isinstance(item, (tuple, list)):
        if len(item) in (1, 2):
            return item[0], item[1] if len(item) == 2 else None
        form = f"{len(item)} things"
    elif isinstance(item, dict):
        form = f"a dict of {', '.join(map(str, item))}"
    else:
        return item, None
    msg = f"{where}: is {form}, and must be an image, or an image and its class number."
    raise DataError(msg)


def _class_number(label: Any, where: str) -> int:
    if label is None:
        return -1
    if isinstance(label, (Tensor, np.ndarray)) and label.ndim == 0:
        label = label.item()
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool) and label >= 0:
        return int(label)
    shown = f"of shape {tuple(label.shape)}" if hasattr(label, "shape") else repr(label)
    msg = f"{where}: its label is {shown}, and must be a class number, 0 or more."
    raise DataError(msg)


def _planes(image: Tensor, where: str) -> "np.ndarray[Any, Any]":
    """Give planes (c, h, w) as a uint8 array (h, w, c)."""
    if image.is_floating_point():
        low, high = float(image.min()), float(image.max())
        if not (low >= 0 and high <= 1):
            msg = (
                f"{where}: has values from {low:.3g} to {high:.3g}, and floats must be in 0..1. "
                "If its transform ends in Normalize, leave that out and give mean= and std=, which "
                "autokd applies for the teacher; bytes belong in uint8."
            )
            raise DataError(msg)
        image = (image * 255).round().to(torch.uint8)
    if image.dtype != torch.uint8:
        msg = f"{where}: is a tensor of {image.dtype}, and must be uint8, or floats in 0..1."
        raise DataError(msg)
    if image.ndim == 3:
        if image.shape[0] not in (1, 3):
            msg = (
                f"{where}: has shape {tuple(image.shape)}; a tensor must be (1 or 3, h, w), or (h, "
                "w)."
            )
            raise DataError(msg)
        image = image.permute(1, 2, 0)
    return image.numpy()

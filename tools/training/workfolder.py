"""The folder that all ways read: images, the engine's teacher logits, and what belongs to them.

Every way maps the same pixels into memory.
"""

from pathlib import Path

import numpy as np
import torch

from autokd.core.codec import load_record, save_record
from autokd.core.record import Record
from autokd.core.seeds import derive_seed
from autokd.data.store import open_image_set
from autokd.distill.batches import TrainingData
from autokd.errors import DataError
from tools.training.measurements import Cache, Settings

_FILE = "prepared.json"


class Prepared(Record):
    """What a work folder holds.

    Attributes:
        data: Folder that it was made from.
        images: Training images asked for; None for all.
        seed: Of the views.
        cache: The teacher's logits.
        logits_file: Their file, under the work folder.
        class_names: In the order of labels and logits.
        mean: Per channel, of pixels in 0..1, as the teacher has it.
        std: Per channel.
    """

    data: Path
    images: int | None
    seed: int
    cache: Cache
    logits_file: Path
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def is_for(self, data: Path, settings: Settings) -> bool:
        """Whether it is what `tools.training.source.prepare` would make."""
        asked = (data, settings.images, settings.seed, settings.views)
        return (self.data, self.images, self.seed, self.cache.views) == asked


def save_prepared(work: Path, prepared: Prepared) -> None:
    """Say that ``work`` is ready.

    Raises:
        StorageError: It cannot be written.
    """
    save_record(prepared, work / _FILE)


def open_prepared(work: Path) -> Prepared:
    """Read what stands ready in ``work``.

    Raises:
        DataError: Nothing does.
    """
    return load_record(Prepared, work / _FILE, error=DataError)


def training_data(work: Path, prepared: Prepared) -> TrainingData:
    """Map images and logits into memory."""
    validation = open_image_set(work, "validation")
    return TrainingData(
        train=open_image_set(work, "train"),
        validation=validation,
        logits=np.load(work / prepared.logits_file, mmap_mode="r"),
        # All images have labels, so nobody asks which class the teacher names.
        validation_logits=torch.zeros(len(validation), len(prepared.class_names)),
        views=prepared.cache.views,
        flip=True,
        view_seed=view_seed(prepared.seed),
        mean=prepared.mean,
        std=prepared.std,
    )


def view_seed(seed: int) -> int:
    """Give the seed of the views whose logits are cached."""
    return derive_seed(seed, "views")

"""Images and teacher, from a folder that the project does not hold to the work folder.

The engine's teacher logits are computed here once, and the time that takes is kept beside them.
"""

import contextlib
import hashlib
import shutil
import time
from pathlib import Path

import torch

from autokd.core.progress import Progress
from autokd.data.images import ImageSet
from autokd.data.store import open_image_set, save_image_set
from autokd.errors import DataError
from autokd.teacher.logits import teach
from tools.source_folder import IMAGE_SET, load_split, load_teacher, require_parts
from tools.training.measurements import Cache, Settings
from tools.training.workfolder import (
    Prepared,
    open_prepared,
    save_prepared,
    training_data,
    view_seed,
)

# Of the images that the loader gives: the last 5,000 of the 50,000 of CIFAR-100.
VALIDATION_FRACTION = 0.1
_NEEDED = ("load.py", IMAGE_SET, "teachers/nets.py")


def prepare(data: Path, work: Path, settings: Settings, *, progress: Progress) -> Prepared:
    """Write images and teacher logits into ``work``, or find them there.

    Args:
        data: Folder with ``load.py``, ``cifar100/`` and ``teachers/``.
        work: Folder that is emptied if it holds anything else.
        settings: How many images and views.
        progress: Told while the teacher is asked.

    Raises:
        DataError: A part of ``data`` is missing, or there are fewer images than asked for.
        TeacherError: The teacher gives no numbers for these images.
        StorageError: ``work`` cannot be written.
    """
    with contextlib.suppress(DataError):  # there is none, or of other days
        found = open_prepared(work)
        if found.is_for(data, settings):
            return found
    shutil.rmtree(work, ignore_errors=True)  # half a cache would be finished in half the time
    train, validation, class_names = load_images(data, settings.images)
    save_image_set(train, work, "train")
    save_image_set(validation, work, "validation")
    teacher = load_teacher(data, class_names)
    begin = time.perf_counter()
    logits_file = teach(
        teacher,
        open_image_set(work, "train"),
        views=settings.views,
        flip=True,
        seed=view_seed(settings.seed),
        dataset_digest=hashlib.sha256(train.images.numpy().tobytes()).hexdigest(),
        cache=work,
        progress=progress,
    )
    seconds = time.perf_counter() - begin
    prepared = Prepared(
        data=data,
        images=settings.images,
        seed=settings.seed,
        cache=Cache(images=len(train), batch_images=1, views=settings.views, seconds=seconds),
        logits_file=logits_file.relative_to(work),
        class_names=class_names,
        mean=teacher.card.mean,
        std=teacher.card.std,
    )
    batch_images = training_data(work, prepared).batch_size
    cache = prepared.cache.model_copy(update={"batch_images": batch_images})
    prepared = prepared.model_copy(update={"cache": cache})
    save_prepared(work, prepared)
    return prepared


def load_images(data: Path, images: int | None) -> tuple[ImageSet, ImageSet, tuple[str, ...]]:
    """Give training images, validation images and class names.

    Validation images are the last tenth of what the loader gives; with fewer training images there
    are fewer of them, in proportion. Any first part of CIFAR-100 has all classes alike.

    Raises:
        DataError: A part of ``data`` is missing, or it has fewer than ``images`` training images.
    """
    require_parts(data, _NEEDED)
    pixels, labels, class_names = load_split(data, "train")
    held_out = round(len(pixels) * VALIDATION_FRACTION)
    available = len(pixels) - held_out
    kept = available if images is None else images
    if kept > available:
        msg = f"--images {images}: there are {available:,} in {data / IMAGE_SET}; ask for fewer."
        raise DataError(msg)
    judged = max(1, held_out * kept // available)
    cuts = slice(0, kept), slice(available, available + judged)
    train, validation = (
        ImageSet(torch.from_numpy(pixels[cut].copy()), torch.from_numpy(labels[cut].copy()))
        for cut in cuts
    )
    return train, validation, tuple(class_names)

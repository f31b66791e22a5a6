"""The teacher's logits on fixed augmented views of every image, computed once and kept on disk.

A file is written block by block under another name, with a note beside it of how many blocks are
on the disk, so that after kill -9 only the rest is computed. A lock that ends with its process
keeps two runs from writing the same file.
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from autokd.core.codec import save_record, storage_error
from autokd.core.lock import held_lock
from autokd.core.progress import Progress
from autokd.core.record import Record
from autokd.data.augment import View, apply_view, make_view
from autokd.data.images import ImageSet
from autokd.data.source import block_images
from autokd.errors import TeacherError
from autokd.teacher.card import TeacherCard
from autokd.teacher.outputs import Teacher
from autokd.teacher.top_classes import LogitForm, form_for

BLOCK_IMAGES = 2048
_CHUNK = 256
_FORMAT = 1


class Note(Record):
    """How far a file is written.

    Attributes:
        blocks: Finished, counted over all views.
        block_images: Images in a block; the last of a view may have fewer.
    """

    blocks: int
    block_images: int


def teach(  # noqa: PLR0913 - each is a part of what the logits depend on
    teacher: Teacher,
    train: ImageSet,
    *,
    views: int,
    flip: bool,
    seed: int,
    dataset_digest: str,
    cache: Path,
    progress: Progress,
) -> Path:
    """Give the path of the logits in ``.npy``, (views, n) rows of `top_classes.form_for`.

    They are found again for the same teacher, preparation, precision, data, views, seed, mirroring
    and form.

    Args:
        teacher: Who is asked.
        train: n images.
        views: Views of each image, see `autokd.data.augment.make_view`.
        flip: Whether views are mirrored.
        seed: Of the views.
        dataset_digest: Of the data that ``train`` is from.
        cache: The user's cache folder; the file lies in its folder ``logits``.
        progress: Told about the images done.

    Raises:
        TeacherError: A logit is NaN or infinite.
        StorageError: The file cannot be written.
    """
    key = cache_key(teacher.card, views=views, flip=flip, seed=seed, dataset_digest=dataset_digest)
    file = cache / "logits" / f"{key}.npy"
    form = form_for(teacher.card.classes)
    shape = (views, len(train), *form.row_shape)
    if _is_whole(file, shape, form):
        return file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with held_lock(file.with_suffix(".lock")):
            if not _is_whole(
                file, shape, form
            ):  # another run may have finished while this one waited
                drawn = [
                    make_view(len(train), px=train.px, flip=flip, seed=seed, view=view)
                    for view in range(views)
                ]
                _write(teacher, train, drawn, file, progress)
    except OSError as fault:
        raise storage_error(file, fault) from fault
    return file


def cache_key(card: TeacherCard, *, views: int, flip: bool, seed: int, dataset_digest: str) -> str:
    """Give 64 hexadecimal digits, the same for everything that the logits depend on."""
    depends_on = {
        "format": _FORMAT,
        "teacher": card.model_dump(
            mode="json",
            include={
                "sha256",
                "arch",
                "input_px",
                "image_channels",
                "mean",
                "std",
                "normalised_inside",
                "class_order",
                "precision",
            },
        ),
        "data": dataset_digest,
        "views": views,
        "flip": flip,
        "seed": seed,
    }
    form = form_for(card.classes)
    if not form.whole:
        depends_on["top_classes"] = form.kept
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()


def _write(
    teacher: Teacher, train: ImageSet, views: list[View], file: Path, progress: Progress
) -> None:
    form = form_for(teacher.card.classes)
    shape = (len(views), len(train), *form.row_shape)
    partial, note = file.with_suffix(".partial"), file.with_suffix(".json")
    blocks = [(v, s) for v in range(len(views)) for s in range(0, len(train), BLOCK_IMAGES)]
    done = _blocks_done(partial, note)
    if not done:
        note.unlink(missing_ok=True)  # before the file is emptied: it would speak of lost blocks
    # Written with seek and write, not through a memory map: on a full disk a map kills the process.
    with partial.open("r+b" if done else "w+b") as stream:
        if not done:
            descr = np.lib.format.dtype_to_descr(form.dtype)
            header = {"descr": descr, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
        else:
            _skip_header(stream)
        start_of_data = stream.tell()
        for place, (view, start) in enumerate(blocks[done:], start=done):
            index = torch.arange(start, min(start + BLOCK_IMAGES, len(train)))
            finished = view * len(train) + start
            rows = _block(teacher, train, views[view], index, (finished, shape[0], progress))
            stream.seek(start_of_data + finished * form.row_bytes)
            stream.write(rows.tobytes())
            stream.flush()
            os.fsync(stream.fileno())
            save_record(Note(blocks=place + 1, block_images=BLOCK_IMAGES), note)
    partial.replace(file)
    note.unlink(missing_ok=True)
    progress("asking the teacher", shape[0] * shape[1], shape[0] * shape[1])


def _block(
    teacher: Teacher,
    train: ImageSet,
    view: View,
    index: Tensor,
    report: tuple[int, int, Progress],
) -> np.ndarray:
    finished, views, progress = report
    form = form_for(teacher.card.classes)
    rows = []
    for chunk in torch.split(index, min(_CHUNK, block_images(train.px, train.channels))):
        progress("asking the teacher", finished + int(chunk[0] - index[0]), views * len(train))
        logits = teacher.logits(apply_view(train.images[chunk], view, chunk))
        finite = torch.isfinite(logits).all(dim=1)
        if not bool(finite.all()):
            bad = int(chunk[~finite][0])
            msg = (
                f"{teacher.card.file}: gives NaN or infinite scores for training image {bad}; "
                "check its weights, mean and std."
            )
            raise TeacherError(msg)
        rows.append(form.pack(logits))
    return np.concatenate(rows)


def _blocks_done(partial: Path, note: Path) -> int:
    """Give the number of blocks that an earlier run has left, 0 if they do not fit this one."""
    try:
        left = Note.model_validate_json(note.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return 0
    fits = left.block_images == BLOCK_IMAGES
    return left.blocks if fits and partial.is_file() else 0


def _is_whole(file: Path, shape: tuple[int, ...], form: LogitForm) -> bool:
    try:
        found = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return bool(found.shape == shape and found.dtype == form.dtype)


def _skip_header(stream: object) -> None:
    np.lib.format.read_magic(stream)  # type: ignore[arg-type]
    np.lib.format.read_array_header_1_0(stream)  # type: ignore[arg-type]

"""The folder of a winner: the model for the board, and what a person needs beside it."""

import hashlib
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as safetensors_bytes

from autokd.core.codec import save_record, storage_error, write_atomically
from autokd.core.device import ExportTarget
from autokd.core.genotype import Genotype
from autokd.export.fold import Weights
from autokd.export.onnx import build_model
from autokd.export.verify import Parity, board_input, check_file, compare, run_onnx
from autokd.space.program import Program

MODEL_FILE = "student.onnx"
WEIGHTS_FILE = "student.safetensors"
GENOTYPE_FILE = "genotype.json"
SAMPLE_FILE = "sample.npz"

_SAMPLES = 8  # enough to see a wrong channel or class order, and small


@dataclass(frozen=True, slots=True)
class TrainedStudent:
    """All that an export needs to know about a student.

    Attributes:
        program: Its layers.
        weights: Its state dict, as arrays.
        genotype: What it was lowered from.
        mean: Of each channel, of pixels in 0..1, that it was trained with.
        std: The same.
        class_names: In the order of its logits; may be empty.
        metadata: More text for the file's metadata: where the student comes from.
    """

    program: Program
    weights: Weights
    genotype: Genotype
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExportedStudent:
    """The file as it was found after writing.

    Attributes:
        path: Of the ONNX file.
        export_seconds: Building and writing it; the checks take longer.
        parity: On the images that were given.
    """

    path: Path
    sha256: str
    size_bytes: int
    opset: int
    ir: int
    input: Literal["uint8", "float32"]
    export_seconds: float
    parity: Parity


def export_winner(
    folder: Path,
    student: TrainedStudent,
    *,
    target: ExportTarget,
    images: NDArray[np.uint8],
    reference: NDArray[np.float32],
) -> ExportedStudent:
    """Write a winner's folder and give what was found in it.

    The model gets its name last, after all checks: a folder with ``student.onnx`` is whole. A model
    that fails a check stays beside it as ``student.unchecked.onnx``.

    Args:
        folder: Made when missing.
        student: What to export.
        target: Form of the file.
        images: Real ones, (n, px, px, c), at the student's size and channels.
        reference: The student's logits on them before export, (n, classes).

    Raises:
        ExportError: The file is not what the board loads.
        ParityError: It does not compute what the student computes.
        StorageError: The disk is full or refuses.
    """
    unchecked = folder / "student.unchecked.onnx"
    started = time.perf_counter()
    model = build_model(
        student.program,
        student.weights,
        target=target,
        mean=student.mean,
        std=student.std,
        class_names=student.class_names,
        metadata=student.metadata,
    )
    content = model.SerializeToString()
    write_atomically(unchecked, content)
    export_seconds = time.perf_counter() - started
    check_file(unchecked, target)
    parity = compare(reference, run_onnx(unchecked, images), where=str(unchecked))
    weights = {key: np.ascontiguousarray(value) for key, value in student.weights.items()}
    write_atomically(folder / WEIGHTS_FILE, safetensors_bytes(weights))
    save_record(student.genotype, folder / GENOTYPE_FILE)
    # Spread, as images may be in the order of their classes.
    few = np.linspace(0, len(images) - 1, min(len(images), _SAMPLES)).round().astype(np.int64)
    sample = sample_bytes(images[few], reference[few], student.class_names, target)
    write_atomically(folder / SAMPLE_FILE, sample)
    path = folder / MODEL_FILE
    try:
        unchecked.replace(path)
    except OSError as fault:
        raise storage_error(path, fault) from fault
    return ExportedStudent(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        opset=model.opset_import[0].version,
        ir=model.ir_version,
        input=target.input,
        export_seconds=export_seconds,
        parity=parity,
    )


def sample_bytes(
    images: NDArray[np.uint8],
    reference: NDArray[np.float32],
    class_names: tuple[str, ...],
    target: ExportTarget,
) -> bytes:
    """Give an npz file with ``image`` as the board feeds it, ``logits`` and ``class_names``."""
    arrays: dict[str, NDArray[Any]] = {
        "image": board_input(images, target.input),
        "logits": np.asarray(reference, dtype=np.float32),
        "class_names": np.array(class_names, dtype=np.str_),
    }
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()

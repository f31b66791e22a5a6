"""The state of a training on disk: whole, or not there."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autokd.core.codec import write_atomically

_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that going on bit for bit needs; everything else follows from the step.

    Attributes:
        identity: Names program, data, parameters and seed; of another training is of no use.
        step: Steps done since the start.
        total_steps: Length of the rung in which it was taken.
        rung_steps: Steps done in that rung.
        rung_seconds: Training time spent in that rung.
        weights: State dict of the network.
        momenta: Of the optimiser, in the order of the parameters.
    """

    identity: str
    step: int
    total_steps: int
    rung_steps: int
    rung_seconds: float
    weights: dict[str, Tensor]
    momenta: list[Tensor]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Replace the checkpoint at ``path`` in one step.

    The file is a SHA-256 followed by what ``torch.save`` writes, so that a damaged one is told
    before any of it is parsed.

    Raises:
        StorageError: The disk is full or refuses; the old checkpoint is still whole.
    """
    stream = io.BytesIO()
    fields = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
    torch.save(fields, stream)
    content = stream.getvalue()
    write_atomically(path, hashlib.sha256(content).digest() + content)


def load_checkpoint(path: Path, *, identity: str) -> Checkpoint | None:
    """Read a checkpoint; None when there is none, it is damaged, or of another training."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    digest, content = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        return None
    fields: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True)
    if fields.get("identity") != identity:
        return None
    return Checkpoint(**fields)

"""Where students are trained: on processors, CUDA or MPS, and in which precision there.

A step never waits for a device: nothing in it reads a number back. Numbers are read when a rung is
saved or ends, see `autokd.distill.optimizer.ClippedSgd.check`.
"""

from contextlib import AbstractContextManager, nullcontext

import torch

from autokd.core.config import TrainOn
from autokd.errors import ConfigError

# Of the memory of a device: images and teacher logits live there if they take no more.
RESIDENT_SHARE = 0.25
# bfloat16 needs tensor cores of this compute capability, 8.0; older ones emulate it.
AMPERE = 8


def choose_device(wanted: TrainOn) -> torch.device:
    """Give the device that is asked for; ``auto`` is CUDA, then MPS, then processors.

    Raises:
        ConfigError: It is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return torch.device(next((name for name, found in there.items() if found), "cpu"))
    if not there.get(wanted, True):
        have = ", ".join(["auto", "cpu", *(name for name, found in there.items() if found)])
        msg = f"--train-on {wanted}: torch {torch.__version__} finds no such device; use {have}."
        raise ConfigError(msg)
    return torch.device(wanted)


def mixed_precision(device: torch.device) -> AbstractContextManager[object]:
    """Give a context in which a forward pass computes in bfloat16 where a device is made for it."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= AMPERE:
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


def wait_for(device: torch.device) -> None:
    """Return when the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def fits_on(device: torch.device, size_bytes: int) -> bool:
    """Whether so many bytes may stay on a device; never on processors, which map files."""
    if device.type == "cuda":
        memory_bytes = torch.cuda.get_device_properties(device).total_memory
    elif device.type == "mps":
        memory_bytes = torch.mps.recommended_max_memory()
    else:
        return False
    return size_bytes <= RESIDENT_SHARE * memory_bytes

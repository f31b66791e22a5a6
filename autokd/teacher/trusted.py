"""Formats that run code from the file when loaded: only for files that a person vouches for."""

import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from autokd.errors import TeacherError, UntrustedCodeError

_REASONS = {
    "torchscript": "is a TorchScript archive, a program that torch.jit.load runs",
    "exported": "is a torch.export archive, whose loader falls back on unrestricted unpickling",
}


@dataclass(frozen=True, slots=True)
class TrustedModule:
    """A module that came with its code.

    Attributes:
        network: Called with images (n, channels, px, px).
        shape: Of its input, where the format fixes it; None for a side that is free.
    """

    network: nn.Module
    shape: tuple[int | None, ...] | None = None


def require_trust(path: Path, kind: str, *, trust_code: bool) -> None:
    """Refuse a format that runs code unless a person allowed it.

    Raises:
        UntrustedCodeError: Nobody did; the message has the reason.
    """
    if trust_code:
        return
    msg = (
        f"{path}: {_REASONS[kind]}; it could run any code, so it was not loaded. Save the weights "
        "alone with torch.save(model.state_dict(), 'model.pt') and give --arch, or export to ONNX, "
        "or give --trust-code if you made this file yourself."
    )
    raise UntrustedCodeError(msg)


def load_torchscript(path: Path) -> TrustedModule:
    """Load a TorchScript archive, which runs code from it.

    Raises:
        TeacherError: It cannot be loaded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch deprecates the format, not our reading of it
            network = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as fault:
        raise _cannot_load(path, fault) from None
    return TrustedModule(network.eval())


def load_exported(path: Path) -> TrustedModule:
    """Load a torch.export archive, which may run code from it.

    Raises:
        TeacherError: It cannot be loaded, or takes other than one image tensor.
    """
    try:
        program = torch.export.load(path)
    except (RuntimeError, ValueError, OSError, KeyError, AssertionError) as fault:
        raise _cannot_load(path, fault) from None
    inputs = set(program.graph_signature.user_inputs)
    shapes = [node.meta["val"].shape for node in program.graph.nodes if node.name in inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        msg = (
            f"{path}: takes inputs of shapes {shapes}; a teacher takes one tensor of "
            "images, (n, channels, px, px): export it so."
        )
        raise TeacherError(msg)
    shape = tuple(side if isinstance(side, int) else None for side in shapes[0])
    return TrustedModule(program.module(), shape)


def load_pickled(path: Path) -> Any:
    """Unpickle a file without restriction, which runs code from it.

    Gives a module in evaluation mode, or whatever else was saved.

    Raises:
        TeacherError: It cannot be loaded, for example because its class cannot be imported.
    """
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=False)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as fault:
        raise _cannot_load(path, fault) from None
    except (ImportError, AttributeError, KeyError, TypeError) as fault:
        raise _cannot_load(path, fault) from None
    return loaded.eval() if isinstance(loaded, nn.Module) else loaded


def _cannot_load(path: Path, fault: BaseException) -> TeacherError:
    first = (str(fault).strip().splitlines() or [type(fault).__name__])[0]
    return TeacherError(
        f"{path}: cannot be loaded ({first[:200]}). Save the weights alone with "
        "torch.save(model.state_dict(), 'model.pt') and give --arch."
    )

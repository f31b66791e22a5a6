"""A teacher that is a module in the memory of a Python program, and has no file."""

import copy
import hashlib

import torch
from torch import Tensor, nn

from autokd.core.config import MODULE
from autokd.errors import InterruptedRunError, TeacherError
from autokd.teacher.card import TeacherCard, TeacherHints

_WHY = {
    "input_px": "the side of its images, such as input_px=224",
    "mean": "of pixels in 0..1, such as mean=(0.485, 0.456, 0.406)",
    "std": "of pixels in 0..1, such as std=(0.229, 0.224, 0.225)",
}


class AbsentTeacher:
    """Stands for a module of which only the card is left, in a run that is gone on with.

    Attributes:
        card: As it was when the run began.
    """

    def __init__(self, card: TeacherCard) -> None:
        self.card = card

    def logits(self, images: Tensor) -> Tensor:  # noqa: ARG002 - the form of a teacher
        """Say that the module is needed.

        Raises:
            TeacherError: Always.
        """
        raise TeacherError(absence(self.card.file))


def absence(name: str) -> str:
    """Say what to do where the module called ``name`` is needed and is not there."""
    return (
        f"{name}: this teacher was a module in the memory of a Python program, and it is needed "
        "again, since its logits are not on the disk any more; go on from Python with "
        "autokd.resume(RUN, teacher=module)."
    )


def name_of_module(module: nn.Module) -> str:
    """Give ``module:`` and the name of the module's class."""
    kind = type(module)
    return f"{MODULE}{kind.__module__}.{kind.__qualname__}"


def sha256_of_module(module: nn.Module) -> str:
    """Digest names, types, shapes and numbers of all tensors of the state dict.

    The same weights give the same digest wherever they are, in whatever layout.
    """
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        if not isinstance(value, Tensor):
            continue
        plain = value.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)}\n".encode())
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().data if plain.numel() else b"")
    return digest.hexdigest()


def bytes_of_module(module: nn.Module) -> int:
    """Give the size of the tensors of the state dict."""
    tensors = (value for value in module.state_dict().values() if isinstance(value, Tensor))
    return sum(value.numel() * value.element_size() for value in tensors)


def require_preparation(hints: TeacherHints, where: str) -> None:
    """Ask for what a module does not say of the images that it was trained on.

    Raises:
        TeacherError: Something of it is not given.
    """
    missing = [name for name in _WHY if getattr(hints, name) is None]
    if missing:
        asked = "; ".join(f"{name}: {_WHY[name]}" for name in missing)
        msg = (
            f"{where}: a module does not say how it sees images; give {asked}. With mean=(0,) and "
            "std=(1,) it gets pixels in 0..1 as they are."
        )
        raise TeacherError(msg)


def copy_for_inference(module: nn.Module) -> nn.Module:
    """Give a copy on the CPU, in float32 and in evaluation mode.

    Raises:
        TeacherError: It cannot be copied.
    """
    try:
        copied = copy.deepcopy(module)
    except InterruptedRunError:
        raise
    except Exception as fault:
        first = (str(fault).strip().splitlines() or [repr(fault)])[0]
        msg = (
            f"{name_of_module(module)}: cannot be copied ({first[:200]}); take hooks and cached "
            "tensors off it, or save its state_dict and give the file with arch=."
        )
        raise TeacherError(msg) from fault
    return copied.cpu().float().eval()

"""The folder DATA of the tools: images and teachers that the project does not hold.

It has ``load.py``, which reads image sets, and ``teachers/nets.py``, which builds teachers; both
are imported by their path, under names that hide no other module.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from torch import channels_last, nn

from autokd.errors import DataError
from autokd.teacher.card import TeacherCard
from autokd.teacher.file import sha256_of
from autokd.teacher.torch_teacher import TorchTeacher

IMAGE_SET = "cifar100"
TEACHER = "cifar100_micronet_v2"


def require_parts(data: Path, parts: Sequence[str]) -> None:
    """Refuse a folder in which one of ``parts`` is missing.

    Raises:
        DataError: It is; the message names all that are needed.
    """
    for name in parts:
        if not (data / name).exists():
            msg = (
                f"{data / name}: is missing; DATA must be a folder with {', '.join(parts)}, "
                "which the project does not hold."
            )
            raise DataError(msg)


def load_split(data: Path, split: str) -> tuple[np.ndarray, np.ndarray, Sequence[str]]:
    """Give uint8 images (n, px, px, 3), labels (n,) and class names of ``train`` or ``test``."""
    images, labels, class_names = _module(data / "load.py").load(IMAGE_SET, split, root=str(data))
    return images, labels, class_names


def load_network(data: Path) -> nn.Module:
    """Build the teacher with its weights, in evaluation mode."""
    return _built(data)[0]


def load_teacher(data: Path, class_names: tuple[str, ...]) -> TorchTeacher:
    """Give the teacher as the product would have loaded it, with the first classes alone."""
    network, known = _built(data)
    file = data / "teachers" / known["file"]
    card = TeacherCard(
        file=str(file),
        sha256=sha256_of(file),
        kind="state_dict",
        arch=f"nets:{known['arch']}",
        input_px=known["size"],
        image_channels=3,
        mean=tuple(known["mean"]),
        std=tuple(known["std"]),
        normalisation_source="given",
        class_names=class_names,
        class_order=tuple(range(len(class_names))),
        classes=len(class_names),
        params=known["params"],
        size_bytes=file.stat().st_size,
        macs=known["checked"]["macs"],
    )
    return TorchTeacher(network.to(memory_format=channels_last), card)


def _built(data: Path) -> tuple[nn.Module, dict[str, Any]]:
    folder = data / "teachers"
    network, known = _module(folder / "nets.py").load_teacher(TEACHER, root=str(folder))
    assert isinstance(network, nn.Module)
    return network.eval(), known


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_data_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

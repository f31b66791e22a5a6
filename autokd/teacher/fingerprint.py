"""An architecture's fingerprint: names and shapes of its weights, made without memory for them."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from autokd.core.record import Record
from autokd.teacher.architectures import AUXILIARY, build_architecture, first_convolution

# A prime, so that no width of any architecture equals it and the classifier stands out.
PROBE_CLASSES = 1009

Shapes = Mapping[str, tuple[int, ...]]


class Fingerprint(Record):
    """An architecture, apart from its numbers of classes and image channels.

    Attributes:
        arch: ``library:NAME``.
        classifier: Weights whose first side is the number of classes.
        stem: Weight of the first convolution; None when there is none.
        digest: Of all names and shapes.
        names: A checksum of each name, sorted.
        words: First words of the names, sorted.
    """

    arch: str
    classifier: tuple[str, ...]
    stem: str | None
    digest: str
    names: tuple[int, ...]
    words: tuple[str, ...]


def make_fingerprint(arch: str) -> Fingerprint:
    """Give the fingerprint of ``library:NAME``."""
    network = build_without_memory(arch)
    shapes = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
    stem = first_convolution(network)
    blank = Fingerprint(
        arch=arch,
        classifier=tuple(name for name, s in shapes.items() if s[:1] == (PROBE_CLASSES,)),
        stem=f"{stem[0]}.weight" if stem is not None and stem[1].groups == 1 else None,
        digest="",
        names=tuple(sorted(zlib.crc32(name.encode()) for name in compared_shapes(arch, shapes))),
        words=tuple(sorted(first_words(shapes))),
    )
    return blank.model_copy(update={"digest": digest_as(blank, shapes)})


def digest_as(fingerprint: Fingerprint, shapes: Shapes) -> str:
    """Digest names and shapes, with the sides that may differ in ``fingerprint`` left out."""
    sides: list[tuple[str, Sequence[int]]] = []
    classes = set()
    for name, shape in compared_shapes(fingerprint.arch, shapes).items():
        if name in fingerprint.classifier:
            classes.add(shape[:1])
            sides.append((name, shape[1:]))
        elif name == fingerprint.stem:
            sides.append((name, shape[:1] + shape[2:]))
        else:
            sides.append((name, shape))
    if len(classes) > 1:
        return "classifiers of different sizes"
    return hashlib.sha256(json.dumps(sorted(sides)).encode()).hexdigest()


def compared_shapes(arch: str, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Leave out what a checkpoint may lack: counters of batches, classifiers for training alone."""
    skipped = AUXILIARY.get(arch.removeprefix("torchvision:"), ())
    return {
        name: shape
        for name, shape in shapes.items()
        if not name.endswith("num_batches_tracked") and not name.startswith(tuple(skipped))
    }


def first_words(names: Iterable[str]) -> set[str]:
    """Give what stands before the first dot of each name."""
    return {name.partition(".")[0] for name in names}


def build_without_memory(arch: str) -> nn.Module:
    """Build ``library:NAME`` with its weights on the meta device, for ``PROBE_CLASSES`` classes."""
    with _NoMemory():
        return build_architecture(arch, classes=PROBE_CLASSES)


class _NoMemory(TorchFunctionMode):
    """Makes weights on the meta device and skips their initialisation.

    ``torch.device("meta")`` would do the first for every tensor, and some constructors compute
    with small ones.
    """

    _make = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)
    _initialise = tuple(
        f for n, f in vars(nn.init).items() if n.endswith("_") and not n.startswith("_")
    )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        if func in self._initialise:
            return options["tensor"] if "tensor" in options else args[0]
        if func in self._make and options.get("device") is None:
            options["device"] = "meta"
        return func(*args, **options)

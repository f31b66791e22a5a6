"""Networks by name: ``torchvision:NAME``, ``timm:NAME`` or ``package.module:factory``."""

import importlib
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from autokd.core.codec import nearest
from autokd.errors import InterruptedRunError, TeacherError

LIBRARIES = ("torchvision", "timm")
# Their extra classifiers serve training alone; weights of them are left out.
AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


def split_arch(arch: str) -> tuple[str, str]:
    """Split ``library:NAME``.

    Raises:
        TeacherError: There is no colon, or nothing on one side of it.
    """
    library, _, name = arch.partition(":")
    if not library or not name:
        msg = (
            f"--arch {arch!r}: write torchvision:NAME, timm:NAME or package.module:factory, for "
            "example torchvision:resnet18."
        )
        raise TeacherError(msg)
    return library, name


def library_version(library: str) -> str | None:
    """Give the version of torchvision or timm, None when it is not installed."""
    try:
        module = importlib.import_module(library)
    except ImportError:
        return None
    version = getattr(module, "__version__", None)  # a folder of that name imports, and has none
    return None if version is None else str(version)


def list_names(library: str) -> list[str]:
    """List the classification architectures of torchvision or timm."""
    module = _import_library(library)
    if library == "timm":
        return list(module.list_models())
    return list(module.models.list_models(module=module.models))


def build_architecture(arch: str, *, classes: int, channels: int = 3) -> nn.Module:
    """Build a network with random weights; the global random state is left as it was.

    Args:
        arch: As in ``--arch``.
        classes: Outputs of its classifier. A factory gets them if it takes ``num_classes``.
        channels: Of its images; the first convolution of a library's network is made for them.

    Raises:
        TeacherError: There is no such library, architecture or factory, or the factory fails.
    """
    library, name = split_arch(arch)
    with torch.random.fork_rng(devices=[]):
        if library == "timm":
            timm = _import_library("timm")
            _check_name(library, name)
            # Not every model of timm takes in_chans, so only if asked.
            extra = {} if channels == 3 else {"in_chans": channels}
            return _as_module(
                timm.create_model(name, pretrained=False, num_classes=classes, **extra), arch
            )
        if library == "torchvision":
            return _build_torchvision(name, classes=classes, channels=channels)
        return _build_by_factory(library, name, classes=classes)


def first_convolution(network: nn.Module) -> tuple[str, nn.Conv2d] | None:
    """Give name and module of the first convolution, None without one."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return name, module
    return None


def native_input_px(arch: str | None) -> int:
    """Give the side of image that a library's architecture was made for; 224 when nobody says."""
    library, _, name = (arch or "").partition(":")
    if library == "torchvision":
        weights = _import_library(library).models.get_model_weights(name)
        crop = getattr(weights.DEFAULT.transforms(), "crop_size", [224])
        return int(crop[0] if isinstance(crop, list) else crop)
    if library == "timm":
        config = _import_library(library).get_pretrained_cfg(name)
        return int(config.input_size[-1]) if config is not None else 224
    return 224


def published_params(name: str) -> int:
    """Give the parameters of a torchvision architecture for 1,000 classes, as published."""
    weights = _import_library("torchvision").models.get_model_weights(name)
    return int(weights.DEFAULT.meta["num_params"])


def _build_torchvision(name: str, *, classes: int, channels: int) -> nn.Module:
    _check_name("torchvision", name)
    extra = {"init_weights": False, "aux_logits": False} if name in AUXILIARY else {}
    models = _import_library("torchvision").models
    network: nn.Module = models.get_model(name, weights=None, num_classes=classes, **extra)
    found = first_convolution(network)
    if found is not None and found[1].in_channels != channels:
        place, conv = found
        parent, _, child = place.rpartition(".")
        setattr(network.get_submodule(parent), child, _with_channels(conv, channels))
    return network


def _with_channels(conv: nn.Conv2d, channels: int) -> nn.Conv2d:
    high, wide = conv.kernel_size
    assert not isinstance(conv.padding, str)  # noqa: S101 - torchvision's are numbers
    return nn.Conv2d(
        channels,
        conv.out_channels,
        (high, wide),
        stride=(conv.stride[0], conv.stride[1]),
        padding=(conv.padding[0], conv.padding[1]),
        bias=conv.bias is not None,
    )


def _build_by_factory(package: str, name: str, *, classes: int) -> nn.Module:
    arch = f"{package}:{name}"
    with _working_folder_importable():
        try:
            module = importlib.import_module(package)
        except InterruptedRunError:
            raise
        except Exception as fault:
            msg = (
                f"--arch {arch}: module {package!r} cannot be imported ({fault!r}); run autokd in "
                "the folder that holds it, or in the environment where it is installed."
            )
            raise TeacherError(msg) from fault
        factory = getattr(module, name, None)
        if not callable(factory):
            known = [key for key, value in vars(module).items() if callable(value)]
            msg = f"--arch {arch}: {package} has no callable {name!r}; {nearest(name, known)}"
            raise TeacherError(msg)
        return _as_module(_call_factory(factory, arch, classes), arch)


def _call_factory(factory: Callable[..., Any], arch: str, classes: int) -> Any:
    arguments = {"num_classes": classes} if _takes_num_classes(factory) else {}
    try:
        return factory(**arguments)
    except InterruptedRunError:
        raise
    except Exception as fault:
        given = ", ".join(f"{k}={v}" for k, v in arguments.items())
        msg = f"--arch {arch}: {arch.partition(':')[2]}({given}) failed: {fault!r}; correct it."
        raise TeacherError(msg) from fault


def _takes_num_classes(factory: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "num_classes" or p.kind is p.VAR_KEYWORD for p in parameters)


def _as_module(built: object, arch: str) -> nn.Module:
    if not isinstance(built, nn.Module):
        msg = (
            f"--arch {arch}: gives a {type(built).__name__}, not a torch.nn.Module; name what "
            "gives one."
        )
        raise TeacherError(msg)
    return built


@contextmanager
def _working_folder_importable() -> Iterator[None]:
    """Let the person's own modules be found, as ``python -m`` would."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _import_library(library: str) -> types.ModuleType:
    try:
        return importlib.import_module(library)
    except ImportError:
        msg = f"--arch {library}:...: {library} is not installed; run: pip install {library}"
        raise TeacherError(msg) from None


def _check_name(library: str, name: str) -> None:
    known = list_names(library)
    # timm's names may carry the tag of a set of weights after a dot.
    if name.partition(".")[0] not in known:
        close = nearest(name, known)
        hint = close if close.startswith("did") else f"see the {len(known)} names of {library}."
        msg = f"--arch {library}:{name}: {library} has no such classification architecture; {hint}"
        raise TeacherError(msg)

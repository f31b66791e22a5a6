"""Weights out of a file, by torch's restricted unpickler or safetensors, never by plain pickle."""

import argparse
import pickle
import re
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autokd.errors import TeacherError, UntrustedCodeError

# Weights averaged over training come first: they are what such a checkpoint was scored with.
_WRAPPERS = (
    "model_ema",
    "ema_state_dict",
    "state_dict_ema",
    "ema",
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "weights",
)
# DataParallel, torch.compile, Lightning modules.
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
_MAX_DEPTH = 3
# Classifiers that torchvision has for training alone.
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
# Common beside weights in a checkpoint (training arguments, best accuracy so far), and harmless.
_SAFE: list[Callable[..., Any]] = [
    argparse.Namespace,
    np.dtype,
    np.dtypes.Float64DType,
    np.dtypes.Float32DType,
]
_SAFE_SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
_UNSAFE = "unpickling it can run any code that its author put there"


def read_state_dict(path: Path, *, safetensors: bool) -> dict[str, Tensor]:
    """Read names and weights, float32 and integers, unwrapped and without common prefixes.

    Raises:
        UntrustedCodeError: The file holds Python objects, not weights alone.
        TeacherError: The file is damaged, holds no weights, or has weights that are not finite.
    """
    loaded = _read_safetensors(path) if safetensors else read_checkpoint(path)
    state = find_state_dict(loaded, str(path))
    check_finite(state, str(path))
    return {name: w.float() if w.is_floating_point() else w for name, w in state.items()}


def read_checkpoint(path: Path) -> Any:
    """Unpickle what torch.save wrote, with torch's restricted unpickler.

    Raises:
        UntrustedCodeError: It holds Python objects other than weights and plain values.
        TeacherError: It is damaged.
    """
    scalar: Any = np.float64(0).__reduce__()[0]
    allowed: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        *_SAFE,
        *((scalar, name) for name in _SAFE_SCALARS),
    ]
    try:
        with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols, before it fails or does not
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as fault:
        raise _untrusted(path, fault) from None
    except (RuntimeError, EOFError, KeyError, ValueError, TypeError, OSError) as fault:
        raise _damaged(path, fault) from None
    except (AttributeError, IndexError, AssertionError, struct.error, MemoryError) as fault:
        raise _damaged(path, fault) from None


def find_state_dict(loaded: object, where: str) -> dict[str, Tensor]:
    """Find the weights in a checkpoint and strip prefixes that every name has.

    Raises:
        TeacherError: There are none.
    """
    found = _find(loaded, depth=0)
    if found is None:
        keys = ", ".join(repr(k) for k in list(loaded)[:8]) if isinstance(loaded, Mapping) else ""
        held = f"a dictionary with {keys}" if keys else f"a {type(loaded).__name__}"
        msg = (
            f"{where}: holds {held}, no weights under any of {', '.join(_WRAPPERS)}. Save them "
            "with torch.save(model.state_dict(), 'model.pt')."
        )
        raise TeacherError(msg)
    return _strip_prefixes(found)


def check_finite(state: Mapping[str, Tensor], where: str) -> None:
    """Check that no weight is NaN or infinite.

    Raises:
        TeacherError: One is; the message names the tensor.
    """
    for name, weight in state.items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            bad = int((~torch.isfinite(weight)).sum())
            msg = (
                f"{where}: {name} has {bad} of {weight.numel()} values that are NaN or infinite; "
                "its training diverged or the file is damaged. Take an earlier checkpoint."
            )
            raise TeacherError(msg)


def count_classes(state: Mapping[str, Tensor]) -> int | None:
    """Give the number of outputs of the last matrix, which is the classifier nearly always."""
    rows = [weight.shape[0] for weight in state.values() if weight.ndim == 2]
    return rows[-1] if rows else None


def load_into(module: nn.Module, state: Mapping[str, Tensor], *, arch: str, where: str) -> None:
    """Put weights into a network; counters of batches and auxiliary classifiers may be missing.

    Raises:
        TeacherError: Names or shapes differ; the message has the first of each.
    """
    own = module.state_dict()
    counters = {n: own[n] for n in own if n.endswith("num_batches_tracked") and n not in state}
    kept = {n: w for n, w in state.items() if n in own or not n.startswith(_AUXILIARY)}
    wrong = [
        f"{n} is {tuple(w.shape)}, --arch {arch} has {tuple(own[n].shape)}"
        for n, w in kept.items()
        if n in own and own[n].shape != w.shape
    ]
    missing = [n for n in own if n not in kept and n not in counters]
    unknown = [n for n in kept if n not in own]
    if wrong or missing or unknown:
        parts = wrong[:2]
        parts += [f"{len(missing)} weights are missing, as {missing[0]}"] if missing else []
        parts += [f"{len(unknown)} are not of it, as {unknown[0]}"] if unknown else []
        msg = (
            f"{where}: its weights do not fit --arch {arch}: {'; '.join(parts)}. Give the "
            "architecture that it was saved from."
        )
        raise TeacherError(msg)
    module.load_state_dict({**counters, **kept})


def _find(loaded: object, *, depth: int) -> dict[str, Tensor] | None:
    if not isinstance(loaded, Mapping) or depth > _MAX_DEPTH:
        return None
    for key in _WRAPPERS:
        if isinstance(loaded.get(key), Mapping):
            found = _find(loaded[key], depth=depth + 1)
            if found is not None:
                return found
    tensors = {k: v for k, v in loaded.items() if isinstance(k, str) and isinstance(v, Tensor)}
    # A weight's name has its module's and a dot before it; the name of a metric has no dot.
    whole = len(tensors) == len(loaded)
    return tensors if tensors and (whole or any("." in name for name in tensors)) else None


def _strip_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    state.pop("n_averaged", None)  # of torch.optim.swa_utils.AveragedModel
    state = {name.replace("._orig_mod.", "."): weight for name, weight in state.items()}
    prefix = next((p for p in _PREFIXES if all(name.startswith(p) for name in state)), None)
    if prefix is None:
        return state
    return _strip_prefixes({name.removeprefix(prefix): w for name, w in state.items()})


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    # Late, so that reading .pt files does not need it.
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as fault:
        raise _damaged(path, fault) from None


def _untrusted(path: Path, fault: pickle.UnpicklingError) -> TeacherError:
    names = list(_global_names(str(fault)))
    if not names and "truncated" in str(fault):
        return _damaged(path, fault)
    held = f"Python objects ({', '.join(names)})" if names else "more than weights and plain values"
    return UntrustedCodeError(
        f"{path}: holds {held}; {_UNSAFE}, so it was not loaded. Save the weights alone with "
        "torch.save(model.state_dict(), 'model.pt') and give --arch, or give --trust-code if you "
        "made this file yourself."
    )


def _global_names(message: str) -> Iterator[str]:
    found = re.findall(r"GLOBAL ([\w.]+)", message)
    yield from dict.fromkeys(found)


def _damaged(path: Path, fault: BaseException) -> TeacherError:
    first = (str(fault).strip().splitlines() or [type(fault).__name__])[0]
    return TeacherError(
        f"{path}: is damaged, cut short or not a torch file ({first[:160]}); copy or save it again."
    )

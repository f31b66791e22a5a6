"""Keywords of `autokd.compress` as the settings of a run."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from autokd.core.codec import load_toml, nearest
from autokd.core.config import RunConfig, TrainOn
from autokd.core.setting_names import KEYS
from autokd.core.settings import contradiction, merge, parse_settings, with_absolute_paths
from autokd.errors import ConfigError

StrPath = str | os.PathLike[str]


class Settings(TypedDict, total=False):
    """Keywords that set what an option of the command line sets.

    ``max_accuracy_drop`` is a fraction here: 0.01 is one point. The others have the form and the
    default of their option, see ``autokd compress --help``.
    """

    arch: str
    input_px: int
    mean: Sequence[float]
    std: Sequence[float]
    class_names: Sequence[str]
    trust_code: bool
    target: str
    size: int
    flip: Literal["auto", "yes", "no"]
    views: int
    budget: str | float
    seed: int
    trials: int
    epochs: float
    strategy: str
    space: str
    loss: str
    workers: int
    train_on: TrainOn
    kd_gain: bool
    kd_gain_seeds: int
    warm_start: StrPath | Sequence[StrPath]
    track: str | Sequence[str]
    precision: Literal["auto", "fp32", "fp16", "int8"]
    max_accuracy_drop: float
    max_latency_ms: float
    max_params: int
    max_memory: str | int
    max_size: str | int


# Of `autokd.compress` itself.
_OWN = ("config", "out", "accept_host_key", "progress", "say")
_LISTS = ("mean", "std", "class_names", "warm_start", "track")


def read_keywords(given: Mapping[str, Any], config: RunConfig | StrPath | None) -> RunConfig:
    """Give the settings of a run; paths in them are absolute.

    Args:
        given: By the names of `KEYS`; None is not given.
        config: What they are put over: settings, or a file of them.

    Raises:
        ConfigError: A name is unknown, a value breaks a rule, two settings contradict each other,
            or teacher or device is given nowhere.
    """
    for name in given:
        if name not in KEYS:
            msg = f"{name}=: no such keyword; {nearest(name, [*KEYS, *_OWN])}"
            raise ConfigError(msg)
    chosen = {name: _plain(name, value) for name, value in given.items() if value is not None}
    merged = merge(_tables_of(config), chosen)
    teacher = merged.get("teacher", {})
    if isinstance(teacher, dict) and "file" not in teacher:
        raise ConfigError("teacher=: is not given; give a file or a torch.nn.Module.")
    if "device" not in merged:
        msg = (
            "device=: is not given; give one, such as device='raspberry-pi-5'. "
            "'autokd devices list' has all."
        )
        raise ConfigError(msg)
    if (fault := contradiction(chosen, merged, spell=_spell)) is not None:
        raise ConfigError(fault)
    where = str(config) if isinstance(config, (str, os.PathLike)) else "settings"
    return parse_settings(merged, chosen, where=where, spell=_spell)


def _tables_of(config: Any) -> dict[str, Any]:
    if config is None:
        return {}
    if isinstance(config, RunConfig):
        return with_absolute_paths(config.model_dump(exclude_unset=True), Path.cwd())
    path = Path(config).expanduser()
    return with_absolute_paths(load_toml(path), path.absolute().parent)


def _plain(name: str, value: Any) -> Any:
    """Give paths as text and lists as tuples; the record judges the rest."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if name in _LISTS:
        if isinstance(value, (str, int, float)):
            return (value,)
        if isinstance(value, Iterable):
            return tuple(_plain("", one.item() if hasattr(one, "item") else one) for one in value)
    return value


def _spell(name: str) -> str:
    return f"{name}="

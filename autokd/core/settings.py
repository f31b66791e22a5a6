"""Settings as a person gives them, one name each, brought to the tables of `RunConfig`.

The command line and the Python interface give the same names. How a name is spelled in a message,
``--max-params`` or ``max_params``, is all that differs between them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autokd.core.codec import parse_record, rule_of
from autokd.core.config import MODULE, RunConfig
from autokd.core.plugin_record import PluginKind
from autokd.core.plugins import with_plugins
from autokd.core.setting_names import KEYS
from autokd.errors import ConfigError

TORCHVISION = "torchvision:"

Spell = Callable[[str], str]


def merge(base: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Put what was chosen over the tables of a file, with absolute paths.

    Args:
        base: Tables of a file, whose paths are absolute already; the record judges odd types.
        chosen: By the names of `KEYS`; paths are taken from the working folder.
    """
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
    _overlay(merged, with_absolute_paths(_as_tables(chosen), Path.cwd()))
    if "budget" in chosen and isinstance(merged.get("search"), dict):
        merged["search"].pop("trials", None)  # a budget that is given beats the file's trials
    return merged


def contradiction(
    chosen: Mapping[str, Any], merged: Mapping[str, Any], *, spell: Spell
) -> str | None:
    """Say which two settings do not go together, and what to do; None when all do."""
    if "budget" in chosen and "trials" in chosen:
        return (
            f"{spell('budget')} and {spell('trials')} exclude each other: "
            "a run ends by time or by number of students; give one of them."
        )
    search = merged.get("search")
    search = search if isinstance(search, dict) else {}
    strategy = search.get("strategy", "autokd")
    if "warm_start" in chosen and strategy != "autokd":
        return (
            f"{spell('warm_start')} goes with {spell('strategy')} autokd, and the strategy is "
            f"{strategy}; leave one of them out."
        )
    if "epochs" in chosen and search.get("trials") is None:
        return (
            f"{spell('epochs')} goes with {spell('trials')}; with a budget the length follows "
            "from the budget."
        )
    return None


def parse_settings(
    merged: Mapping[str, Any], chosen: Mapping[str, Any], *, where: str, spell: Spell
) -> RunConfig:
    """Give the settings of a run; the default data folder is made absolute too.

    Args:
        merged: As `merge` gives it.
        chosen: What it was given.
        where: Names the file in messages.
        spell: Gives the name of a setting as a person gave it.

    Raises:
        ConfigError: A value breaks a rule; the message names the setting or the file's key.
        PluginError: A plug-in is named that is not installed, or in another version.
    """
    try:
        settings = RunConfig.model_validate(merged)
    except ValidationError as fault:
        for error in fault.errors():
            for name in chosen:
                if tuple(error["loc"][: len(KEYS[name])]) == KEYS[name]:
                    rule = rule_of(error["msg"])
                    message = f"{spell(name)} {_as_typed(chosen[name])}: {rule}."
                    raise ConfigError(message) from None
        settings = parse_record(RunConfig, merged, where=where)

    def place(kind: PluginKind) -> str:
        value = settings.target if kind == "target" else getattr(settings.search, kind)
        return f"{spell(kind) if kind in chosen else f'{where}: {kind} ='} {value}"

    settings = with_plugins(settings, place=place)
    # 'resume' may run in another folder.
    path = _absolute_data(settings.data.path, Path.cwd())
    return settings.model_copy(update={"data": settings.data.model_copy(update={"path": path})})


def with_absolute_paths(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Copy the tables, with paths taken from ``folder``; the record judges odd types."""
    out = {key: dict(value) if isinstance(value, dict) else value for key, value in raw.items()}
    teacher, data, device = out.get("teacher"), out.get("data"), out.get("device")
    file = teacher.get("file") if isinstance(teacher, dict) else None
    if isinstance(teacher, dict) and isinstance(file, str) and not file.startswith(MODULE):
        teacher["file"] = str(folder / Path(file).expanduser())
    if isinstance(data, dict) and isinstance(data.get("path"), str):
        data["path"] = _absolute_data(data["path"], folder)
    search = out.get("search")
    if isinstance(search, dict) and isinstance(runs := search.get("warm_start"), (list, tuple)):
        search["warm_start"] = [
            str(folder / Path(run).expanduser()) if isinstance(run, str) else run for run in runs
        ]
    if isinstance(device, str) and device.endswith(".toml"):
        out["device"] = str(folder / Path(device).expanduser())
    return out


def _as_typed(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _as_tables(chosen: Mapping[str, Any]) -> dict[str, Any]:
    raw: dict[str, Any] = {}
    for name, value in chosen.items():
        *tables, key = KEYS[name]
        inner = raw
        for table in tables:
            inner = inner.setdefault(table, {})
        inner[key] = value
    return raw


def _overlay(base: dict[str, Any], upper: Mapping[str, Any]) -> None:
    """Put the values of ``upper`` over those of ``base``, table by table."""
    for key, value in upper.items():
        below = base.get(key)
        if isinstance(value, Mapping) and isinstance(below, dict):
            _overlay(below, value)
        else:
            base[key] = value


def _absolute_data(text: str, folder: Path) -> str:
    if not text.startswith(TORCHVISION):
        return str(folder / Path(text).expanduser())
    name, at, root = text.partition("@")
    return f"{name}@{folder / Path(root).expanduser()}" if at and root else text

"""The settings of a run: defaults, then ``autokd.toml``, then the command line."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from autokd.cli.options import KEYS, flag_of
from autokd.core.codec import load_toml, parse_record, write_atomically
from autokd.core.config import RunConfig
from autokd.core.toml import render_toml
from autokd.errors import ConfigError, UntrustedCodeError

CONFIG_NAME = "autokd.toml"
_TORCHVISION = "torchvision:"
_LIBRARIES = (_TORCHVISION, "timm:")  # any other arch names a module, which is imported


def read_settings(given: Mapping[str, Any], config: str | None) -> RunConfig:
    """Give the settings of a run; paths in them are absolute.

    Args:
        given: Parameters of the command line by name; None is not given.
        config: The file given with ``--config``; None looks for ``autokd.toml`` in the working
            folder.

    Raises:
        ConfigError: The file cannot be read, or a value breaks a rule; the message names the
            option or the file's key.
        UntrustedCodeError: A file that was merely found lets code run, see `_refuse_code`.
        click.UsageError: Teacher or device is given nowhere, or two options exclude each other.
    """
    # An option that may be given more than once is an empty tuple when it is not given.
    chosen = {n: value for n, value in given.items() if n in KEYS and value not in (None, ())}
    _refuse_both(chosen, "budget", "trials")
    path = Path(config or CONFIG_NAME)
    raw = load_toml(path) if config or path.is_file() else {}
    if config is None:
        _refuse_code(raw.get("teacher"), chosen, path)
    merged = _with_absolute_paths(raw, path.absolute().parent)
    line = _with_absolute_paths(_as_tables(chosen), Path.cwd())
    _overlay(merged, line)
    if "budget" in chosen and isinstance(merged.get("search"), dict):
        merged["search"].pop("trials", None)  # a budget on the command line beats the file's trials
    _require(merged, path)
    _refuse_unread_warm_start(chosen, merged)
    settings = _parse(merged, chosen, str(path))
    if "epochs" in chosen and settings.search.trials is None:
        message = "--epochs goes with --trials; with a budget the length follows from the budget."
        raise click.UsageError(message, click.get_current_context(silent=True))
    return _with_data_path(settings)


def save_settings(settings: RunConfig, path: Path) -> None:
    """Write settings as a file for ``--config``; paths below its folder become relative to it.

    Raises:
        ConfigError: The file exists.
        StorageError: It cannot be written.
    """
    if path.exists():
        message = f"--save-config {path}: exists already; give another name or remove it."
        raise ConfigError(message)
    raw = settings.model_dump(mode="json", exclude_none=True)
    folder = path.absolute().parent
    for place in ("teacher", "file"), ("data", "path"):
        table = raw[place[0]]
        table[place[1]] = _relative(table[place[1]], folder)
    raw["device"] = _relative(raw["device"], folder)
    runs = raw["search"]["warm_start"]
    raw["search"]["warm_start"] = [_relative(run, folder) for run in runs]
    write_atomically(path, render_toml(raw))


def _refuse_code(teacher: object, chosen: Mapping[str, Any], path: Path) -> None:
    """Refuse settings that run code and that no person gave: the folder may be somebody else's.

    Raises:
        UntrustedCodeError: ``teacher``, a table of a file that was found, has such a setting, which
            the command line does not set.
    """
    if not isinstance(teacher, dict):
        return
    arch = teacher.get("arch")
    if teacher.get("trust_code") and "trust_code" not in chosen:
        setting, flag = "trust_code = true", "--trust-code"
    elif isinstance(arch, str) and not arch.startswith(_LIBRARIES) and "arch" not in chosen:
        setting, flag = f"arch = {arch!r}", f"--arch {arch}"
    else:
        return
    message = (
        f"{path}: {setting} lets code run, and this file was only found in the working folder; "
        f"if you know it, give {flag} on the command line, or --config {path}."
    )
    raise UntrustedCodeError(message)


def _refuse_both(chosen: Mapping[str, Any], one: str, other: str) -> None:
    if one in chosen and other in chosen:
        message = (
            f"{flag_of(one)} and {flag_of(other)} exclude each other: "
            "a run ends by time or by number of students; give one of them."
        )
        raise click.UsageError(message, click.get_current_context(silent=True))


def _refuse_unread_warm_start(chosen: Mapping[str, Any], merged: Mapping[str, Any]) -> None:
    search = merged.get("search")
    strategy = search.get("strategy", "autokd") if isinstance(search, dict) else "autokd"
    if "warm_start" in chosen and strategy != "autokd":
        message = (
            f"--warm-start goes with --strategy autokd, and the strategy is {strategy}; leave one "
            "of them out."
        )
        raise click.UsageError(message, click.get_current_context(silent=True))


def _require(merged: Mapping[str, Any], path: Path) -> None:
    teacher = merged.get("teacher", {})
    looked = "" if path.is_file() else f" ({path.absolute()} does not exist)"
    if isinstance(teacher, dict) and "file" not in teacher:
        lack, key = "no teacher: give --teacher FILE", "file = 'model.pt' under [teacher]"
    elif "device" not in merged:
        lack, key = "no device: give --device D", "device = 'jetson-nano'"
        looked += "; 'autokd devices list' shows the devices"
    else:
        return
    message = f"{lack}, or write {key} in {path}{looked}."
    raise click.UsageError(message, click.get_current_context(silent=True))


def _parse(merged: Mapping[str, Any], chosen: Mapping[str, Any], where: str) -> RunConfig:
    try:
        return RunConfig.model_validate(merged)
    except ValidationError as fault:
        for error in fault.errors():
            for name in chosen:
                if tuple(error["loc"][: len(KEYS[name])]) == KEYS[name]:
                    rule = error["msg"].removeprefix("Value error, ").rstrip(".")
                    message = f"{flag_of(name)} {_as_typed(chosen[name])}: {rule}."
                    raise ConfigError(message) from None
    return parse_record(RunConfig, merged, where=where)


def _as_typed(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


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


def _with_absolute_paths(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Copy the tables, with paths taken from ``folder``; the record judges odd types."""
    out = {key: dict(value) if isinstance(value, dict) else value for key, value in raw.items()}
    teacher, data, device = out.get("teacher"), out.get("data"), out.get("device")
    if isinstance(teacher, dict) and isinstance(teacher.get("file"), str):
        teacher["file"] = str(folder / Path(teacher["file"]).expanduser())
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


def _absolute_data(text: str, folder: Path) -> str:
    if not text.startswith(_TORCHVISION):
        return str(folder / Path(text).expanduser())
    name, at, root = text.partition("@")
    return f"{name}@{folder / Path(root).expanduser()}" if at and root else text


def _with_data_path(settings: RunConfig) -> RunConfig:
    """Make the default data folder absolute too: ``resume`` may run in another folder."""
    data = settings.data.model_copy(update={"path": _absolute_data(settings.data.path, Path.cwd())})
    return settings.model_copy(update={"data": data})


def _relative(text: str, folder: Path) -> str:
    """Shorten an absolute path below ``folder``; anything else is given back as it is."""
    name, at, root = text.partition("@") if text.startswith(_TORCHVISION) else ("", "", text)
    path = Path(root)
    if not path.is_absolute() or not path.is_relative_to(folder):
        return text
    return f"{name}{at}{os.fspath(path.relative_to(folder))}"

"""The settings of a run: defaults, then ``autokd.toml``, then the command line."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from autokd.cli.options import flag_of
from autokd.core.codec import load_toml, write_atomically
from autokd.core.config import RunConfig
from autokd.core.setting_names import KEYS
from autokd.core.settings import (
    TORCHVISION,
    contradiction,
    merge,
    parse_settings,
    with_absolute_paths,
)
from autokd.core.toml import render_toml
from autokd.errors import ConfigError, UntrustedCodeError

CONFIG_NAME = "autokd.toml"
_LIBRARIES = (TORCHVISION, "timm:")  # any other arch names a module, which is imported


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
    path = Path(config or CONFIG_NAME)
    raw = load_toml(path) if config or path.is_file() else {}
    if config is None:
        _refuse_code(raw.get("teacher"), chosen, path)
    merged = merge(with_absolute_paths(raw, path.absolute().parent), chosen)
    _require(merged, path)
    if (fault := contradiction(chosen, merged, spell=flag_of)) is not None:
        raise click.UsageError(fault, click.get_current_context(silent=True))
    return parse_settings(merged, chosen, where=str(path), spell=flag_of)


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


def _relative(text: str, folder: Path) -> str:
    """Shorten an absolute path below ``folder``; anything else is given back as it is."""
    name, at, root = text.partition("@") if text.startswith(TORCHVISION) else ("", "", text)
    path = Path(root)
    if not path.is_absolute() or not path.is_relative_to(folder):
        return text
    return f"{name}{at}{os.fspath(path.relative_to(folder))}"

"""Records to and from files: strict on the way in, one step on the way out."""

import contextlib
import difflib
import json
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from autokd.core.cache import cache_folder
from autokd.errors import ConfigError, InputError, StorageError

R = TypeVar("R", bound=BaseModel)


def parse_record(
    cls: type[R], raw: Mapping[str, Any], *, where: str, error: type[InputError] = ConfigError
) -> R:
    """Build the record ``cls`` from a parsed file.

    Args:
        cls: The record's class.
        raw: Keys and values, as the file has them.
        where: Names the file in messages.
        error: Class of what is raised.

    Raises:
        InputError: As ``error``: a key is unknown or missing, or a value breaks a rule. The message
            names the file, the key, the value and the nearest right ones.
    """
    try:
        return cls.model_validate(raw)
    except ValidationError as fault:
        raise error(_explain(cls, fault, where)) from None


def load_toml(path: Path, *, error: type[InputError] = ConfigError) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        InputError: As ``error``: the file cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        msg = f"{path}: cannot be read ({fault.strerror}); check the path and its permissions."
        raise error(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        msg = f"{path}: is not valid TOML: {fault}; correct it."
        raise error(msg) from None


def load_record(cls: type[R], path: Path, *, error: type[InputError] = ConfigError) -> R:
    """Read a record from a ``.toml`` or ``.json`` file.

    Raises:
        InputError: As ``error``, see `parse_record` and `load_toml`.
    """
    if path.suffix == ".toml":
        return parse_record(cls, load_toml(path, error=error), where=str(path), error=error)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        msg = f"{path}: cannot be read ({fault.strerror}); check the path and its permissions."
        raise error(msg) from None
    except ValueError as fault:
        msg = f"{path}: is not valid JSON: {fault}; write it again, or put back a copy."
        raise error(msg) from None
    return parse_record(cls, raw, where=str(path), error=error)


def save_record(record: BaseModel, path: Path) -> None:
    """Write a record as JSON in one step.

    Raises:
        StorageError: The file cannot be written.
    """
    write_atomically(path, record.model_dump_json(indent=1) + "\n")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace ``path`` in one step: a reader sees the old content or the new, never a part.

    Raises:
        StorageError: The disk is full or refuses; the old file is still whole.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as fault:
        raise storage_error(path, fault) from fault
    finally:
        with contextlib.suppress(OSError):  # the fault that is being raised says more
            temporary.unlink(missing_ok=True)


def storage_error(path: Path, fault: OSError) -> StorageError:
    """Say in a person's words that ``path`` cannot be written."""
    what = "Free some space"
    if path.absolute().is_relative_to(cache_folder().absolute()):
        what += ", or set AUTOKD_CACHE to a folder on another disk"
    return StorageError(
        f"{path}: cannot be written ({fault.strerror or fault}). "
        f"{what}, then go on with 'autokd resume RUN'."
    )


def nearest(word: str, known: list[str]) -> str:
    """Give the end of a message that says which names are right, the nearest first."""
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(name) for name in close)}?"
    return f"known: {', '.join(sorted(known))}."


def rule_of(message: str) -> str:
    """Give what pydantic says of a value as a rule, ``must be greater than 0``, without its end."""
    rule = message.removeprefix("Value error, ").rstrip(".")
    return re.sub(r"^(Input|String) should", "must", rule)


def _explain(cls: type[BaseModel], fault: ValidationError, where: str) -> str:
    faults = fault.errors()
    # A misspelt key is a missing one too; the misspelling is what helps.
    first = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
    location = [str(part) for part in first["loc"]]
    key = ".".join(location) or "(whole file)"
    others = f" ({fault.error_count() - 1} more in this file.)" if fault.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys(cls, location[:-1])
        hint = nearest(location[-1], known)
        return f"{where}: unknown key {key!r} with value {first['input']!r}; {hint}{others}"
    if first["type"] == "missing":
        return f"{where}: missing key {key!r}; add it.{others}"
    rule = rule_of(first["msg"])
    rule += "" if rule.endswith("?") else "."
    return f"{where}: {_shown(location, first['input'])}{rule}{others}"


def _shown(location: list[str], value: object) -> str:
    """Give the key with its value; of a table the rule itself names what contradicts what."""
    key = ".".join(location)
    if isinstance(value, dict) and "value" in value:
        value = value["value"]  # a number with its source
    elif isinstance(value, dict):
        return f"{key}: " if key else ""
    return f"{key or '(whole file)'} = {_short(value)}: "


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _known_keys(cls: type[BaseModel], location: list[str]) -> list[str]:
    """List the keys that the table at ``location`` may have."""
    for part in location:
        if part.isdigit():  # the place in a list
            continue
        field = cls.model_fields.get(part) or next(
            (f for f in cls.model_fields.values() if f.alias == part), None
        )
        inner = _record_in(field.annotation) if field else None
        if inner is None:
            return []
        cls = inner
    return [field.alias or name for name, field in cls.model_fields.items()]


def _record_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _record_in(inner)
        if found is not None:
            return found
    return None

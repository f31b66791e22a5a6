"""Plain tables to TOML text, for ``config.toml`` and ``--save-config``."""

import json
from collections.abc import Mapping
from typing import Any


def render_toml(raw: Mapping[str, Any]) -> str:
    """Give TOML that `tomllib` reads back as ``raw``, without the keys that hold None.

    Args:
        raw: Strings, numbers, booleans, lists of these, and tables of all that. Keys are bare.

    Raises:
        TypeError: A value has no form in TOML.
    """
    return "\n".join(_table_lines(raw, ())).strip() + "\n"


def _table_lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    given = {key: value for key, value in table.items() if value is not None}
    values = {key: value for key, value in given.items() if not isinstance(value, Mapping)}
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    if path and lines:
        lines = ["", f"[{'.'.join(path)}]", *lines]
    for key, value in given.items():
        if isinstance(value, Mapping):
            lines += _table_lines(value, (*path, key))
    return lines


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        # A JSON string is a TOML string, but for the one control character that JSON lets through.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(item) for item in value)}]"
    msg = f"{type(value).__name__} has no form in TOML"
    raise TypeError(msg)

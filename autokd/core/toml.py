"""Plain tables to TOML text, for ``config.toml``, ``--save-config`` and device profiles."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

IsInline = Callable[[Mapping[str, Any]], bool]


def render_toml(raw: Mapping[str, Any], *, is_inline: IsInline = lambda _: False) -> str:
    """Give TOML that `tomllib` reads back as ``raw``, without the keys that hold None.

    Args:
        raw: Strings, numbers, booleans, lists of these, tables of all that, and lists of tables.
            Keys are bare.
        is_inline: Which tables are written on the line of their key, ``key = { a = 1 }``.

    Raises:
        TypeError: A value has no form in TOML.
    """
    return "\n".join(_table_lines(raw, (), "[]", is_inline)).strip() + "\n"


def _table_lines(
    table: Mapping[str, Any], path: tuple[str, ...], brackets: str, is_inline: IsInline
) -> list[str]:
    given = {key: value for key, value in table.items() if value is not None}
    inner = {key: value for key, value in given.items() if _has_own_lines(value, is_inline)}
    lines = [f"{key} = {_value(value)}" for key, value in given.items() if key not in inner]
    if path and (lines or brackets == "[[]]"):
        half = len(brackets) // 2
        lines = ["", f"{brackets[:half]}{'.'.join(path)}{brackets[half:]}", *lines]
    for key, value in inner.items():
        if isinstance(value, Mapping):
            lines += _table_lines(value, (*path, key), "[]", is_inline)
        else:
            for item in value:
                lines += _table_lines(item, (*path, key), "[[]]", is_inline)
    return lines


def _has_own_lines(value: object, is_inline: IsInline) -> bool:
    if isinstance(value, Mapping):
        return not is_inline(value)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return False
    return bool(value) and all(isinstance(item, Mapping) for item in value)


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
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(inner)}' for key, inner in value.items())} }}"
    msg = f"{type(value).__name__} has no form in TOML"
    raise TypeError(msg)

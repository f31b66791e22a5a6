"""Quantities as people write them: durations, bytes, and back to short text."""

import math
import re

from autokd.errors import ConfigError

_DURATION = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def parse_duration_seconds(text: str | float) -> float:
    """Turn ``30m``, ``1h30m``, ``45s`` or a number of seconds into seconds.

    Raises:
        ConfigError: Not a positive duration.
    """
    word = str(text).strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", word)
    if parts and "".join(a + b for a, b in parts) == word:
        seconds = sum(float(number) * _DURATION[unit] for number, unit in parts)
    else:
        seconds = _as_number(word)
    if not 0 < seconds < math.inf:
        msg = f"{text!r} is not a duration; write it as 45s, 30m, 8h or 1h30m."
        raise ConfigError(msg)
    return seconds


def parse_bytes(text: str | int) -> int:
    """Turn ``64MiB``, ``1.5MB`` or a number of bytes into bytes. MB is 10**6, MiB is 2**20.

    Raises:
        ConfigError: Not a positive amount.
    """
    word = str(text).strip().lower().replace(" ", "")
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(kib|mib|gib|kb|mb|gb|b)", word)
    size = float(found[1]) * _BYTES[found[2]] if found else _as_number(word)
    if not 1 <= size < math.inf:
        msg = f"{text!r} is not a size; write it as 64MiB, 1.5MB, 300kB or a number of bytes."
        raise ConfigError(msg)
    return int(size)


def format_bytes(size: float) -> str:
    """Give bytes as short text in binary units, such as ``1.5 MiB``."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= factor:
            return f"{_short(size / factor)} {unit}"
    return f"{size:.0f} B"


def format_count(number: float) -> str:
    """Give a count as short text, such as ``148 k`` or ``11.2 M``."""
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= factor:
            return f"{_short(number / factor)} {unit}"
    return f"{number:.0f}"


def format_duration(seconds: float) -> str:
    """Give a duration as short text, such as ``1h 05m``, ``3m 20s`` or ``4.2 s``."""
    if seconds >= 3600:
        return f"{int(seconds // 3600)}h {int(seconds % 3600 // 60):02d}m"
    if seconds >= 60:
        return f"{int(seconds // 60)}m {int(seconds % 60):02d}s"
    return f"{seconds:.1f} s"


def _short(number: float) -> str:
    """Give three digits, or all before the point; never an exponent."""
    return f"{number:.3g}" if number < 999.5 else f"{number:.0f}"  # else it rounds to 1e+03


def _as_number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return -1.0

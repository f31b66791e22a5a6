"""Limits in a person's words, and by how much a space of students misses them."""

from autokd.core.device import DeviceProfile
from autokd.core.results import Feasibility
from autokd.core.units import format_bytes, format_count
from autokd.errors import ConfigError

_LIMIT_NAMES = {
    "max_params": "parameters",
    "max_size_bytes": "size",
    "max_memory_bytes": "memory",
    "max_latency_ms": "latency",
}


def limit_name(limit: str) -> str:
    """Give the word of a person for a field of Limits."""
    return _LIMIT_NAMES[limit]


def limit_text(limit: str, value: float) -> str:
    """Give the value of a field of Limits with its unit."""
    if limit.endswith("_bytes"):
        return format_bytes(value)
    return f"{value:.3g} ms" if limit.endswith("_ms") else format_count(value)


def require_known_latency(max_latency_ms: float | None, profile: DeviceProfile) -> None:
    """Refuse a limit on a latency that nobody can know.

    Raises:
        ConfigError: Latency is limited on a device where onnxruntime does not run.
    """
    if profile.takes is None or max_latency_ms is None:
        return
    msg = (
        f"max_latency_ms = {max_latency_ms:g} (--max-latency-ms): onnxruntime does not run on "
        f"{profile.name}, so no time is predicted or measured there. Leave this limit out; "
        "--max-size limits the flash and --max-memory the RAM that a student takes."
    )
    raise ConfigError(msg)


def explain_infeasible(found: Feasibility) -> str:
    """Say which limits no student meets, by how much, which one binds, and what to do."""
    misses = [row for row in found.limits if row.nearest > row.value]
    nearest = "; ".join(
        f"{limit_name(row.limit)}: at most {limit_text(row.limit, row.value)}, "
        f"the smallest student needs {limit_text(row.limit, row.nearest)}"
        for row in misses
    )
    why = nearest or "each limit can be met alone, but no student meets all of them together"
    binding = ""
    if found.binding is not None:
        binding = f"The limit on {limit_name(found.binding)} binds. "
    return (
        f"none of {found.drawn} drawn students fits the limits ({why}). {binding}"
        "Raise a limit, give smaller images with --size, or choose another device."
    )

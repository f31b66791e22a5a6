"""A control group with a limit of memory, version 1 or 2, where this machine lets one be made."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")
# Version 1 and 2: what limits memory, and swap with it; where there is no swap the file is absent.
_LIMITS = {
    "memory.limit_in_bytes": "memory.memsw.limit_in_bytes",
    "memory.max": "memory.swap.max",
}


@contextmanager
def memory_group(limit_bytes: int) -> Iterator[Path]:
    """Give the folder of a new group, and remove it afterwards; skip where there can be none."""
    group = _make_group()
    try:
        for limit, swap in _LIMITS.items():
            if (group / limit).exists():
                (group / limit).write_text(str(limit_bytes))
                if (group / swap).exists():
                    (group / swap).write_text("0" if "swap" in swap else str(limit_bytes))
        yield group
    finally:
        group.rmdir()


def _make_group() -> Path:
    for parent in (_ROOT / "memory", _ROOT / "unified", _ROOT):
        group = parent / f"autokd-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if any((group / limit).exists() for limit in _LIMITS):
            return group
        group.rmdir()
    pytest.skip("no group with a memory limit can be made: it needs root and a cgroup of its own")

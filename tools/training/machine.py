"""Where times were taken."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from autokd.core.record import Record


class Machine(Record):
    """Where it was measured, as far as a time depends on it; None where nothing is installed."""

    processor: str
    cores: int
    python: str
    torch: str
    torchdistill: str | None


def this_machine() -> Machine:
    """Describe the machine, without loading torch."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        torch=_installed("torch") or "",
        torchdistill=_installed("torchdistill"),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

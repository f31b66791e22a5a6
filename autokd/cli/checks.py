"""What ``autokd doctor`` looks at. Every check gives a finding and never raises."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autokd.core.units import format_bytes

PACKAGES = ("numpy", "torch", "torchvision", "botorch", "onnx", "onnxruntime")
IMPORT_SECONDS = 180
# Logits, checkpoints and a report of a run on small images; a large set takes more.
LOW_DISK_BYTES = 2 * 2**30
NO_DISK_BYTES = 200 * 2**20
MAX_WORKERS = 4  # the default number of training processes, see SearchConfig.workers

# Imported in a process of its own: a wheel for another processor does not raise, it kills.
_PROBE = """
import importlib, json, sys
for name in sys.argv[1:]:
    try:
        module = importlib.import_module(name)
        found = {"version": str(getattr(module, "__version__", "unknown"))}
        if name == "onnx":
            found |= {"opset": module.defs.onnx_opset_version(), "ir": int(module.IR_VERSION)}
    except Exception as fault:
        found = {"error": f"{type(fault).__name__}: {fault}"}
    print("autokd-probe " + json.dumps(found), flush=True)
"""

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        level: ``fail`` stops a run, ``warn`` makes it slow or doubtful.
        what: What was looked at.
        found: What it is.
        advice: What to do about it; empty when all is well.
        is_device: Whether it is about the device and not about this machine.
    """

    level: Level
    what: str
    found: str
    advice: str = ""
    is_device: bool = False


@dataclass(frozen=True, slots=True)
class Package:
    """A package as its import went.

    Attributes:
        version: None when the import failed.
        error: Why it failed; empty when it did not.
        opset: Newest operator set that it can write; for onnx alone.
        ir: Newest file format that it can write; for onnx alone.
    """

    version: str | None
    error: str = ""
    opset: int | None = None
    ir: int | None = None


def probe_packages(names: Sequence[str]) -> dict[str, Package]:
    """Import packages in another process and give what came of each."""
    found: dict[str, Package] = {}
    rest = list(names)
    while rest:
        answers, reason = _probe(rest)
        for name, answer in zip(rest, answers, strict=False):
            found[name] = Package(
                answer.get("version"),
                answer.get("error", ""),
                answer.get("opset"),
                answer.get("ir"),
            )
        if len(answers) < len(rest):
            found[rest[len(answers)]] = Package(None, reason)
        rest = rest[len(answers) + 1 :]
    return found


def check_python() -> Finding:
    """Check the interpreter."""
    version = platform.python_version()
    if sys.version_info < (3, 11):  # noqa: UP036 - people run files of a checkout too
        return Finding("fail", "python", version, "autokd needs Python 3.11 or newer.")
    return Finding("ok", "python", f"{version} on {platform.machine()}")


def check_package(name: str, package: Package) -> Finding:
    """Check that a package can be imported."""
    if package.version is None:
        advice = (
            f"Install it again: {Path(sys.executable).name} -m pip install --force-reinstall {name}"
        )
        return Finding("fail", name, package.error, advice)
    return Finding("ok", name, package.version)


def check_disk(what: str, folder: Path) -> Finding:
    """Check the free space where ``folder`` is or will be."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    try:
        free = shutil.disk_usage(place).free
    except OSError as fault:
        return Finding("fail", what, f"{folder}: {fault.strerror}", "Give another folder.")
    text = f"{format_bytes(free)} free in {folder}"
    if free < NO_DISK_BYTES:
        return Finding("fail", what, text, "Free some space: a run writes logits and checkpoints.")
    if free < LOW_DISK_BYTES:
        return Finding("warn", what, text, "Enough for small sets of images only.")
    return Finding("ok", what, text)


def check_cache(folder: Path) -> Finding:
    """Check that the cache of teacher logits can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as fault:
        return Finding(
            "fail",
            "cache",
            f"{folder}: cannot be written ({fault.strerror})",
            "Set AUTOKD_CACHE to a folder that can be written.",
        )
    return Finding("ok", "cache", f"{folder} can be written")


def check_processor(workers: int | None) -> Finding:
    """Check that the cores are free for the training processes that a run starts."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    wanted = workers or min(cores, MAX_WORKERS)
    load = os.getloadavg()[0]
    text = f"{cores} cores, load average {load:.1f}, {wanted} training processes in a run"
    if wanted > cores:
        advice = f"More processes than cores slow each other down: set workers to {cores} or less."
        return Finding("warn", "processor", text, advice)
    if load + wanted > cores + 1:
        advice = "Other work keeps the cores busy: a run is slow, and times are not to be trusted."
        return Finding("warn", "processor", text, advice)
    return Finding("ok", "processor", text)


def _probe(names: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """Give the answers until the process ended, and why it ended early."""
    command = [sys.executable, "-c", _PROBE, *names]
    try:
        done = subprocess.run(command, capture_output=True, timeout=IMPORT_SECONDS, check=False)
        stdout, reason = done.stdout, f"the import ends the process (exit code {done.returncode})"
    except subprocess.TimeoutExpired as late:
        stdout, reason = late.stdout or b"", f"the import takes longer than {IMPORT_SECONDS} s"
    text = stdout.decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.startswith("autokd-probe ")]
    return [json.loads(line.split(" ", 1)[1]) for line in lines], reason

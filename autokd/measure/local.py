"""Timing on this host: the agent as a process of its own, never called the board."""

import hashlib
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from autokd.core.device import DeviceProfile
from autokd.core.results import LatencyMeasurement
from autokd.errors import DeviceError, InputError, MeasurementError
from autokd.measure.protocol import (
    BenchAnswer,
    BenchJob,
    parse_answer,
    strip_control,
    to_measurement,
)

_START_SECONDS = 60.0  # to start Python, import onnxruntime and load the model, on a busy machine
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def measure_local(
    model: Path,
    profile: DeviceProfile,
    *,
    seconds: float = 10.0,
    threads: int | None = None,
    sample: Path | None = None,
    seed: int = 0,
) -> LatencyMeasurement:
    """Time ``model`` on the CPU of this host; a measurement that does not count says so itself.

    Args:
        model: The ONNX file.
        profile: Its number of threads is used, as far as this host has processors.
        seconds: To measure after warming up; at least 64 samples are taken.
        threads: Instead of the profile's.
        sample: ``sample.npz`` whose first image is the input; noise when None.
        seed: Of the noise.

    Raises:
        InputError: There is no such model.
        DeviceError: Onnxruntime or the model cannot be used here, or the agent failed.
        MeasurementError: It did not end in time.
    """
    job = BenchJob(
        model=str(model.resolve()),
        model_sha256=_digest(model),
        sample=None if sample is None else str(sample.resolve()),
        threads=threads or min(profile.runtime.threads, _processors()),
        seconds=seconds,
        max_seconds=max(4 * seconds, 60.0),
        seed=seed,
    )
    answer = run_agent(job)
    return to_measurement(answer, host=describe_host(answer), is_device=False)


def run_agent(job: BenchJob, *, agent: Path | None = None) -> BenchAnswer:
    """Run the agent on ``job`` in a new process of this Python and give its answer.

    Raises:
        DeviceError: The agent ended without an answer, or with one that breaks the protocol.
        MeasurementError: It did not end in time.
    """
    timeout = job.longest_seconds + _START_SECONDS
    threads = dict.fromkeys(_THREAD_VARIABLES, str(job.threads))
    try:
        done = subprocess.run(
            [sys.executable, str(agent or agent_file())],
            input=job.model_dump_json().encode(),
            capture_output=True,
            timeout=timeout,
            env={**os.environ, **threads},
            check=False,
        )
    except subprocess.TimeoutExpired:
        msg = f"this host: {job.model}: timing did not end within {timeout:.0f} s and was stopped."
        raise MeasurementError(msg) from None
    if not done.stdout:
        last = strip_control(done.stderr.decode("utf-8", "replace"))[-300:] or "no text"
        msg = f"this host: the agent ended with status {done.returncode} and no answer: {last}"
        raise DeviceError(msg)
    return parse_answer(done.stdout, where="this host")


def describe_host(answer: BenchAnswer) -> str:
    """Say in words that the answer comes from this host and what its processor is."""
    if answer.host is None:
        return "this host"
    return f"this host ({answer.host.machine}, {answer.host.cpu_model or 'unknown processor'})"


def agent_file() -> Path:
    """Give the path of ``bench.py``, in the wheel or in a checkout."""
    package = Path(str(files("autokd")))
    installed = package / "_deploy" / "bench.py"
    return installed if installed.is_file() else package.parent / "deploy" / "bench.py"


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _digest(model: Path) -> str:
    try:
        with model.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as fault:
        msg = f"{model}: cannot be read ({fault.strerror}); give the path of an ONNX file."
        raise InputError(msg) from None

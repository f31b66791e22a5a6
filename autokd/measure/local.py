"""Timing on this host: the agent as a process of its own, called the board only where it is."""

import os
import sys
from importlib.resources import files
from pathlib import Path

from autokd.core.closing import Closing
from autokd.core.device import DeviceProfile
from autokd.core.measurement import LatencyMeasurement
from autokd.errors import DeviceError, MeasurementError
from autokd.measure.process import run_limited
from autokd.measure.protocol import (
    MAX_ANSWER_BYTES,
    BenchAnswer,
    BenchJob,
    parse_answer,
    strip_control,
)
from autokd.measure.target import measure_on

NAME = "this host"
_ASK = "'autokd doctor --target local' looks for the cause."

_START_SECONDS = 60.0  # to start Python, import onnxruntime and load the model, on a busy machine
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LocalTarget(Closing):
    """This host.

    Attributes:
        name: For people.
        is_device: Whether this host is what the profile describes.
        on_this_host: It is.
    """

    def __init__(self, *, is_device: bool) -> None:
        self.name = NAME
        self.is_device = is_device
        self.on_this_host = True
        self._probed: BenchAnswer | None = None

    def probe(self) -> BenchAnswer:
        """Give facts about this host; asked once and remembered.

        Raises:
            DeviceError: Onnxruntime cannot be used here.
        """
        if self._probed is None:
            answer = _run(["--probe"], b"", threads=1, seconds=_START_SECONDS, what="the probe")
            self._probed = require_ok(answer, where=NAME)
        return self._probed

    def bench(
        self,
        job: BenchJob,
        *,
        model: Path,
        sample: Path | None = None,
        reference: Path | None = None,
    ) -> BenchAnswer:
        """Run the agent on ``job`` with the files where they are; see `Target`.

        Raises:
            DeviceError: The agent failed.
            MeasurementError: It did not end in time.
        """
        files = {"model": model, "sample": sample, "reference": reference}
        places = {name: path and str(path.resolve()) for name, path in files.items()}
        return run_agent(job.model_copy(update=places))

    def close(self) -> None:
        """Do nothing: nothing was copied and nothing runs."""


def measure_local(
    model: Path,
    profile: DeviceProfile,
    *,
    seconds: float = 10.0,
    threads: int | None = None,
    sample: Path | None = None,
    seed: int = 0,
) -> LatencyMeasurement:
    """Time ``model`` on the CPU of this host; see `autokd.measure.target.measure_on`."""
    return measure_on(
        LocalTarget(is_device=profile.kind == "host"),
        model,
        profile,
        seconds=seconds,
        threads=threads,
        sample=sample,
        seed=seed,
    )


def run_agent(job: BenchJob, *, agent: Path | None = None) -> BenchAnswer:
    """Run the agent on ``job`` in a new process of this Python and give its answer.

    Raises:
        DeviceError: The agent ended without an answer, or with one that breaks the protocol.
        MeasurementError: It did not end in time.
    """
    return _run(
        [],
        job.model_dump_json().encode(),
        threads=job.threads,
        seconds=job.longest_seconds + _START_SECONDS,
        what=job.model,
        agent=agent,
    )


def require_ok(answer: BenchAnswer, *, where: str) -> BenchAnswer:
    """Give an answer back that is no refusal.

    Raises:
        DeviceError: The agent refused.
    """
    if answer.error is not None:
        msg = answer.error.in_words(where)
        raise DeviceError(msg)
    return answer


def agent_file(name: str = "bench.py") -> Path:
    """Give the path of a file of ``deploy``, in the wheel or in a checkout."""
    package = Path(str(files("autokd")))
    installed = package / "_deploy" / name
    return installed if installed.is_file() else package.parent / "deploy" / name


def thread_variables(threads: int) -> dict[str, str]:
    """Give the environment that holds libraries to ``threads`` before they are loaded."""
    return dict.fromkeys(_THREAD_VARIABLES, str(threads))


def _run(
    arguments: list[str],
    stdin: bytes,
    *,
    threads: int,
    seconds: float,
    what: str,
    agent: Path | None = None,
) -> BenchAnswer:
    try:
        done = run_limited(
            [sys.executable, str(agent or agent_file()), *arguments],
            stdin=stdin,
            seconds=seconds,
            most_bytes=MAX_ANSWER_BYTES,
            where=NAME,
            env={**os.environ, **thread_variables(threads)},
        )
    except TimeoutError:
        msg = f"{NAME}: {what}: did not end within {seconds:.0f} s and was stopped; end other work."
        raise MeasurementError(msg) from None
    if not done.stdout:
        last = strip_control(done.stderr)[-300:] or "no text"
        msg = f"{NAME}: the agent ended with status {done.status} and no answer: {last}. {_ASK}"
        raise DeviceError(msg)
    return parse_answer(done.stdout, where=NAME)

"""Timing on this host with another Python, and so with another release of onnxruntime."""

import os
from collections.abc import Sequence
from pathlib import Path

from autokd.core.device import DeviceProfile
from autokd.errors import ConfigError, MeasurementError
from autokd.measure.local import agent_file, thread_variables
from autokd.measure.process import run_limited
from autokd.measure.protocol import MAX_ANSWER_BYTES, BenchAnswer, BenchJob, parse_answer

START_SECONDS = 60.0  # to import onnxruntime and load the model


class Interpreter:
    """``interpreter:///path/of/python3``: a Python of this host that has onnxruntime."""

    on_this_host = True

    def __init__(self, address: str, profile: DeviceProfile) -> None:
        if not os.access(address, os.X_OK):
            message = (
                f"--target interpreter://{address}: is no program that can be run; give the whole "
                "path of a Python, such as interpreter:///usr/bin/python3."
            )
            raise ConfigError(message)
        self.name = f"this host with {address}"
        self.is_device = profile.kind == "host"
        self._python = address

    def probe(self) -> BenchAnswer:
        """Give facts about the machine and its onnxruntime."""
        return self._ask(["--probe"], b"", threads=1, seconds=START_SECONDS)

    def bench(
        self,
        job: BenchJob,
        *,
        model: Path,
        sample: Path | None = None,
        reference: Path | None = None,
    ) -> BenchAnswer:
        """Run the agent on ``job``; the files are where they are."""
        files = {"model": model, "sample": sample, "reference": reference}
        places = {name: path and str(path.resolve()) for name, path in files.items()}
        asked = job.model_copy(update=places).model_dump_json().encode()
        seconds = job.longest_seconds + START_SECONDS
        return self._ask([], asked, threads=job.threads, seconds=seconds)

    def close(self) -> None:
        """Do nothing: nothing was copied and nothing runs."""

    def _ask(
        self, arguments: Sequence[str], stdin: bytes, *, threads: int, seconds: float
    ) -> BenchAnswer:
        try:
            done = run_limited(
                [self._python, str(agent_file()), *arguments],
                stdin=stdin,
                seconds=seconds,
                most_bytes=MAX_ANSWER_BYTES,
                where=self.name,
                env={**os.environ, **thread_variables(threads)},
            )
        except TimeoutError:
            message = f"{self.name}: the agent did not end within {seconds:.0f} s."
            raise MeasurementError(message) from None
        return parse_answer(done.stdout, where=self.name)

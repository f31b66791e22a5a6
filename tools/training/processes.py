"""One measurement in a process of its own, so that its peak memory and its threads are its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal, Self, TypeVar

from autokd.core.codec import load_record
from autokd.core.record import Record
from autokd.errors import DataError, MeasurementError
from autokd.search.worker_process import ENVIRONMENT
from tools.training.measurements import Settings, Way

ROOT = Path(__file__).parents[2]
R = TypeVar("R", bound=Record)


class Job(Record):
    """What `tools.training.job` is to measure.

    Attributes:
        kind: What is to come out: a `Cache`, a `Timing` or a `Floor`.
        data: Folder with images and teacher.
        work: Folder of what all jobs share.
        settings: Of all jobs.
        round_number: From 0.
        student: Name; empty for the cache.
        way: Of a timing.
        profile: Of a floor: file for a table of operators; None to write none.
    """

    kind: Literal["cache", "timing", "floor"]
    data: Path
    work: Path
    settings: Settings
    round_number: int = 0
    student: str = ""
    way: Way = "autokd"
    profile: Path | None = None

    def of_timing(self, round_number: int, student: str, way: Way) -> Self:
        """Give the job that times one way, in the same folders."""
        changes = {"kind": "timing", "student": student, "way": way}
        return self.model_copy(update={"round_number": round_number, **changes})

    def of_floor(self, round_number: int, student: str, profile: Path | None) -> Self:
        """Give the job that times the floor of a student, in the same folders."""
        changes = {"kind": "floor", "student": student, "profile": profile}
        return self.model_copy(update={"round_number": round_number, **changes})

    @property
    def name(self) -> str:
        """Names it to a person."""
        if self.kind == "cache":
            return "the cache"
        what = self.way if self.kind == "timing" else self.kind
        return f"round {self.round_number + 1}, {self.student}, {what}"

    @property
    def result(self) -> Path:
        """File that the record is written to, beside the work folder, which may be emptied."""
        return self.work.with_suffix(".result.json")


def run_job(job: Job, record: type[R]) -> R:
    """Start a process that measures, wait for it, and give its record.

    Raises:
        MeasurementError: The process failed; what it said is on the standard error output.
    """
    job.result.unlink(missing_ok=True)
    threads = str(job.settings.threads)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "tools.training.job", job.model_dump_json()],
        env={**os.environ, **_environment(job), "PYTHONPATH": path, "OMP_NUM_THREADS": threads},
        check=False,
    )
    if done.returncode:
        msg = (
            f"{job.name}: the process ended with {done.returncode}, see above. What was measured "
            "before is kept; the same command goes on from there."
        )
        raise MeasurementError(msg)
    found = load_record(record, job.result, error=DataError)
    job.result.unlink()
    return found


def _environment(job: Job) -> dict[str, str]:
    """Give the environment that autokd trains in, where it is autokd that trains."""
    return {} if job.kind == "timing" and job.way != "autokd" else ENVIRONMENT

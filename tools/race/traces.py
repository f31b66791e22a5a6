"""What happened in one race, and the file of many."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from autokd.errors import DataError
from autokd.search.pool import FloatArray
from tools.race.tables import Table

IntArray = NDArray[np.int64]
NONE_YET = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """One search on one table, a value for each finished job; all arrays are (jobs,).

    Attributes:
        place: Row that was trained.
        length_index: Up to which length.
        score: What the search saw of it; 0 where it diverged or broke the limits.
        evaluations: Trials begun so far.
        seconds: Simulated training seconds so far; a trial that goes on costs the difference alone.
        recommended: Row that the search would name as its best at this moment, of those seen at the
            highest length seen so far: of a strategy of autokd the first of its own ranking, of
            others the one with the best score, the first of equal ones; those with score 0 do not
            count. `NONE_YET` before the first.
        true_score: Of the recommended row; 0 before the first.
        optimiser_seconds: Processor time of this process for the suggestion and for taking its
            result.
    """

    place: IntArray
    length_index: IntArray
    score: FloatArray
    evaluations: IntArray
    seconds: FloatArray
    recommended: IntArray
    true_score: FloatArray
    optimiser_seconds: FloatArray


class Recorder:
    """Collects a trace, job by job."""

    def __init__(self, table: Table) -> None:
        self.seconds = 0.0
        self.evaluations = 0
        self._table = table
        self._best = (-1, 0.0)  # length, score
        self._recommended = NONE_YET
        self._rows: list[tuple[int, int, float, int, float, int, float, float]] = []

    def add(
        self,
        *,
        is_new: bool,
        place: int,
        length_index: int,
        score: float,
        seconds: float,
        optimiser_seconds: float,
        recommended: int | None = None,
    ) -> None:
        """Take note of a finished job that cost ``seconds``, of a new trial or one that goes on.

        ``recommended`` is the row that the search names; when it names none, the best seen is.
        """
        self.seconds += seconds
        self.evaluations += is_new
        if score > 0 and (length_index, score) > self._best:
            self._best, self._recommended = (length_index, score), place
        if recommended is not None:
            self._recommended = recommended
        known = self._recommended != NONE_YET
        true_score = self._table.true_score(self._recommended) if known else 0.0
        row = (place, length_index, score, self.evaluations, self.seconds)
        self._rows.append((*row, self._recommended, true_score, optimiser_seconds))

    def trace(self) -> Trace:
        """Give all that was noted."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(fields(Trace))
        place, length_index, score, evaluations, seconds, recommended, true, own = columns
        return Trace(
            place=np.array(place, dtype=np.int64),
            length_index=np.array(length_index, dtype=np.int64),
            score=np.array(score, dtype=np.float64),
            evaluations=np.array(evaluations, dtype=np.int64),
            seconds=np.array(seconds, dtype=np.float64),
            recommended=np.array(recommended, dtype=np.int64),
            true_score=np.array(true, dtype=np.float64),
            optimiser_seconds=np.array(own, dtype=np.float64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the runs of one file have in common.

    Attributes:
        evaluations: No more trials than this.
        full_trainings: No more simulated seconds than so many full trainings of a feasible row of
            mean cost; None for no such end.
        free_infeasible: Whether limits are checked before training.
    """

    evaluations: int
    full_trainings: float | None = None
    free_infeasible: bool = True

    def seconds(self, table: Table) -> float:
        """Give the simulated seconds that a search may take; also what a miss counts as."""
        trainings = self.evaluations if self.full_trainings is None else self.full_trainings
        return float(trainings * table.seconds[table.feasible()].mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trace and what it is of."""

    table: str
    strategy: str
    seed: int
    rules: Rules
    trace: Trace

    @property
    def key(self) -> tuple[str, str, int]:
        """What is not run twice."""
        return self.table, self.strategy, self.seed

    def line(self) -> str:
        """Give the run as a line of JSON; numbers with a point have six digits."""
        record: dict[str, Any] = {"table": self.table, "strategy": self.strategy, "seed": self.seed}
        record["rules"] = {f.name: getattr(self.rules, f.name) for f in fields(Rules)}
        for field in fields(Trace):
            values = getattr(self.trace, field.name)
            whole = values.dtype.kind == "i"
            record[field.name] = [int(v) if whole else float(f"{v:.6g}") for v in values]
        return json.dumps(record, separators=(",", ":"))

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read what `line` wrote.

        Raises:
            ValueError: It is no such line.
            KeyError: Something is missing in it.
        """
        record = json.loads(line)
        whole = {"place", "length_index", "evaluations", "recommended"}
        arrays: dict[str, Any] = {
            f.name: np.array(record[f.name], dtype=np.int64 if f.name in whole else np.float64)
            for f in fields(Trace)
        }
        return cls(
            table=record["table"],
            strategy=record["strategy"],
            seed=record["seed"],
            rules=Rules(**record["rules"]),
            trace=Trace(**arrays),
        )


def read_runs(path: Path) -> Iterator[Run]:
    """Give the runs in a file, none when there is no such file.

    A last line that is not whole, as a kill leaves it, is passed over.

    Raises:
        DataError: Another line is not of a run.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.endswith("\n"):
                return
            try:
                yield Run.parse(line)
            except (ValueError, KeyError, TypeError) as fault:
                msg = f"{path}: line {number} is no run of a race ({fault!r})."
                raise DataError(msg) from None


def append_run(path: Path, run: Run) -> None:
    """Add a run to a file, on the disk when this returns; a half last line is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as stream:
        stream.seek(0)
        stream.truncate(_whole_bytes(stream.read()))
        stream.write(run.line().encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _whole_bytes(text: bytes) -> int:
    return text.rfind(b"\n") + 1

"""How well a shorter training ranks students: rungs that end with a decay, against one cosine.

    python tools/compare_schedules.py BUILD TABLE --out FILE [--most N]

BUILD is the folder of `tools/build_table.py` that made TABLE. The first N students of the table are
trained once more, as long as there, by one cosine that ends with the full length, and are scored
where the table's rungs end. FILE keeps a line for each and is gone on with. Images have their full
size throughout, as those of the table do. One student is 30 s of one thread.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from autokd.core.record import Record
from autokd.core.record_lines import append_line, read_lines
from autokd.distill.evaluator import training_seed
from autokd.distill.schedule import Schedule
from autokd.errors import AutoKDError, DataError
from tools.table.figures import accuracies, rank_correlation
from tools.table.journal import read_table
from tools.table.rows import Row
from tools.table.setup import Build, open_build
from tools.training.engine import ScoredTraining

FloatArray = NDArray[np.float64]

_DRAWS = 2000
_INTERVAL = (0.025, 0.975)


class CosineScores(Record):
    """What a student had where the rungs of the table end, when trained by one cosine.

    Attributes:
        points_digest: Of the students of the table, see `tools.table.rows.TableSetup`.
        point_id: Of the student.
        accuracies: On the validation images, one for each rung.
    """

    points_digest: str
    point_id: int
    accuracies: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Cosine(Schedule):
    """Half a cosine from the highest rate to zero, over the full length.

    References:
        I. Loshchilov, F. Hutter. SGDR: Stochastic Gradient Descent with Warm Restarts.
        arXiv:1608.03983, equation 5 with one period.
    """

    @property
    def branch_step(self) -> int:
        """The first step: the rate falls from the start."""
        return 0

    def rate(self, step: int) -> float:
        """Give the rate of ``step``, counted from 0, in (0, 1]."""
        rising = min(1.0, (step + 1) / self.warmup_steps)
        return rising * 0.5 * (1 + math.cos(math.pi * step / self.total_steps))


class CosineTraining(ScoredTraining):
    """One student under way by a cosine."""

    def use_cosine(self) -> None:
        """Let the rate fall from the start; before the first step."""
        given = self.schedule
        self.schedule = Cosine(given.total_steps, given.warmup_steps)


def train_by_cosine(build: Build, row: Row) -> CosineScores:
    """Train a student of the table anew, and score it where the table did."""
    candidate = row.candidate(build.plan.setup.design.device)
    training = CosineTraining(
        build.evaluator.space.program(candidate),
        build.evaluator.data,
        candidate.distill,
        images=row.rungs[-1].images,
        seed=training_seed(row.seed, candidate),
    )
    training.use_cosine()
    found = []
    for rung in row.rungs:
        while training.step < max(1, rung.images // build.evaluator.data.batch_size):
            training.advance()
        found.append(training.accuracy())
    digest = build.plan.setup.points_digest
    return CosineScores(points_digest=digest, point_id=row.point_id, accuracies=tuple(found))


def compare(decayed: FloatArray, cosine: FloatArray, lengths: Sequence[float]) -> Iterator[str]:
    """Give the figures as lines of text.

    Args:
        decayed: Accuracies of the table, (students, rungs).
        cosine: Of the same students by one cosine, (students, rungs).
        lengths: Of each rung, as a share of the full length.
    """
    yield f"{len(decayed)} students; Spearman of each rung with the last of the same schedule"
    yield "share   decay at its end            one cosine                  difference"
    rng = np.random.default_rng(0)
    draws = rng.integers(len(decayed), size=(_DRAWS, len(decayed)))
    for rung, share in enumerate(lengths[:-1]):
        both = [
            (
                rank_correlation(decayed[chosen, rung], decayed[chosen, -1]),
                rank_correlation(cosine[chosen, rung], cosine[chosen, -1]),
            )
            for chosen in (np.arange(len(decayed)), *draws)
        ]
        ours, theirs = np.array(both).T
        cells = [_with_interval(values) for values in (ours, theirs, ours - theirs)]
        yield f"{share:5.3f}   " + "".join(f"{cell:<28}" for cell in cells).rstrip()


def _with_interval(values: FloatArray) -> str:
    """Write the first value, with the interval of the others."""
    low, high = np.nanquantile(values[1:], _INTERVAL)
    return f"{values[0]:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Train what is missing, and print the figures."""
    given = _arguments()
    torch.set_num_threads(1)
    try:
        setup, rows = read_table(given.table)
        build = open_build(given.build)
        if build.plan.setup.points_digest != setup.points_digest:
            msg = f"{given.build}: did not make {given.table}; give the folder that did."
            raise DataError(msg)
    except AutoKDError as fault:
        msg = f"{type(fault).__name__}: {fault}"
        raise SystemExit(msg) from fault
    wanted = [row for row in rows if row.origin != "twin" and row.failure is None][: given.most]
    lines = read_lines(given.out, CosineScores)
    there = {line.point_id: line for line in lines if line.points_digest == setup.points_digest}
    for row in wanted:
        if row.point_id not in there:
            there[row.point_id] = found = train_by_cosine(build, row)
            append_line(given.out, found)
            print(f"{row.point_id}: {row.rungs[-1].accuracy:.2%} and {found.accuracies[-1]:.2%}")
    cosine = np.array([there[row.point_id].accuracies for row in wanted])
    for line in compare(accuracies(wanted), cosine, setup.design.lengths):
        print(line)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("build", type=Path, metavar="BUILD")
    parser.add_argument("table", type=Path, metavar="TABLE")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--most", type=int, metavar="N", help="students (default: all)")
    return parser.parse_args()


if __name__ == "__main__":
    main()

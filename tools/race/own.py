"""The table of autokd's own students, trained by the product itself on 20 classes of CIFAR-100.

A row is a family with how it is taught; its members are students drawn from it. Twins, which are
taught by labels alone, are no rows, and accuracies on test images stay in the file.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autokd.core.cost import Limits
from autokd.search.pool import FloatArray
from autokd.space.coding import dimensions
from autokd.space.dimension import Choice
from autokd.space.students import StudentSpace
from tools.race.tables import Table
from tools.table.journal import read_table
from tools.table.rows import Row, TableSetup
from tools.table.setup import space_of

FILE = "autokd_edge.jsonl.gz"
_SHIPPED = Path(__file__).parents[2] / "tests" / "data" / FILE
# Of the eight lengths those that are 1.5^3 times apart, about as far as the rungs of a run.
RUNGS = (1, 4, 7)
# On a device that the students were not sized for. The rows are few, so it is not the share of the
# other tables.
_SHARE_ELSEWHERE = 0.5


def load_own(
    folder: Path, name: str, *, device: str | None = None, rungs: Sequence[int] = RUNGS
) -> Table:
    """Give the table that ``tools/build_table.py --pack`` wrote.

    A full training is of the same simulated seconds for all rows, as in a run.

    Args:
        folder: Looked into for `FILE` first; else the one among the tests' data is read.
        name: What the table is called.
        device: Profile whose costs count. None is the one that the students were sized for, where
            all of them keep its limits by construction, as in a run. On another, latency is limited
            so that half of the rows keep it, which a run would meet by narrower students instead.
        rungs: Which of the lengths there are, rising, the full one last.

    Raises:
        DataError: The file cannot be read.
    """
    given = folder / FILE
    setup, lines = read_table(given if given.is_file() else _SHIPPED)
    assert rungs[-1] == setup.design.rungs - 1, f"{rungs}: the full length must be the last"
    space = space_of(setup)
    families = _by_family(lines)
    costs = [members[0].cost_on(device or setup.design.device) for members in families]
    limits = space.limits
    if device is not None:
        intervals = [cost.latency_interval_ms for cost in costs]
        latencies_ms = [interval[2] for interval in intervals if interval is not None]
        limits = Limits(max_latency_ms=float(np.quantile(latencies_ms, _SHARE_ELSEWHERE)))
    return Table(
        name=name,
        points=np.array([space.encode(m[0].family, m[0].distill) for m in families]),
        choices=tuple(
            len(dimension.values) if isinstance(dimension, Choice) else 0
            for dimension in dimensions(space.preset, space.image_px)
        ),
        descriptors=np.array([_descriptors(space, setup, members) for members in families]),
        limits=limits,
        costs=costs,
        lengths=tuple(setup.design.lengths[rung] for rung in rungs),
        seconds=np.full(len(families), setup.design.full_seconds),
        scores=_scores(families, setup.design.rungs)[:, :, list(rungs)],
    )


def _by_family(lines: Sequence[Row]) -> list[list[Row]]:
    """Give the members of each family, the families and members in the order of the table."""
    families: dict[int, list[Row]] = {}
    for row in sorted(lines, key=lambda row: row.point_id):
        if row.origin != "twin":
            families.setdefault(row.family_number, []).append(row)
    return [families[number] for number in sorted(families)]


def _descriptors(space: StudentSpace, setup: TableSetup, members: Sequence[Row]) -> FloatArray:
    """Give the mean over the members: a table has one description for a row."""
    device = setup.design.device
    each = [space.descriptors(member.candidate(device)) for member in members]
    return np.asarray(np.mean(each, axis=0))


def _scores(families: Sequence[Sequence[Row]], rungs: int) -> FloatArray:
    """Give accuracies (families, members, rungs): 0 after a failure, NaN where nobody is."""
    scores = np.full((len(families), max(len(members) for members in families), rungs), np.nan)
    for place, members in enumerate(families):
        for number, member in enumerate(members):
            scores[place, number] = 0.0
            scores[place, number, : len(member.rungs)] = [rung.accuracy for rung in member.rungs]
    return scores

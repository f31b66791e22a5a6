"""What earlier runs found, as the points that a new search tries first.

Earlier results are never taken for results of this run: teacher, images and limits may differ. The
best families of an earlier run are only tried before other points of the initial design, so that
the worst that a misleading run can do is to take those few places.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autokd.core.trial import Candidate, searched
from autokd.errors import ConfigError
from autokd.pipeline.plan import RUNGS
from autokd.search.ledger import Ledger
from autokd.search.ranking import by_accuracy
from autokd.space.coding import input_sizes
from autokd.space.students import StudentSpace

# Of each earlier run. Half of the initial design is left to other points with two runs.
FAMILIES = 2


def points_of_earlier_runs(runs: Sequence[str], space: StudentSpace) -> tuple[np.ndarray, ...]:
    """Give the points, (dimension,) each, of the best families of ``runs``, run by run.

    A family that saw images of a size that this space lacks sees the nearest size.

    Raises:
        ConfigError: One of them is no run, has no result yet, or searched another preset.
    """
    found: list[np.ndarray] = []
    for run in runs:
        found += [_point(candidate, space) for candidate in _best_families(Path(run), space)]
    return tuple(found)


def _best_families(run: Path, space: StudentSpace) -> list[Candidate]:
    with Ledger.open_read_only(run / "ledger.sqlite") as ledger:
        trials = searched(ledger.trials(), full_rung=RUNGS)
    top = max((trial.rung for trial in trials), default=-1)
    if top < 0:
        msg = f"--warm-start {run}: has no trained student yet; leave it out or let it go on first."
        raise ConfigError(msg)
    best: dict[object, Candidate] = {}
    for trial in by_accuracy(trials, top):
        best.setdefault(trial.candidate.family, trial.candidate)
    preset = next(iter(best.values())).family.preset
    if preset != space.preset:
        msg = (
            f"--warm-start {run}: searched the space {preset!r}, this run searches "
            f"{space.preset!r}; give --space {preset}, or leave it out."
        )
        raise ConfigError(msg)
    return list(best.values())[:FAMILIES]


def _point(candidate: Candidate, space: StudentSpace) -> np.ndarray:
    sizes = input_sizes(space.preset, space.image_px)
    nearest = min(sizes, key=lambda px: abs(px - candidate.family.input_px))
    family = candidate.family.model_copy(update={"input_px": nearest})
    return space.encode(family, candidate.distill)

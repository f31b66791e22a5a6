"""Learning curves of TaskSet: 12 recurrent networks, 1,000 settings of Adam each, 51 steps.

What was looked at before: the rules of the search for several lengths (promotion by rank in a rung,
one model of all rungs, ranks as outcomes) were tuned on these curves. Which four of the twelve
tasks were raced is not written down, so none of them is unseen.

References:
    [TaskSet]: L. Metz et al. Using a thousand optimization tasks to learn hyperparameter search
        strategies. arXiv:2002.11887, appendix D for the ranges of the eight numbers.
    [DPL]: A. Kadra et al. Scaling Laws for Hyperparameter Optimization. arXiv:2302.00441. The
        selection of tasks.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autokd.core.cost import Limits
from autokd.errors import DataError
from autokd.search.pool import FloatArray
from tools.race.tables import Table, row_cost, score_of_losses

_PREFIX = "taskset-"
TASKS = (
    "patch128_LSTM128_avg_bs64",
    "patch128_LSTM128_bs64",
    "patch128_LSTM128_embed128_bs64",
    "patch32_GRU128_bs128",
    "patch32_GRU64_avg_bs128",
    "patch32_IRNN64_relu_avg_bs128",
    "patch32_IRNN64_relu_last_bs128",
    "patch32_LSTM128_E128_bs128",
    "patch32_LSTM128_bs128",
    "patch32_VRNN128_tanh_bs128",
    "patch32_VRNN64_relu_avg_bs128",
    "patch32_VRNN64_tanh_avg_bs128",
)
NAMES = tuple(_PREFIX + task for task in TASKS)

STEPS = 51
LENGTH_STEPS = (6, 17, 51)  # about 1/9, 1/3 and all

# Ranges of the eight numbers, all drawn evenly on a logarithmic scale.
_RANGES = {
    "learning_rate": (1e-8, 1e1),
    "beta1": (1e-4, 1.0),  # of 1 - beta
    "beta2": (1e-6, 1.0),
    "epsilon": (1e-10, 1e3),
    "l1": (1e-8, 1e1),
    "l2": (1e-8, 1e1),
    "linear_decay": (1e-7, 1e-4),
    "exponential_decay": (1e-6, 1e-3),
}


def load_curves(folder: Path, name: str) -> Table:
    """Give one of ``NAMES`` from the file taskset.npz.

    The table has one member, no costs and so no limits, no descriptors, and no training times: a
    second is one of the 51 steps. Scores are of validation losses; a loss that is not finite scores
    0, and so does every later one. Losses on test data are not read.

    Raises:
        DataError: The file is not in ``folder``.
    """
    path = folder / "taskset.npz"
    task = name.removeprefix(_PREFIX)
    try:
        with np.load(path, allow_pickle=False) as file:
            names = [str(n) for n in file["hp_names"]]
            settings, losses = file[f"{task}|hp"], file[f"{task}|valid"]
    except FileNotFoundError:
        msg = f"{path}: there is no such file; give the folder that holds the tables."
        raise DataError(msg) from None
    scores = score_of_losses(losses.astype(np.float64))
    alive = np.logical_and.accumulate(scores > 0, axis=1)
    at_lengths = np.where(alive, scores, 0.0)[:, [steps - 1 for steps in LENGTH_STEPS]]
    rows = len(settings)
    return Table(
        name=name,
        points=points_of(settings, names),
        choices=(0,) * len(names),
        descriptors=np.empty((rows, 0)),
        limits=Limits(),
        costs=[row_cost()] * rows,
        lengths=tuple(steps / STEPS for steps in LENGTH_STEPS),
        seconds=np.full(rows, float(STEPS)),
        scores=at_lengths[:, None, :],
    )


def points_of(settings: NDArray[np.float64], names: list[str]) -> FloatArray:
    """Place settings, (n, 8), in the unit cube, each on the scale that it was drawn on."""
    columns = []
    for column, name in zip(settings.T, names, strict=True):
        low, high = _RANGES[name]
        value = 1.0 - column if name.startswith("beta") else column
        place = np.log(np.maximum(value, low) / low) / np.log(high / low)
        columns.append(np.clip(place, 0.0, 1.0))
    return np.column_stack(columns)

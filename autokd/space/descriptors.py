"""Cheap numbers about a drawn student that say more of its accuracy than its family does.

Counts of operators, lengths of paths and sizes, after the features of graphs that predict accuracy
better than training-free scores do (arXiv:2404.16551).
"""

import math

import numpy as np

from autokd.space.counts import count_macs, count_params, peak_activation_bytes
from autokd.space.program import Program

NAMES = (
    "log_params",
    "log_macs",
    "log_activations",
    "log_convs",
    "log_longest_path",
    "log_shortest_path",
    "mean_sum_inputs",
    "share_of_macs_early",
    "share_of_macs_late",
    "log_channels_first",
    "log_channels_last",
    "log_input_px",
    "is_conv",
    "is_separable",
    "is_inverted",
)


def describe(program: Program, block: str) -> np.ndarray:
    """Give the numbers named in ``NAMES``, as float64."""
    convs = [layer for layer in program.layers if layer.kind == "conv"]
    sums = [len(layer.inputs) for layer in program.layers if layer.kind == "sum"]
    longest, shortest = _path_lengths(program)
    by_px: dict[int, int] = {}
    for layer in convs:
        source = program.layers[layer.inputs[0]].channels
        work = layer.kernel**2 * source // layer.groups * layer.channels * layer.px**2
        by_px[layer.px] = by_px.get(layer.px, 0) + work
    total = sum(by_px.values())
    return np.array(
        [
            math.log(count_params(program)),
            math.log(count_macs(program)),
            math.log(peak_activation_bytes(program)),
            math.log(len(convs)),
            math.log(longest),
            math.log(shortest),
            sum(sums) / len(sums) if sums else 1.0,
            by_px[max(by_px)] / total,
            by_px[min(by_px)] / total,
            math.log(convs[0].channels),
            math.log(convs[-1].channels),
            math.log(program.input_px),
            float(block == "conv"),
            float(block == "separable"),
            float(block == "inverted"),
        ]
    )


def _path_lengths(program: Program) -> tuple[int, int]:
    """Give the most and the fewest convolutions between the image and the logits."""
    most: list[int] = []
    fewest: list[int] = []
    for layer in program.layers:
        step = int(layer.kind == "conv")
        most.append(max((most[s] for s in layer.inputs), default=0) + step)
        fewest.append(min((fewest[s] for s in layer.inputs), default=0) + step)
    return most[-1], fewest[-1]

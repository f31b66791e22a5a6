"""A student that computes the same and takes longer: one convolution more, whose result is dropped.

A regression of 8 % is made by work, not by multiplying numbers: the extra convolution reads and
writes memory, fills caches and meets the same neighbours as the rest.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autokd.core.comparison import Pair
from autokd.core.progress import silent
from autokd.measure.interleaved import TimeBlock, time_round
from autokd.report.compare_latency import change_of

KERNEL = 3
_TRIES = 6
_PAIRS = 16
_CLOSE = 0.005  # of the change that is aimed at
_MOST_FILTERS = 4096


def with_extra_work(model: onnx.ModelProto, filters: int) -> onnx.ModelProto:
    """Give the model with ``filters`` more 3x3 filters on the output of its first convolution.

    Their mean goes with weight zero into the logits, so the output is the same, number by number.

    Raises:
        ValueError: It has no convolution, or more than one output.
    """
    inferred = onnx.shape_inference.infer_shapes(model)
    first = next((node for node in inferred.graph.node if node.op_type == "Conv"), None)
    if first is None or len(inferred.graph.output) != 1:
        msg = "the model needs a convolution and one output"
        raise ValueError(msg)
    channels = next(i for i in inferred.graph.initializer if i.name == first.input[1]).dims[0]
    logits = inferred.graph.output[0]
    classes = logits.type.tensor_type.shape.dim[1].dim_value
    longer = onnx.ModelProto()
    longer.CopyFrom(model)
    graph = longer.graph
    for node in graph.node:
        node.output[:] = ["extra.before" if o == logits.name else o for o in node.output]
    rng = np.random.default_rng(0)
    shape = (filters, channels, KERNEL, KERNEL)
    weight = rng.normal(0, (2 / (channels * KERNEL**2)) ** 0.5, shape).astype(np.float32)
    nothing = np.zeros((filters, classes), dtype=np.float32)
    graph.initializer.extend(
        [
            numpy_helper.from_array(weight, "extra.weight"),
            numpy_helper.from_array(nothing, "extra.nothing"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node(
                "Conv",
                [first.output[0], "extra.weight"],
                ["extra.conv"],
                kernel_shape=[KERNEL] * 2,
                pads=[KERNEL // 2] * 4,
            ),
            helper.make_node("GlobalAveragePool", ["extra.conv"], ["extra.mean"]),
            helper.make_node("Flatten", ["extra.mean"], ["extra.flat"]),
            helper.make_node("Gemm", ["extra.flat", "extra.nothing"], ["extra.zero"]),
            helper.make_node("Add", ["extra.before", "extra.zero"], [logits.name]),
        ]
    )
    assert logits.type.tensor_type.elem_type == TensorProto.FLOAT
    onnx.checker.check_model(longer, full_check=True)
    return longer


def slow_down(
    model: Path, out: Path, *, change: float, timer: Callable[[Path, Path], TimeBlock]
) -> tuple[int, tuple[Pair, ...]]:
    """Write ``out``, which takes about ``1 + change`` times as long as ``model``.

    The number of filters is found by timing: each try corrects the last by its own slope.

    Returns:
        The number of filters, and the pairs of the last try.
    """
    original = onnx.load(model)
    filters, best = 16, (float("inf"), 0)
    pairs: tuple[Pair, ...] = ()
    for _ in range(_TRIES):
        onnx.save(with_extra_work(original, filters), out)
        pairs = time_round(timer(model, out), lambda _: False, progress=silent, looks=(_PAIRS,))
        found = change_of(pairs, "min").change
        print(f"{filters} filters: {found:+.1%}", flush=True)
        best = min(best, (abs(found - change), filters))
        if abs(found - change) < _CLOSE:
            break
        step = change / found if found > change / 8 else 2.0
        filters = min(_MOST_FILTERS, max(1, round(filters * min(step, 4.0))))
    if best[1] != filters:
        filters = best[1]
        onnx.save(with_extra_work(original, filters), out)
    return filters, pairs

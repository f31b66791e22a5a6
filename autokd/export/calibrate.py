"""Ranges of a student's activations over real images, by three methods.

onnxruntime.quantization keeps every activation of every image before it looks at one (onnxruntime
issue 10503): gigabytes for a student. Here the images pass twice in small batches, once for the
ends and once for a histogram between them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper

from autokd.core.precision import CalibrationMethod
from autokd.export.graph import NORMALISED, StudentGraph
from autokd.export.verify import board_input

# More bins than this resolve nothing that 256 steps could use; as in onnxruntime's percentile.
BINS = 2048
PERCENTILE = 99.99
_STEPS = 256
_BATCH = 16
# Values of one tensor and batch that a histogram takes: a share of them tells the shape as well.
_SAMPLED = 2**16
# Thresholds that the entropy method tries, as shares of the whole range.
_SHARES = np.linspace(0.2, 1.0, 41)

Range = tuple[float, float]
Ranges = dict[str, Range]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Values of a tensor.

    Attributes:
        low: Smallest value over all images.
        high: Largest.
        counts: int64 (`BINS`,), of bins of one width from ``low`` to ``high``.
    """

    low: float
    high: float
    counts: NDArray[np.int64]


def observe(graph: StudentGraph, images: NDArray[np.uint8]) -> dict[str, Histogram]:
    """Give a histogram of every activation after the image's normalisation, over all images.

    Args:
        graph: The student.
        images: (n, px, px, c), at the student's size.
    """
    names = [node.output for node in graph.nodes]
    session = activation_session(graph.model, names)
    ends: dict[str, Range] = {}
    for values in _activations(session, names, graph, images):
        for name, value in values.items():
            low, high = ends.get(name, (np.inf, -np.inf))
            ends[name] = (min(low, float(value.min())), max(high, float(value.max())))
    counts = {name: np.zeros(BINS, dtype=np.int64) for name in names}
    for values in _activations(session, names, graph, images):
        for name, value in values.items():
            counts[name] += _histogram(value.reshape(-1), *ends[name])
    return {name: Histogram(*ends[name], counts[name]) for name in names}


def activation_session(model: onnx.ModelProto, names: Sequence[str]) -> ort.InferenceSession:
    """Give a session that takes any number of images and gives the tensors ``names`` too."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    for value in (*wide.graph.input, *wide.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "images"
    have = {value.name for value in wide.graph.output}
    wide.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in names
        if name not in have
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    content = wide.SerializeToString()
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def choose_ranges(
    graph: StudentGraph, observed: Mapping[str, Histogram], method: CalibrationMethod
) -> Ranges:
    """Give the range of every activation; each holds zero.

    The normalised image has the range that bytes can reach, whatever the method, so that its
    integers are nearly those of the image itself.
    """
    ends = np.concatenate([graph.shift, graph.gain + graph.shift])
    ranges = {NORMALISED: (min(0.0, float(ends.min())), max(0.0, float(ends.max())))}
    choose = {"minmax": _minmax, "percentile": _percentile, "entropy": _entropy}[method]
    for name, histogram in observed.items():
        low, high = choose(histogram)
        ranges[name] = (min(0.0, low), max(0.0, high))
    return ranges


def _minmax(histogram: Histogram) -> Range:
    return histogram.low, histogram.high


def _percentile(histogram: Histogram) -> Range:
    """Leave out what is above the percentile, half of it at each end."""
    total = histogram.counts.sum()
    cut = (1 - PERCENTILE / 100) / 2 * total
    below = np.cumsum(histogram.counts)
    first = int(np.searchsorted(below, cut, side="right"))
    last = int(np.searchsorted(below, total - cut, side="left"))
    edges = np.linspace(histogram.low, histogram.high, BINS + 1)
    return float(edges[first]), float(edges[min(last, BINS - 1) + 1])


def _entropy(histogram: Histogram) -> Range:
    """Give the share of the range that loses the least information when it gets 256 steps.

    As Migacz, "8-bit inference with TensorRT" (2017), with both ends drawn in by one share: what is
    outside is counted at the end, and compared, as a divergence, with its own mean over each step.
    """
    edges = np.linspace(histogram.low, histogram.high, BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    best = (np.inf, _minmax(histogram))
    for share in _SHARES[::-1]:
        low, high = histogram.low * share, histogram.high * share
        inside = np.flatnonzero((centres >= low) & (centres <= high))
        if len(inside) < _STEPS:
            break
        loss = _divergence(histogram.counts, int(inside[0]), int(inside[-1]) + 1)
        if loss < best[0]:
            best = (loss, (low, high))
    return best[1]


def _divergence(counts: NDArray[np.int64], first: int, last: int) -> float:
    inner = counts[first:last].astype(np.float64)
    clipped = inner.copy()
    clipped[0] += counts[:first].sum()
    clipped[-1] += counts[last:].sum()
    step = np.arange(len(inner)) * _STEPS // len(inner)
    taken = np.bincount(step, weights=inner, minlength=_STEPS)
    filled = np.bincount(step, weights=inner > 0, minlength=_STEPS)
    spread = np.where(inner > 0, (taken / np.maximum(filled, 1))[step], 0.0)
    if not clipped.sum() or not spread.sum():
        return float("inf")
    p, q = clipped / clipped.sum(), spread / spread.sum()
    # What was clipped into an empty end is given a little, as a divergence has no value there.
    known = p > 0
    return float(np.sum(p[known] * np.log(p[known] / np.maximum(q[known], 1e-9))))


def _histogram(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.int64]:
    if not high > low:
        counts = np.zeros(BINS, dtype=np.int64)
        counts[0] = len(values)
        return counts
    stride = max(1, len(values) // _SAMPLED) | 1  # odd, so that it does not keep to one column
    place = (values[::stride] - low) * (BINS / (high - low))
    return np.bincount(np.clip(place.astype(np.int64), 0, BINS - 1), minlength=BINS)


def _activations(
    session: ort.InferenceSession,
    names: Sequence[str],
    graph: StudentGraph,
    images: NDArray[np.uint8],
) -> Iterator[dict[str, NDArray[np.float32]]]:
    taken = session.get_inputs()[0].name
    for start in range(0, len(images), _BATCH):
        feed = board_input(
            images[start : start + _BATCH], "uint8" if graph.takes_bytes else "float32"
        )
        found = session.run(list(names), {taken: feed})
        yield dict(zip(names, found, strict=True))

"""How long a program takes on a device: a roofline for each operator that the runtime executes.

The form is that of `autokd.core.latency`. A roofline (Williams et al. 2009) takes the longer of
computing and moving bytes, as if the two went on side by side; on processors that wait for what
they load a part of the shorter one is added.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autokd.core.cost import LayerCost
from autokd.core.device import DeviceProfile
from autokd.core.latency import LatencyModel
from autokd.core.precision import Precision
from autokd.core.runtime import Runtime
from autokd.errors import ProfileError

Floats = NDArray[np.float64]

CLASSES = ("conv", "pointwise", "depthwise", "linear", "elementwise", "pool")
# In the order of a vector of coefficients; the block, the cache and the overlap are chosen.
COEFFICIENTS = (
    "conv",
    "pointwise",
    "depthwise",
    "linear",
    "bandwidth",
    "cache_speedup",
    "edge_px",
    "per_node_us",
    "per_run_us",
)

_CONV, _POINTWISE, _DEPTHWISE = 0, 1, 2
_POOL = CLASSES.index("pool")
_IMAGE_CHANNELS = 3
# Taps of a 3x3 and of a 1x1 kernel, and two accesses to the output, over the taps.
_RELOADED_3X3, _RELOADED_1X1 = 11 / 9, 3.0
# Of the kernels of onnxruntime for blocked channels (SconvKernelCommon.h): pixels and blocks of
# output channels at a time, and the smallest block that has such kernels.
_GROUP, _BESIDE, _FEWEST_BLOCKED = 6, 4, 8
_CLASS_NUMBER = {name: number for number, name in enumerate(CLASSES)}
# Bytes of a number over those of fp32.
_WIDTH: dict[Precision, float] = {"fp32": 1.0, "fp16": 0.5, "int8": 0.25}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the roofline needs of a board and does not fit.

    Attributes:
        macs_per_second: Peak of the processor in fp32.
        bytes_per_second: Of the memory.
        cache_bytes: Of the last cache.
        channel_block: Channels that the runtime computes together.
        width: Bytes of a number over those of fp32.
        overlap_lost: Share of the shorter of arithmetic and traffic that the longer does not hide.
    """

    macs_per_second: float
    bytes_per_second: float
    cache_bytes: float
    channel_block: int
    width: float = 1.0
    overlap_lost: float = 0.5


@dataclass(frozen=True, slots=True)
class Operators:
    """The operators of some graphs as a machine meets them, (n,) each.

    Attributes:
        kind: Place in ``CLASSES``.
        calls: One, and one for each change of the tensor's layout.
        macs: Channels filled up to whole blocks.
        edges: ``macs`` of the pixels that are computed by themselves, see `_lone`.
        cached_bytes: Moved within the cache.
        memory_bytes: Moved between cache and memory.
        graph: Number of the graph, from 0 up.
        graphs: How many there are.
    """

    kind: NDArray[np.intp]
    calls: Floats
    macs: Floats
    edges: Floats
    cached_bytes: Floats
    memory_bytes: Floats
    graph: NDArray[np.intp]
    graphs: int


def predict_latency_ms(
    costs: Sequence[LayerCost],
    profile: DeviceProfile,
    *,
    precision: Precision = "fp32",
    runtime: Runtime | None = None,
) -> float:
    """Predict the median latency of one image.

    Args:
        costs: What the runtime executes.
        profile: The board.
        precision: That it computes in.
        runtime: One of the profile's; the first when None.

    Raises:
        ProfileError: The profile has no runtime, or no speed of it in ``precision``.
    """
    model = latency_model(profile, precision=precision, runtime=runtime)
    machine = machine_of(profile, model, precision=precision)
    found = predict_ms(gather_operators([costs], machine), coefficients_of(model), machine)
    return float(found[0])


def latency_model(
    profile: DeviceProfile, *, precision: Precision = "fp32", runtime: Runtime | None = None
) -> LatencyModel:
    """Give the coefficients of a runtime, of the first when None.

    Raises:
        ProfileError: The profile has no runtime, or no speed of it in ``precision``.
    """
    used = runtime or profile.required_runtime()
    if precision not in used.latency:
        msg = (
            f"{profile.id}: runtimes.{used.id}.latency has no {precision}, only "
            f"{', '.join(used.latency) or 'nothing'}; calibrate it, or add the table."
        )
        raise ProfileError(msg)
    return used.latency[precision]


def machine_of(
    profile: DeviceProfile, model: LatencyModel, *, precision: Precision = "fp32"
) -> Machine:
    """Give what the roofline needs of the board of ``profile``."""
    return Machine(
        macs_per_second=profile.cpu.peak_macs_per_second,
        bytes_per_second=profile.memory.bandwidth_gb_per_s.value * 1e9,
        cache_bytes=model.cache_kib.value * 1024,
        channel_block=int(model.channel_block.value),
        overlap_lost=model.overlap_lost.value,
        width=_WIDTH[precision],
    )


def coefficients_of(model: LatencyModel) -> Floats:
    """Give the numbers of ``model``, (9,), in the order of ``COEFFICIENTS``."""
    return np.array([getattr(model, name).value for name in COEFFICIENTS])


def gather_operators(graphs: Iterable[Sequence[LayerCost]], machine: Machine) -> Operators:
    """Give the operators of all ``graphs`` with what ``machine`` makes of them."""
    rows: list[tuple[float, ...]] = []
    for number, costs in enumerate(graphs):
        weights = sum(cost.weight_bytes for cost in costs)
        rows += [
            (
                number,
                weights,
                _CLASS_NUMBER[cost.kind],
                cost.macs,
                cost.read_bytes,
                cost.written_bytes,
                cost.weight_bytes,
                cost.in_channels,
                cost.out_channels,
                cost.px,
            )
            for cost in costs
        ]
    table = np.array(rows, dtype=np.float64).T
    graph, all_weights, kind, macs, read, written, weights, in_channels, out_channels, px = table
    block, cache = machine.channel_block, machine.cache_bytes
    # Fewer channels than a block are read as they are: an image is not filled up.
    fill_in = np.where(in_channels < block, 1.0, _filled(in_channels, block))
    fill_out = _filled(out_channels, block)
    kinds = kind.astype(np.intp)
    fill_weights = np.where(kinds == _DEPTHWISE, fill_out, fill_in * fill_out)
    reorders = _reorders(kinds, in_channels, out_channels, block)
    reordered = reorders * np.where(kinds == _POOL, read + written, 2 * read)
    tensors = (read * fill_in + written * fill_out + reordered) * machine.width
    weights = weights * fill_weights * machine.width
    # Weights stay in the cache from one image to the next when those of the whole graph do.
    kept = _kept(all_weights * machine.width, cache) * weights
    kept += _kept(tensors, cache) * tensors
    filled_macs = macs * fill_weights
    # Unblocked channels are added one after another into outputs that are read and written again.
    reloaded = np.where(kinds == _CONV, _RELOADED_3X3, _RELOADED_1X1)
    narrow = (in_channels < block) & ((kinds == _CONV) | (kinds == _POINTWISE))
    narrow &= block >= _FEWEST_BLOCKED
    filled_macs *= np.where(narrow, reloaded, 1.0)
    hangs_over = (kinds == _CONV) | (kinds == _DEPTHWISE)
    return Operators(
        kind=np.where(narrow, _DEPTHWISE, kinds),
        calls=1.0 + reorders,
        macs=filled_macs,
        edges=np.where(hangs_over, filled_macs * _lone(px, out_channels, kinds, block), 0.0),
        cached_bytes=kept,
        memory_bytes=weights + tensors - kept,
        graph=graph.astype(np.intp),
        graphs=int(graph[-1]) + 1,
    )


def predict_ms(operators: Operators, coefficients: Floats, machine: Machine) -> Floats:
    """Give the latency of every graph, (graphs,), by coefficients of shape (9,)."""
    *efficiency, bandwidth, speedup, edge_px, per_node_us, per_run_us = coefficients
    rate = machine.macs_per_second * np.array([*efficiency, np.inf, np.inf])[operators.kind]
    arithmetic = (operators.macs + edge_px * operators.edges) / rate
    moved = operators.memory_bytes + operators.cached_bytes / speedup
    traffic = moved / (machine.bytes_per_second * bandwidth)
    seconds = np.maximum(arithmetic, traffic) + machine.overlap_lost * np.minimum(
        arithmetic, traffic
    )
    total = np.bincount(
        operators.graph, seconds + operators.calls * per_node_us * 1e-6, operators.graphs
    )
    found: Floats = 1e3 * (total + per_run_us * 1e-6)
    return found


def _lone(px: Floats, after: Floats, kinds: NDArray[np.intp], block: int) -> Floats:
    """Give the share of pixels that a kernel computes by themselves, (n,), by how much that costs.

    Those are the two ends of a row, where the kernel hangs over the image. onnxruntime's kernels
    for blocked channels take six of the others at a time and the rest one by one. There a pixel by
    itself waits for each addition, unless several blocks of output channels, at most four, are
    computed beside each other; in a depthwise convolution there are none.
    """
    ends = np.minimum(px, 2)
    if block < _FEWEST_BLOCKED:
        rest, waiting = np.zeros_like(px), np.ones_like(px)
    else:
        rest = (px - ends) % _GROUP
        blocks = np.where(kinds == _DEPTHWISE, 1.0, np.clip(np.ceil(after / block), 1.0, _BESIDE))
        waiting = (_BESIDE / blocks - 1.0) / (_BESIDE - 1.0)
    found: Floats = (ends + rest) / px * waiting
    return found


def _reorders(kinds: NDArray[np.intp], before: Floats, after: Floats, block: int) -> Floats:
    """Give how often a tensor's layout is changed for an operator, (n,).

    onnxruntime computes convolutions on tensors in blocks of channels; one with fewer channels than
    a block reads them unblocked, and pooling of a number of channels that is no multiple runs
    unblocked too.
    """
    if block < _FEWEST_BLOCKED:
        return np.zeros_like(before)
    is_convolution = (kinds == _CONV) | (kinds == _POINTWISE)
    narrow = is_convolution & (before > _IMAGE_CHANNELS) & (before < block)
    ragged = (kinds == _POOL) & (after % block != 0)
    found: Floats = 1.0 * narrow + 2.0 * ragged
    return found


def _filled(channels: Floats, block: int) -> Floats:
    found: Floats = np.ceil(channels / block) * block / channels
    return found


def _kept(size: Floats, cache: float) -> Floats:
    """Give the share of ``size`` bytes that is still in the cache when it is read again.

    All of what is smaller; nothing of what is twice as large, as each byte has been replaced by
    then; in between a line, so that a prediction has no steps.
    """
    found: Floats = np.clip(2.0 - size / cache, 0.0, 1.0)
    return found

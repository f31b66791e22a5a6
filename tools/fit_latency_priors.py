"""Fits the latency coefficients of the shipped profiles to published CPU latencies of ncnn.

    python tools/fit_latency_priors.py LATENCIES.csv

The table has one row a measurement, with the columns ``device_id, device, model, precision,
runtime, threads, latency_ms, notes``; the rows of ncnn on all cores are used. Ten networks of
torchvision give the operators. A board's latency is the roofline whose coefficients
`autokd.core.latency.LatencyModel` holds: the sum over operators of max(arithmetic, traffic), and a
constant an operator.

Two things are printed. Leave one device out: coefficients fitted to the other boards, and how far
they miss this one, which is where ``interval_factor`` comes from. Then each board's own fit, drawn
towards the common one because ten networks do not settle six coefficients.
"""

import argparse
import csv
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision.models as zoo
from scipy.optimize import least_squares
from torch import fx, nn

COEFFICIENTS = ("conv", "pointwise", "depthwise", "linear", "bandwidth", "per_node_us")
# Where the fit starts, and towards what it is drawn where the data say nothing. ``per_node_us`` is
# that of a core with 8 FLOP a nanosecond (Cortex-A53 at 1 GHz), and falls as cores get faster.
START = {
    "conv": 0.8,
    "pointwise": 0.4,
    "depthwise": 0.2,
    "linear": 0.3,
    "bandwidth": 0.5,
    "per_node_us": 15,
}
LOOSE, TIGHT = 1.0, 0.3  # standard deviations of that pull, in powers of e
COLUMN = {"conv": 0, "pointwise": 1, "depthwise": 2, "linear": 3, "elementwise": 4}

MODELS: dict[str, Callable[..., nn.Module]] = {
    "SqueezeNet1.1": zoo.squeezenet1_1,
    "MobileNetV2": zoo.mobilenet_v2,
    "MobileNetV3-Large": zoo.mobilenet_v3_large,
    "ShuffleNetV2": zoo.shufflenet_v2_x1_0,
    "MnasNet": zoo.mnasnet1_0,
    "EfficientNet-B0": zoo.efficientnet_b0,
    "RegNetY-400M": zoo.regnet_y_400mf,
    "GoogLeNet": lambda **given: zoo.googlenet(init_weights=False, aux_logits=False, **given),
    "ResNet-18": zoo.resnet18,
    "ResNet-50": zoo.resnet50,
}


@dataclass(frozen=True, slots=True)
class Board:
    """What the roofline needs of a board: cores, GHz, fp32 FLOP a cycle, GB/s of memory traffic.

    The traffic is twice what sbc-bench's memcpy reports, which counts a copied byte once.
    """

    cores: int
    clock_ghz: float
    flop_per_cycle: int
    traffic_gb_per_s: float

    @property
    def macs_per_second(self) -> float:
        """Peak of all cores in fp32."""
        return self.cores * self.clock_ghz * 1e9 * self.flop_per_cycle / 2

    @property
    def core_speed(self) -> float:
        """Speed of one core, in Cortex-A53 at 1 GHz."""
        return self.clock_ghz * self.flop_per_cycle / 8


BOARDS = {
    "jetson-nano": Board(4, 1.43, 8, 7.46),
    "jetson-orin-nano": Board(6, 1.5, 16, 13.46),
    "raspberry-pi-3b-plus": Board(4, 1.4, 8, 2.28),
    "raspberry-pi-4b": Board(4, 1.8, 8, 5.02),
    "raspberry-pi-5": Board(4, 2.4, 16, 11.3),
    "raspberry-pi-zero-2w": Board(4, 1.0, 8, 2.6),
    "rock-5b": Board(4, 2.35, 16, 21.66),
    "intel-n100": Board(4, 2.9, 16, 19.1),  # the rows are an N5105, its older sibling
}


@dataclass(frozen=True, slots=True)
class Operators:
    """A network: kind (n,), macs (n,) and moved elements (n,) of its operators."""

    kind: np.ndarray
    macs: np.ndarray
    moved: np.ndarray


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement. ``half`` is whether the processor computes it in fp16."""

    device: str
    model: str
    half: bool
    latency_ms: float


class _Counter(fx.Interpreter):
    """Walks a network and notes each operator; what a runtime fuses or aliases costs nothing."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.rows: list[tuple[int, float, float]] = []

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = super().call_module(target, args, kwargs)
        module = self.fetch_attr(target)
        moved = args[0].numel() + out.numel() if isinstance(out, torch.Tensor) else 0
        if isinstance(module, nn.Conv2d):
            taps = module.weight[0].numel()
            self._note(_kind_of(module), out.numel() * taps, moved + module.weight.numel())
        elif isinstance(module, nn.Linear):
            size = module.weight.numel()
            self._note("linear", size, moved + size)
        elif not isinstance(module, (nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.Dropout, nn.Identity)):
            self._note("elementwise", 0, moved)
        return out

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = super().call_function(target, args, kwargs)
        if target.__name__ in {"add", "mul", "cat", "adaptive_avg_pool2d"}:
            flat = [x for a in args for x in (a if isinstance(a, (list, tuple)) else [a])]
            read = sum(x.numel() for x in flat if isinstance(x, torch.Tensor))
            self._note("elementwise", 0, read + out.numel())
        return out

    def call_method(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = super().call_method(target, args, kwargs)
        if target in {"contiguous", "mean"}:
            self._note("elementwise", 0, args[0].numel() + out.numel())
        return out

    def _note(self, kind: str, macs: float, moved: float) -> None:
        self.rows.append((COLUMN[kind], macs, moved))


def count_operators(model: str, px: int) -> Operators:
    network = MODELS[model](weights=None).eval().to("meta")  # shapes are all that is needed
    counter = _Counter(fx.symbolic_trace(network))
    counter.run(torch.empty(1, 3, px, px, device="meta"))
    kind, macs, moved = zip(*counter.rows, strict=True)
    return Operators(np.array(kind), np.array(macs, float), np.array(moved, float))


def read_points(path: Path) -> list[Point]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        Point(row["device_id"], row["model"], row["precision"] == "fp16", float(row["latency_ms"]))
        for row in rows
        if row["runtime"] == "ncnn CPU"
        and row["device_id"] in BOARDS
        and row["model"] in MODELS
        and row["threads"] == str(BOARDS[row["device_id"]].cores)
        and row["precision"] in {"fp16", "fp32", "fp32 (fp16 storage)"}
        and "little cores" not in row["notes"]
        and "2022 build" not in row["device"]
    ]


def predict_ms(theta: np.ndarray, point: Point, networks: dict[str, Operators]) -> float:
    """Give the roofline's latency; ``theta`` holds logarithms in the order of COEFFICIENTS."""
    board, network = BOARDS[point.device], networks[point.model]
    # fp16 doubles the lanes and halves the bytes.
    peak, width = board.macs_per_second * (2 if point.half else 1), 2 if point.half else 4
    efficiency = np.append(np.exp(theta[:4]), np.inf)[network.kind]
    arithmetic = network.macs / (peak * efficiency)
    traffic = network.moved * width / (board.traffic_gb_per_s * 1e9 * np.exp(theta[4]))
    overhead = len(network.kind) * np.exp(theta[5]) * 1e-6 / board.core_speed
    return float((np.maximum(arithmetic, traffic).sum() + overhead) * 1e3)


def fit(
    points: Iterable[Point], networks: dict[str, Operators], prior: np.ndarray, pull: float
) -> np.ndarray:
    """Give the logarithms that fit best; an outlier counts in proportion, not squared."""
    chosen = list(points)
    noise = 0.2  # a point is off by about this much in powers of e, whatever the coefficients

    def residuals(theta: np.ndarray) -> np.ndarray:
        misses = [np.log(predict_ms(theta, p, networks) / p.latency_ms) / noise for p in chosen]
        return np.append(misses, (theta - prior) / pull)

    found: np.ndarray = least_squares(residuals, prior, loss="soft_l1").x
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("latencies", type=Path)
    points = read_points(parser.parse_args().latencies)
    px = {"SqueezeNet1.1": 227}
    networks = {name: count_operators(name, px.get(name, 224)) for name in MODELS}
    start = np.log([START[name] for name in COEFFICIENTS])
    print(f"{len(points)} points, {len(BOARDS)} boards, {len(networks)} networks")

    misses: list[float] = []
    for device in BOARDS:
        theta = fit([p for p in points if p.device != device], networks, start, LOOSE)
        own = [p for p in points if p.device == device]
        logs = [np.log(predict_ms(theta, p, networks) / p.latency_ms) for p in own]
        misses += logs
        print(f"left out {device:22} bias x{np.exp(statistics.median(logs)):.2f}")
    factor = np.exp(np.quantile(np.abs(misses), 0.8))
    print(f"80 % of the left-out points lie within a factor of {factor:.2f}")

    common = fit(points, networks, start, LOOSE)
    _print("common", common, [], networks)
    for device in BOARDS:
        own = [p for p in points if p.device == device]
        _print(device, fit(own, networks, common, TIGHT), own, networks)


def _print(name: str, theta: np.ndarray, own: list[Point], networks: dict[str, Operators]) -> None:
    fitted = np.exp(theta)
    if name in BOARDS:
        fitted[5] /= BOARDS[name].core_speed
    values = "  ".join(f"{n} {v:.3g}" for n, v in zip(COEFFICIENTS, fitted, strict=True))
    logs = [abs(np.log(predict_ms(theta, p, networks) / p.latency_ms)) for p in own]
    spread = f"  | own 80 % within x{np.exp(np.quantile(logs, 0.8)):.2f}" if logs else ""
    print(f"{name:22} {values}{spread}")


def _kind_of(conv: nn.Conv2d) -> str:
    if conv.groups == conv.in_channels > 1:
        return "depthwise"
    return "pointwise" if conv.kernel_size == (1, 1) else "conv"


if __name__ == "__main__":
    main()

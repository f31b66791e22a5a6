"""Published CPU latencies of ncnn, and the boards that they were measured on."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autokd.space.latency import (
    COEFFICIENTS,
    Floats,
    Machine,
    gather_operators,
    predict_ms,
)
from tools.latency.networks import NETWORKS, network_costs


@dataclass(frozen=True, slots=True)
class Board:
    """What the roofline needs of a board.

    The traffic is twice what sbc-bench's memcpy reports, which counts a copied byte once. Blocks
    and caches are of the processor's core: ncnn packs four channels in a vector of NEON or SSE.
    """

    cores: int
    clock_ghz: float
    flop_per_cycle: int
    traffic_gb_per_s: float
    cache_kib: int

    @property
    def core_speed(self) -> float:
        """Speed of one core, in Cortex-A53 at 1 GHz."""
        return self.clock_ghz * self.flop_per_cycle / 8


BOARDS = {
    "jetson-nano": Board(4, 1.43, 8, 7.46, 2048),
    "jetson-orin-nano": Board(6, 1.5, 16, 13.46, 4096),
    "raspberry-pi-3b-plus": Board(4, 1.4, 8, 2.28, 512),
    "raspberry-pi-4b": Board(4, 1.8, 8, 5.02, 1024),
    "raspberry-pi-5": Board(4, 2.4, 16, 11.3, 2048),
    "raspberry-pi-zero-2w": Board(4, 1.0, 8, 2.6, 512),
    "rock-5b": Board(4, 2.35, 16, 21.66, 3072),
    # The rows are an N5105, its older sibling, which has no AVX: 4 lanes multiplied, 4 added.
    "intel-n100": Board(4, 2.9, 8, 19.1, 4096),
}
CHANNEL_BLOCK = 4
_OVERLAP_LOST = 0.5  # as the shipped profiles have it
_PRECISIONS = {"fp16", "fp32", "fp32 (fp16 storage)"}
_PER_CORE = np.array([name in ("per_node_us", "per_run_us") for name in COEFFICIENTS])


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement. ``half`` is whether the processor computes it in fp16."""

    device: str
    network: str
    threads: int
    half: bool
    latency_ms: float


def read_points(path: Path, *, one_thread: bool) -> list[Point]:
    """Read the rows of ncnn on one thread, or on all cores.

    The columns are ``device_id, device, model, precision, runtime, threads, latency_ms, notes``.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        Point(
            row["device_id"],
            row["model"],
            int(row["threads"]),
            row["precision"] == "fp16",
            float(row["latency_ms"]),
        )
        for row in rows
        if row["runtime"] == "ncnn CPU"
        and row["device_id"] in BOARDS
        and row["model"] in NETWORKS
        and row["threads"] == ("1" if one_thread else str(BOARDS[row["device_id"]].cores))
        and row["precision"] in _PRECISIONS
        and "little cores" not in row["notes"]
        and "2022 build" not in row["device"]
    ]


def machine_of(point: Point, *, plain: bool = False) -> Machine:
    """Give the board of a point with the cores that it used; fp16 doubles lanes, halves bytes.

    A ``plain`` machine knows no blocks and no cache, and hides the shorter of arithmetic and
    traffic wholly behind the longer.
    """
    board = BOARDS[point.device]
    speed = point.threads * board.clock_ghz * 1e9 * board.flop_per_cycle / 2
    return Machine(
        macs_per_second=speed * (2 if point.half else 1),
        bytes_per_second=board.traffic_gb_per_s * 1e9,
        cache_bytes=1.0 if plain else board.cache_kib * 1024,
        channel_block=1 if plain else CHANNEL_BLOCK,
        width=0.5 if point.half else 1.0,
        overlap_lost=0.0 if plain else _OVERLAP_LOST,
    )


class PointPredictor:
    """Latencies of points on their boards by coefficients that all boards share.

    ``per_node_us`` and ``per_run_us`` are those of a core with 8 FLOP a nanosecond (Cortex-A53 at
    1 GHz), and fall as cores get faster.
    """

    def __init__(self, points: list[Point], *, plain: bool = False) -> None:
        groups: dict[tuple[Machine, float], list[int]] = {}
        for place, point in enumerate(points):
            key = (machine_of(point, plain=plain), BOARDS[point.device].core_speed)
            groups.setdefault(key, []).append(place)
        self._count = len(points)
        self._groups = [
            (
                places,
                gather_operators([network_costs(points[p].network) for p in places], machine),
                machine,
                speed,
            )
            for (machine, speed), places in groups.items()
        ]

    def __call__(self, coefficients: Floats) -> Floats:
        """Give the latencies in ms, (points,), by coefficients of shape (9,)."""
        found = np.empty(self._count)
        for places, operators, machine, speed in self._groups:
            own = np.where(_PER_CORE, coefficients / speed, coefficients)
            found[places] = predict_ms(operators, own, machine)
        return found

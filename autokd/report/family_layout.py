"""Where cells, nodes and operators stand in the picture of a student.

Operators stand on a ring, nodes on a circle in their order from left to right, and cells in two
lanes along the way from the image to the classes, with a free channel between the lanes.
"""

import math
from dataclasses import dataclass

from autokd.core.genotype import Cell, Genotype, Graph

DOT_GAP = 12.0  # between neighbours on a ring
NODE_PAD = 7.0
NODE_GAP = 9.0
CELL_PAD = 9.0
CELL_GAP = 18.0
CHANNEL = 34.0  # between the two lanes
STAGE_GAP = 26.0
STAGE_SPAN = 104.0  # of a stage at least, so that its label fits

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Disc:
    """A placed cell."""

    along: float
    across: float
    radius: float


def ring_radius(count: int, gap: float) -> float:
    """Give the radius at which ``count`` places on a circle are ``gap`` apart; 0 for one."""
    return 0.0 if count == 1 else gap / (2 * math.sin(math.pi / count))


def ring_places(count: int, radius: float) -> list[Point]:
    """Give places around a circle, the first at the left, by their order."""
    return _on_circle(radius, [math.pi + 2 * math.pi * k / count for k in range(count)])


def flow_places(count: int, radius: float) -> list[Point]:
    """Give places around a circle in an order that never runs back from left to right."""
    turns = [(k + 1) // 2 * (1 if k % 2 else -1) for k in range(count)]
    return _on_circle(radius, [math.pi + 2 * math.pi * turn / count for turn in turns])


def node_radius(operators: Graph) -> float:
    """Give the radius of a node of a cell."""
    return ring_radius(operators.nodes, DOT_GAP) + NODE_PAD


def cell_ring(cell: Cell) -> float:
    """Give the radius of the circle on which the nodes of a cell stand."""
    gap = 2 * max(map(node_radius, cell.operators)) + NODE_GAP
    return ring_radius(cell.graph.nodes, gap)


def cell_radius(cell: Cell) -> float:
    """Give the radius of a cell."""
    return cell_ring(cell) + max(map(node_radius, cell.operators)) + CELL_PAD


def place_cells(genotype: Genotype) -> tuple[tuple[Disc, ...], tuple[tuple[float, float], ...]]:
    """Give a place for each cell, and where each stage begins and ends along the way.

    No two cells overlap, and no cell reaches into the channel between the lanes.
    """
    radii = [cell_radius(cell) for cell in genotype.cells]
    discs: list[Disc] = []
    spans: list[tuple[float, float]] = []
    start = 0.0
    for stage in range(3):
        members = [n for n, cell in enumerate(genotype.cells) if cell.stage == stage]
        placed = _place_stage([radii[n] for n in members], first_lane=len(discs) % 2)
        length = max([disc.along + disc.radius for disc in placed], default=0.0)
        span = max(length + 2 * CELL_PAD, STAGE_SPAN)
        shift = start + (span - length) / 2
        discs += [Disc(disc.along + shift, disc.across, disc.radius) for disc in placed]
        spans.append((start, start + span))
        start += span + STAGE_GAP
    return tuple(discs), tuple(spans)


def _place_stage(radii: list[float], *, first_lane: int) -> list[Disc]:
    discs: list[Disc] = []
    for number, radius in enumerate(radii):
        lane = -1 if (first_lane + number) % 2 == 0 else 1
        ends = [disc.along + disc.radius + CELL_GAP for disc in discs[-2:-1]]
        centres = [disc.along + CELL_GAP for disc in discs[-1:]]
        along = max([radius, *(end + radius for end in ends), *centres])
        discs.append(Disc(along, lane * (radius + CHANNEL / 2), radius))
    return discs


def _on_circle(radius: float, angles: list[float]) -> list[Point]:
    return [(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles]

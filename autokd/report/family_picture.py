"""A student drawn as what it is, a graph of graphs of graphs.

A large disc is a cell, a small disc in it is a node of the cell, and the dots on its ring are the
operators. Cells run from the input to the classes in two lanes with a channel between them, in
which the long edges run. Places are in units of the drawing, which the page scales to its width.
"""

from typing import get_args

from autokd.core.family import Preset
from autokd.core.genotype import Genotype, Graph
from autokd.report.family_layout import (
    CELL_PAD,
    DOT_GAP,
    Disc,
    Point,
    cell_ring,
    flow_places,
    node_radius,
    place_cells,
    ring_places,
    ring_radius,
)
from autokd.space.lowering import stage_channels, stem_stride

DOT = 2.6  # radius of an operator
END_SPACE = 98.0  # for the image and the classes
LABEL_SPACE = {"wide": 50.0, "tall": 124.0}
TEXT_PX = {"wide": 14.0, "tall": 13.0}
# Room for the cells. Larger graphs are drawn smaller, so that the text keeps its size on the page.
MOST_ALONG = 700.0
MOST_ACROSS = 236.0
# Half of the breadth at least, for the text under or beside image and classes.
LEAST_REACH = {"wide": 78.0, "tall": 108.0}


def draw_family(genotype: Genotype, *, vertical: bool = False) -> str:
    """Give the picture as SVG, coloured by the page's style sheet.

    Args:
        genotype: What to draw.
        vertical: From top to bottom, for narrow screens, instead of from left to right.
    """
    return _Drawing(genotype, vertical=vertical).render()


def count_operators(genotype: Genotype) -> tuple[int, int, int]:
    """Give the number of cells, of nodes in them, and of operators in those."""
    nodes = [graph for cell in genotype.cells for graph in cell.operators]
    return len(genotype.cells), len(nodes), sum(graph.nodes for graph in nodes)


def _number(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _chords(graph: Graph, places: list[Point], at: Point, pull: float) -> str:
    """Give the path of a graph's edges, each bent towards the middle by ``pull`` of the way."""
    parts = []
    for a, b in graph.edges:
        (xa, ya), (xb, yb) = places[a], places[b]
        bend = ((xa + xb) / 2 * (1 - pull), (ya + yb) / 2 * (1 - pull))
        numbers = [_number(v + at[i % 2]) for i, v in enumerate((xa, ya, *bend, xb, yb))]
        parts.append("M{} {}Q{} {} {} {}".format(*numbers))
    return "".join(parts)


class _Drawing:
    """One picture: turns places along and across the way into x and y."""

    def __init__(self, genotype: Genotype, *, vertical: bool) -> None:
        self._genotype = genotype
        self._vertical = vertical
        self._form = "tall" if vertical else "wide"
        discs, spans = place_cells(genotype)
        reach = max(abs(disc.across) + disc.radius for disc in discs) + CELL_PAD
        length = spans[-1][1]
        k = min(1.0, MOST_ACROSS / (2 * reach) if vertical else MOST_ALONG / length)
        self._scale = k
        self._line = max(k, 0.5)  # thinner lines break up on a screen
        self._discs = [Disc(END_SPACE + k * d.along, k * d.across, k * d.radius) for d in discs]
        self._spans = [(END_SPACE + k * start, END_SPACE + k * end) for start, end in spans]
        self._length = k * length + 2 * END_SPACE
        self._reach = max(k * reach, LEAST_REACH[self._form])
        self._middle = self._reach + LABEL_SPACE[self._form]

    def render(self) -> str:
        """Give the SVG element."""
        width, height = self._length, self._middle + self._reach + 1  # 1 for the line
        if self._vertical:
            width, height = height, width
        cells, nodes, operators = count_operators(self._genotype)
        drawn = [self._cell(number) for number in range(cells)]
        return (
            f'<svg class="family {self._form}" role="img" '
            f'viewBox="0 0 {_number(width)} {_number(height)}" '
            f'style="max-width:{_number(1.25 * width)}px;font-size:{TEXT_PX[self._form]:g}px" '
            f'aria-label="{cells} cells with {nodes} nodes and {operators} operators">'
            f"{''.join([*self._stages(), self._top_edges(), *self._ends(), *drawn])}</svg>"
        )

    def _at(self, along: float, across: float) -> Point:
        place = (along, self._middle + across)
        return (place[1], place[0]) if self._vertical else place

    def _stages(self) -> list[str]:
        channels = stage_channels(self._genotype)
        stride = stem_stride(self._genotype.preset, self._genotype.input_px)
        parts = []
        for stage, (start, end) in enumerate(self._spans):
            x, y = self._at(start, -self._reach)
            width, height = end - start, 2 * self._reach
            if self._vertical:
                width, height = height, width
            parts.append(
                f'<rect class="stage" x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" '
                f'height="{_number(height)}" rx="14"/>'
            )
            side = self._genotype.input_px // stride >> stage
            # Of a plug-in's own layers nothing is known without importing it.
            known = self._genotype.preset in get_args(Preset)
            sizes = f"{side} px, {channels[stage]} ch." if known else ""
            lines = (f"Stage {stage + 1}", sizes)
            parts.append(self._label(start, end, lines))
        return parts

    def _label(self, start: float, end: float, lines: tuple[str, str]) -> str:
        x, y = (0.0, (start + end) / 2 - 3) if self._vertical else ((start + end) / 2, 17.0)
        anchor = "start" if self._vertical else "middle"
        first, second = lines
        return (
            f'<text x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}">'
            f'<tspan class="strong">{first}</tspan>'
            f'<tspan x="{_number(x)}" dy="1.3em">{second}</tspan></text>'
        )

    def _top_edges(self) -> str:
        top = self._genotype.top
        source, sink = (END_SPACE - 32, 0.0), (self._length - END_SPACE + 32, 0.0)
        sources = [n for n in range(top.nodes) if not top.inputs_of(n)]
        centres = [(disc.along, disc.across) for disc in self._discs]
        pairs = [(source, centres[n]) for n in sources]
        pairs += [(centres[a], centres[b]) for a, b in top.edges]
        pairs += [(centres[n], sink) for n in top.outputs()]
        path = "".join(self._curve(a, b) for a, b in pairs)
        return f'<path class="flow" d="{path}"/>'

    def _curve(self, a: Point, b: Point) -> str:
        """Give a curve that runs through the channel between the lanes."""
        third = (b[0] - a[0]) / 3
        bends = ((a[0] + third, 0.0), (b[0] - third, 0.0))
        numbers = [_number(v) for place in (a, *bends, b) for v in self._at(*place)]
        return "M{} {}C{} {} {} {} {} {}".format(*numbers)

    def _ends(self) -> list[str]:
        genotype, parts = self._genotype, []
        colours = "gray" if genotype.image_channels == 1 else "RGB"
        ends = (
            (END_SPACE - 48, ("Image", f"{genotype.input_px} px {colours}")),
            (self._length - END_SPACE + 48, ("Classes", str(genotype.classes))),
        )
        for along, (first, second) in ends:
            x, y = self._at(along, 0.0)
            dx, dy, anchor = (26.0, -2.0, "start") if self._vertical else (0.0, 34.0, "middle")
            parts.append(
                f'<rect class="end" x="{_number(x - 16)}" y="{_number(y - 16)}" width="32" '
                f'height="32" rx="7"/><text x="{_number(x + dx)}" y="{_number(y + dy)}" '
                f'text-anchor="{anchor}"><tspan class="strong">{first}</tspan>'
                f'<tspan x="{_number(x + dx)}" dy="1.3em">{second}</tspan></text>'
            )
        return parts

    def _cell(self, number: int) -> str:
        cell, disc = self._genotype.cells[number], self._discs[number]
        x, y = self._at(disc.along, disc.across)
        places = flow_places(cell.graph.nodes, self._scale * cell_ring(cell))
        if self._vertical:
            places = [(b, a) for a, b in places]
        nodes = [
            self._node(operators, (x + dx, y + dy))
            for operators, (dx, dy) in zip(cell.operators, places, strict=True)
        ]
        edges = _chords(cell.graph, places, (x, y), 0.35)
        return (
            f'<g class="cell s{cell.stage}"><circle class="skin" cx="{_number(x)}" '
            f'cy="{_number(y)}" r="{_number(disc.radius)}"/>'
            f'<path class="mid" stroke-width="{_number(1.5 * self._line)}" d="{edges}"/>'
            f"{''.join(nodes)}</g>"
        )

    def _node(self, operators: Graph, at: Point) -> str:
        x, y = at
        radius = self._scale * node_radius(operators)
        places = ring_places(operators.nodes, self._scale * ring_radius(operators.nodes, DOT_GAP))
        # One path of zero-length strokes with round ends draws all dots.
        dots = "".join(f"M{_number(x + dx)} {_number(y + dy)}h0" for dx, dy in places)
        edges = _chords(operators, places, at, 0.3)
        return (
            f'<circle class="node" cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}"/>'
            f'<path class="low" stroke-width="{_number(self._line)}" d="{edges}"/>'
            f'<path class="dots" stroke-width="{_number(2 * DOT * self._scale)}" d="{dots}"/>'
        )

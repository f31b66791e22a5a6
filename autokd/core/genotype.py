"""One student of a family, as nested graphs and widths: all that is needed to build it again."""

import hashlib
from typing import Self

from pydantic import Field, model_validator

from autokd.core.family import Block, OwnValues
from autokd.core.plugin_record import PluginName
from autokd.core.record import Record


class Graph(Record):
    """A connected directed acyclic graph; every edge goes from a lower node to a higher one.

    A node without a lower neighbour is an input, one without a higher neighbour an output.
    """

    nodes: int = Field(ge=1)
    edges: tuple[tuple[int, int], ...]

    @model_validator(mode="after")
    def _edges_rise_and_connect(self) -> Self:
        reached = {0}
        for a, b in sorted(self.edges):
            if not 0 <= a < b < self.nodes:
                msg = f"edge ({a}, {b}) must rise inside 0..{self.nodes - 1}"
                raise ValueError(msg)
        while True:
            more = {n for e in self.edges if reached & set(e) for n in e} - reached
            if not more:
                break
            reached |= more
        if len(reached) != self.nodes:
            msg = f"the graph is not connected: {len(reached)} of {self.nodes} nodes hang together"
            raise ValueError(msg)
        return self

    def inputs_of(self, node: int) -> tuple[int, ...]:
        """List the nodes with an edge to ``node``, rising."""
        return tuple(sorted(a for a, b in self.edges if b == node))

    def outputs(self) -> tuple[int, ...]:
        """List, by id, the nodes without an edge to a higher one."""
        sources = {a for a, _ in self.edges}
        return tuple(n for n in range(self.nodes) if n not in sources)


class Cell(Record):
    """A node of the top graph: a graph whose nodes are graphs of operators."""

    stage: int = Field(ge=0, le=2)
    graph: Graph
    operators: tuple[Graph, ...]

    @model_validator(mode="after")
    def _one_graph_a_node(self) -> Self:
        if len(self.operators) != self.graph.nodes:
            msg = f"{self.graph.nodes} nodes but {len(self.operators)} operator graphs"
            raise ValueError(msg)
        return self


class Genotype(Record):
    """One student, sized.

    Attributes:
        preset: Rules by which `autokd.space.lowering` turns it into layers.
        block: What one operator is.
        top: Graph of the cells.
        cells: One for each node of ``top``.
        growth: Width of a stage over that of the stage before it.
        base_width: Channels of the first stage, before rounding.
        input_px: Side of the input image.
        image_channels: 1 for gray, 3 for RGB.
        classes: Length of the output.
        own: As of the family, for the rules of a plug-in.
    """

    preset: PluginName
    block: Block
    top: Graph
    cells: tuple[Cell, ...]
    growth: float
    base_width: int = Field(ge=1)
    input_px: int
    image_channels: int = Field(ge=1, le=4)
    classes: int = Field(ge=2)
    own: OwnValues = ()

    @model_validator(mode="after")
    def _one_cell_a_node(self) -> Self:
        if len(self.cells) != self.top.nodes:
            msg = f"{self.top.nodes} top nodes but {len(self.cells)} cells"
            raise ValueError(msg)
        return self

    def with_width(self, base_width: int) -> "Genotype":
        """Give the same wiring at another width."""
        return self.model_copy(update={"base_width": base_width})

    @property
    def digest(self) -> str:
        """Twelve hex digits that are the same for equal genotypes only."""
        # An empty field is left out: digests of files from before there were plug-ins stay.
        text = self.model_dump_json(exclude=None if self.own else {"own"})
        return hashlib.sha256(text.encode()).hexdigest()[:12]

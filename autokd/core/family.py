"""A family of students: the hyper-parameters of a random-graph generator.

References:
    [NAGO]: R. Ru, P. Esperanca, F. Carlucci. Neural Architecture Generator Optimization.
        arXiv:2004.01395. Three nested graphs: Watts-Strogatz, Erdos-Renyi, Watts-Strogatz.
    [AutoKD]: arXiv:2111.03555, which searches these together with the distillation parameters.
"""

from typing import Any, Literal

from pydantic import Field

from autokd.core.plugin_record import PluginName
from autokd.core.record import Record

# Those that come with autokd; others are plug-ins.
Preset = Literal["paper", "edge"]
Block = Literal["conv", "separable", "inverted"]
# Pairs, not a table: a family is a key of caches.
OwnValues = tuple[tuple[str, int | float | str], ...]


class FamilyParams(Record):
    """One family. Out of range is an error, never a clamp.

    Attributes:
        preset: Rules of the space: ``paper`` as published, ``edge`` for small devices, or those of
            a plug-in.
        top_nodes: Cells in the top graph (Watts-Strogatz).
        top_degree: Ring neighbours of a cell. networkx uses ``degree // 2`` on each side, so only
            even numbers are laws of their own.
        top_rewire: Probability that an edge of the ring is rewired.
        mid_nodes: Nodes in a cell (Erdos-Renyi).
        mid_edge: Probability of each edge.
        bottom_nodes: Operators in a node of a cell (Watts-Strogatz).
        bottom_degree: As ``top_degree``.
        bottom_rewire: As ``top_rewire``.
        block: What one operator is.
        growth: Width of a stage over that of the stage before it.
        last_stage_share: Fraction of the cells in the last of the three stages; the first two
            share the rest evenly.
        input_px: Side of the image that the student sees.
        fill: Fraction of the tightest limit that a member is sized to.
        own: Numbers and words that only the space of a plug-in knows, by their name.
    """

    preset: PluginName
    top_nodes: int = Field(ge=3, le=10)
    top_degree: Literal[2, 4]
    top_rewire: float = Field(ge=0, le=1)
    mid_nodes: int = Field(ge=1, le=10)
    mid_edge: float = Field(ge=0, le=1)
    bottom_nodes: int = Field(ge=1, le=10)
    bottom_degree: Literal[2, 4]
    bottom_rewire: float = Field(ge=0, le=1)
    block: Block = "conv"
    growth: float = Field(default=2.0, ge=1, le=4)
    last_stage_share: float = Field(default=1 / 3, gt=0, lt=1)
    input_px: int = Field(ge=8, le=1024)
    fill: float = Field(default=1.0, gt=0, le=1)
    own: OwnValues = ()

    def values(self) -> dict[str, Any]:
        """Give all fields by name, those of ``own`` among them."""
        return {**self.model_dump(exclude={"own"}), **dict(self.own)}

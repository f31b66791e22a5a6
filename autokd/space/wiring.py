"""From a family and a seed to the wiring of one member.

References:
    [NAGO]: arXiv:2004.01395. Cells are the nodes of a Watts-Strogatz graph, their nodes those of
        an Erdos-Renyi graph, and operators those of a Watts-Strogatz graph again.
"""

import math

from autokd.core.family import FamilyParams
from autokd.core.genotype import Cell, Genotype
from autokd.core.seeds import derive_seed
from autokd.space.generators import erdos_renyi, watts_strogatz


def draw_genotype(
    family: FamilyParams, *, member_seed: int, image_channels: int, classes: int
) -> Genotype:
    """Draw the member of ``family`` that ``member_seed`` names, at width 1.

    The same arguments give the same member in every process; two seeds give two members, with a
    graph of its own for every cell and every node.
    """
    top = watts_strogatz(
        family.top_nodes,
        family.top_degree,
        family.top_rewire,
        seed=derive_seed(member_seed, "top"),
    )
    cells = tuple(
        _draw_cell(family, derive_seed(member_seed, "cell", number), stage)
        for number, stage in enumerate(assign_stages(family.top_nodes, family.last_stage_share))
    )
    return Genotype(
        preset=family.preset,
        block=family.block,
        top=top,
        cells=cells,
        growth=family.growth,
        base_width=1,
        input_px=family.input_px,
        image_channels=image_channels,
        classes=classes,
        own=family.own,
    )


def assign_stages(cells: int, last_stage_share: float) -> tuple[int, ...]:
    """Give the stage, 0 to 2, of each of at least three cells, in order of their ids.

    Cells are cut at cumulative shares, as [NAGO] does with a third each (the released
    configuration has shares of 1.0, which leaves every cell in the first stage). No stage is
    empty.
    """
    share = (1.0 - last_stage_share) / 2
    first = min(max(math.ceil(share * cells - 1e-9), 1), cells - 2)
    second = min(max(math.ceil(2 * share * cells - 1e-9), first + 1), cells - 1)
    return tuple(0 if n < first else 1 if n < second else 2 for n in range(cells))


def _draw_cell(family: FamilyParams, seed: int, stage: int) -> Cell:
    graph = erdos_renyi(family.mid_nodes, family.mid_edge, seed=derive_seed(seed, "mid"))
    operators = tuple(
        watts_strogatz(
            family.bottom_nodes,
            family.bottom_degree,
            family.bottom_rewire,
            seed=derive_seed(seed, "bottom", node),
        )
        for node in range(family.mid_nodes)
    )
    return Cell(stage=stage, graph=graph, operators=operators)

"""Students that are one chain of residual blocks, with a kernel that is searched."""

from collections.abc import Mapping, Sequence
from typing import Any

from autokd.core.genotype import Genotype
from autokd.space.definition import SpaceDefinition
from autokd.space.dimension import Choice, Dimension, Interval
from autokd.space.program import Program, ProgramBuilder

STAGES = 3


def ranges(image_px: int) -> tuple[Dimension, ...]:
    """Give what is searched; ``blocks`` and ``kernel`` are numbers that only this space knows."""
    return (
        Choice("blocks", (1, 2, 3)),
        Choice("kernel", (3, 5)),
        Interval("growth", 1.25, 2.25),
        Interval("fill", 0.35, 1.0),
        Choice("input_px", sizes(image_px)),
        Interval("temperature", 1.0, 10.0, log=True),
        Interval("alpha", 0.0, 1.0),
    )


def sizes(image_px: int) -> tuple[int, ...]:
    """Give the sizes at which a student may see an image: each stage halves a multiple of 16."""
    found = {px - px % 16 for px in (image_px // 2, image_px)}
    return tuple(sorted(px for px in found if px >= 16)) or (16,)


def starts(image_px: int) -> Sequence[Mapping[str, Any]]:
    """Give the chain that people would try first, at each size."""
    chain = {"blocks": 2, "kernel": 3, "growth": 2.0, "fill": 1.0, "temperature": 4.0, "alpha": 0.5}
    return [{**chain, "input_px": px} for px in reversed(sizes(image_px))]


def lower(genotype: Genotype) -> Program:
    """Give the layers of the chain at the width that the genotype has."""
    own = dict(genotype.own)
    build = ProgramBuilder(genotype.image_channels, genotype.input_px)
    place = build.conv("stem", 0, width(genotype, 0), stride=4 if genotype.input_px > 96 else 1)
    for stage in range(STAGES):
        channels = width(genotype, stage)
        if stage:
            place = build.pool(f"s{stage}_pool", place, build.px(place) // 2)
            place = build.conv(f"s{stage}_widen", place, channels, kernel=1)
        for block in range(int(own["blocks"])):
            name = f"s{stage}b{block}"
            inner = build.relu(f"{name}_relu", place)
            inner = build.conv(f"{name}_conv", inner, channels, kernel=int(own["kernel"]))
            place = build.sum(f"{name}_out", [place, inner])
    build.classify(build.relu("head_relu", place), genotype.classes)
    return build.build()


def width(genotype: Genotype, stage: int) -> int:
    """Give the channels of a stage, in fours."""
    return max(4, round(genotype.base_width * genotype.growth**stage / 4) * 4)


# The graphs that are drawn for every member are not used here: they are as small as can be.
RESIDUAL_CHAIN = SpaceDefinition(
    ranges=ranges,
    fixed={
        "top_nodes": 3,
        "top_degree": 2,
        "top_rewire": 0.0,
        "mid_nodes": 1,
        "mid_edge": 1.0,
        "bottom_nodes": 1,
        "bottom_degree": 2,
        "bottom_rewire": 0.0,
    },
    lower=lower,
    starts=starts,
)

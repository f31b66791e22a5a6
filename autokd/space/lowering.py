"""From a genotype to its program of layers.

Both presets share the nested graphs. What differs:

=============  ==============================================  ====================================
rule           ``paper`` (as released with arXiv:2004.01395)   ``edge``
=============  ==============================================  ====================================
operator       ReLU, conv 3x3, BatchNorm                       the same, or depthwise-separable, or
                                                               inverted bottleneck
sums           each input times a learnt weight                plain, nothing to compute on a board
between cells  weighted sum; outputs are averaged              mean; a cell adds its input to its
                                                               output where the widths agree
width          base, 2 base, 4 base                            base * growth ** stage, in fours
head           1x1 conv to 1280, BatchNorm, ReLU, dropout 0.2  none
=============  ==============================================  ====================================

The space of a plug-in has the layers of ``edge``, or its own rules for all of it.

Images are brought to a stage's resolution by average pooling at the inputs of a cell; no operator
inside a cell is strided.
"""

from dataclasses import dataclass
from typing import get_args

from autokd.core.family import Preset
from autokd.core.genotype import Cell, Genotype, Graph
from autokd.space.definition import plugin_space
from autokd.space.program import Program, ProgramBuilder

PAPER_HEAD_CHANNELS = 1280
PAPER_DROPOUT = 0.2
EXPANSION = 3  # of an inverted bottleneck; 3 to 6 are common, small students need the width outside


def stem_stride(preset: str, input_px: int) -> int:
    """Give the factor between the image and the first stage.

    Images below 40 px keep their resolution and larger ones are quartered, as in [NAGO]; ``edge``
    halves those up to 96 px.
    """
    if input_px < 40:
        return 1
    return 2 if preset != "paper" and input_px <= 96 else 4


def smallest_divisor_px(preset: str, image_px: int) -> int:
    """Give the number that ``input_px`` must be a multiple of, so that every stage is whole."""
    return 4 * stem_stride(preset, image_px)


def stage_channels(genotype: Genotype) -> tuple[int, int, int]:
    """Give the channels of the three stages."""
    if genotype.preset == "paper":
        return (genotype.base_width, 2 * genotype.base_width, 4 * genotype.base_width)
    widths = [genotype.base_width * genotype.growth**stage for stage in range(3)]
    first, second, third = (max(4, round(width / 4) * 4) for width in widths)
    return (first, second, third)


def lower(genotype: Genotype) -> Program:
    """Give the layers of ``genotype`` in execution order, by the rules of its space.

    Raises:
        PluginError: The space is a plug-in that is not installed, or does not work.
    """
    if genotype.preset not in get_args(Preset):
        own = plugin_space(genotype.preset).lower
        if own is not None:
            return own(genotype)
    plan = _Plan(
        genotype=genotype,
        builder=ProgramBuilder(genotype.image_channels, genotype.input_px),
        channels=stage_channels(genotype),
        first_px=genotype.input_px // stem_stride(genotype.preset, genotype.input_px),
    )
    stem = plan.stem()
    outputs: list[int] = []
    for number, cell in enumerate(genotype.cells):
        sources = [outputs[n] for n in genotype.top.inputs_of(number)] or [stem]
        outputs.append(plan.cell(f"c{number}", cell, sources))
    return plan.head([outputs[n] for n in genotype.top.outputs()])


@dataclass(frozen=True, slots=True)
class _Plan:
    """The builder with what every step needs to know."""

    genotype: Genotype
    builder: ProgramBuilder
    channels: tuple[int, int, int]
    first_px: int

    @property
    def is_paper(self) -> bool:
        return self.genotype.preset == "paper"

    def stem(self) -> int:
        """Bring the image to the width and resolution of the first stage."""
        build, width = self.builder, self.channels[0]
        stride = self.genotype.input_px // self.first_px
        if not self.is_paper:
            place = 0
            for number in range(max(1, stride // 2)):
                place = build.relu(f"stem_relu{number}", place) if number else place
                place = build.conv(f"stem{number}", place, width, stride=min(stride, 2))
            return place
        if stride == 1:
            place = build.relu("stem_relu0", build.conv("stem0", 0, width))
            return build.conv("stem1", place, width)
        place = build.conv("stem0_dw", 0, build.channels(0), stride=2, depthwise=True, norm=False)
        place = build.relu("stem_relu0", build.conv("stem0", place, width, kernel=1))
        place = build.conv("stem1_dw", place, width, stride=2, depthwise=True, norm=False)
        return build.conv("stem1", place, width, kernel=1)

    def cell(self, name: str, cell: Cell, sources: list[int]) -> int:
        """Add a cell; gives the place of its output."""
        width = self.channels[cell.stage]
        entry = self.join(f"{name}_in", sources, self.first_px >> cell.stage)
        nodes: list[int] = []
        for number, operators in enumerate(cell.operators):
            inputs = [nodes[n] for n in cell.graph.inputs_of(number)]
            place = self.merge(f"{name}n{number}_in", inputs) if inputs else entry
            nodes.append(self.node(f"{name}n{number}", operators, place, width))
        ends = [nodes[n] for n in cell.graph.outputs()]
        if self.is_paper:
            return self.builder.sum(f"{name}_out", ends, mean=True)
        skip = [entry] if self.builder.channels(entry) == width else []
        return self.builder.sum(f"{name}_out", ends + skip)

    def node(self, name: str, graph: Graph, source: int, width: int) -> int:
        """Add the operators of one node of a cell."""
        operators: list[int] = []
        for number in range(graph.nodes):
            inputs = [operators[n] for n in graph.inputs_of(number)]
            place = self.merge(f"{name}o{number}_in", inputs) if inputs else source
            operators.append(self.operator(f"{name}o{number}", place, width))
        ends = [operators[n] for n in graph.outputs()]
        return self.builder.sum(f"{name}_out", ends, mean=self.is_paper)

    def operator(self, name: str, source: int, width: int) -> int:
        """Add one operator of the family's block."""
        build = self.builder
        if self.genotype.block == "inverted":
            inner = EXPANSION * build.channels(source)
            place = build.conv(f"{name}_expand", source, inner, kernel=1)
            place = build.relu(f"{name}_relu0", place)
            place = build.conv(f"{name}_dw", place, inner, depthwise=True)
            place = build.relu(f"{name}_relu1", place)
            return build.conv(name, place, width, kernel=1)
        place = build.relu(f"{name}_relu", source)
        if self.genotype.block == "separable":
            place = build.conv(f"{name}_dw", place, build.channels(place), depthwise=True)
            return build.conv(name, place, width, kernel=1)
        return build.conv(name, place, width)

    def merge(self, name: str, sources: list[int]) -> int:
        """Add a sum inside a cell, where all widths agree."""
        return self.builder.sum(name, sources, weighted=self.is_paper)

    def join(self, name: str, sources: list[int], px: int) -> int:
        """Bring tensors of several stages to one resolution and width, and merge them.

        The width is that of the last source, as in [NAGO]; others pass a 1x1 convolution.
        """
        build = self.builder
        pooled = [build.pool(f"{name}{n}_pool", s, px) for n, s in enumerate(sources)]
        width = build.channels(pooled[-1])
        matched = [
            place
            if build.channels(place) == width
            else build.conv(
                f"{name}{n}_match",
                place,
                width,
                kernel=1,
                bias=self.is_paper,
                norm=not self.is_paper,
            )
            for n, place in enumerate(pooled)
        ]
        return build.sum(name, matched, weighted=self.is_paper, mean=not self.is_paper)

    def head(self, sources: list[int]) -> Program:
        """Merge the outputs of the top graph and classify."""
        build = self.builder
        px = min(build.px(place) for place in sources)
        if not self.is_paper:
            place = build.relu("head_relu", self.join("head", sources, px))
            build.classify(place, self.genotype.classes)
            return build.build()
        width = build.channels(sources[-1])
        pooled = [build.pool(f"head{n}_pool", s, px) for n, s in enumerate(sources)]
        matched = [
            place
            if build.channels(place) == width
            else build.conv(f"head{n}_match", place, width, kernel=1, bias=True, norm=False)
            for n, place in enumerate(pooled)
        ]
        place = build.relu("head_relu0", build.sum("head", matched, mean=True))
        place = build.conv("head_conv", place, PAPER_HEAD_CHANNELS, kernel=1)
        build.classify(build.relu("head_relu1", place), self.genotype.classes)
        return build.build(dropout=PAPER_DROPOUT)

import pytest

from autokd.core.genotype import Cell, Genotype, Graph
from autokd.space.lowering import lower, stage_channels
from autokd.space.wiring import draw_genotype

ONE = Graph(nodes=1, edges=())


def chain(preset="edge", block="conv", width=8, px=32, growth=2.0, top=((0, 1), (1, 2))):
    """Three cells of one operator each."""
    cells = tuple(Cell(stage=stage, graph=ONE, operators=(ONE,)) for stage in range(3))
    return Genotype(
        preset=preset,
        block=block,
        top=Graph(nodes=3, edges=top),
        cells=cells,
        growth=growth,
        base_width=width,
        input_px=px,
        image_channels=3,
        classes=10,
    )


def kinds(genotype):
    return [(layer.kind, layer.channels, layer.px) for layer in lower(genotype).layers]


def test_a_chain_of_three_cells_is_the_network_one_would_draw_by_hand():
    assert kinds(chain()) == [
        ("image", 3, 32),
        ("conv", 8, 32),  # stem
        ("relu", 8, 32),
        ("conv", 8, 32),
        ("sum", 8, 32),  # the widths agree, so the cell adds its input
        ("pool", 8, 16),
        ("relu", 8, 16),
        ("conv", 16, 16),
        ("pool", 16, 8),
        ("relu", 16, 8),
        ("conv", 32, 8),
        ("relu", 32, 8),
        ("gap", 32, 1),
        ("linear", 10, 1),
    ]


def test_paper_has_two_convolutions_in_the_stem_and_a_head_of_1280():
    found = kinds(chain(preset="paper", width=5))
    assert found[:4] == [("image", 3, 32), ("conv", 5, 32), ("relu", 5, 32), ("conv", 5, 32)]
    assert found[-5:] == [
        ("relu", 20, 8),
        ("conv", 1280, 8),
        ("relu", 1280, 8),
        ("gap", 1280, 1),
        ("linear", 10, 1),
    ]
    assert lower(chain(preset="paper")).dropout == 0.2


def test_a_skip_across_stages_is_pooled_and_brought_to_the_width_of_the_last_source():
    layers = {layer.name: layer for layer in lower(chain(top=((0, 1), (0, 2), (1, 2)))).layers}
    match = layers["c2_in0_match"]
    assert (match.kernel, match.channels, match.px, match.stride) == (1, 16, 8, 1)
    assert layers["c2_in"].mean
    assert not layers["c2_in"].weighted


def test_paper_weighs_its_sums_and_averages_its_outputs():
    fork = Graph(nodes=3, edges=((0, 1), (0, 2)))
    cell = Cell(stage=0, graph=ONE, operators=(fork,))
    genotype = chain(preset="paper", top=((0, 1), (0, 2), (1, 2)))
    genotype = genotype.model_copy(update={"cells": (cell, *genotype.cells[1:])})
    layers = {layer.name: layer for layer in lower(genotype).layers}
    assert layers["c2_in"].weighted
    assert layers["c0n0_out"].mean
    assert not layers["c0n0_out"].weighted


@pytest.mark.parametrize(
    ("block", "convs"),
    [("conv", [(3, 1)]), ("separable", [(3, 8), (1, 1)]), ("inverted", [(1, 1), (3, 24), (1, 1)])],
)
def test_an_operator_is_its_block(block, convs):
    layers = [
        layer
        for layer in lower(chain(block=block)).layers
        if layer.name.startswith("c0n0o0") and layer.kind == "conv"
    ]
    assert [(layer.kernel, layer.groups) for layer in layers] == convs


@pytest.mark.parametrize(
    ("preset", "px", "stages"),
    [
        ("paper", 32, {32, 16, 8}),
        ("paper", 64, {16, 8, 4}),
        ("paper", 224, {56, 28, 14}),
        ("edge", 28, {28, 14, 7}),
        ("edge", 64, {32, 16, 8}),
        ("edge", 128, {32, 16, 8}),
    ],
)
def test_resolutions_follow_the_image(preset, px, stages):
    cells = {layer.px for layer in lower(chain(preset, px=px)).layers if layer.name.startswith("c")}
    assert cells - {1} == stages


def test_widths_of_edge_grow_in_fours_and_those_of_paper_double():
    assert stage_channels(chain(width=10, growth=1.5)) == (8, 16, 24)
    assert stage_channels(chain("paper", width=7)) == (7, 14, 28)


@pytest.mark.parametrize("preset", ["paper", "edge"])
@pytest.mark.parametrize("block", ["conv", "separable", "inverted"])
def test_no_convolution_is_strided_and_1x1_at_once(family, preset, block):
    # torch 2.14.1 corrupts memory there, see tests/models/test_network.py.
    for px in (32, 64, 128):
        drawn = draw_genotype(
            family(preset=preset, block=block, input_px=px),
            member_seed=1,
            image_channels=3,
            classes=10,
        )
        layers = lower(drawn.with_width(9)).layers
        assert not [la for la in layers if la.kind == "conv" and la.kernel == 1 and la.stride > 1]


def test_every_input_stands_before_its_reader(family):
    for seed in range(20):
        drawn = draw_genotype(family(top_nodes=6), member_seed=seed, image_channels=1, classes=5)
        for place, layer in enumerate(lower(drawn).layers):
            assert all(source < place for source in layer.inputs)

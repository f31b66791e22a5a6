"""The picture of a student."""

import xml.etree.ElementTree as ET

import pytest

from autokd.report.family_picture import count_operators, draw_family

SHAPES = [(3, 1, 1), (4, 2, 2), (7, 4, 5), (10, 10, 10)]


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own text


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_cell_node_operator_and_edge_is_drawn(shape, vertical, make_genotype) -> None:
    genotype = make_genotype(*shape)
    svg = parse(draw_family(genotype, vertical=vertical))
    cells, nodes, operators = count_operators(genotype)
    assert (cells, nodes, operators) == (
        shape[0],
        shape[0] * shape[1],
        shape[0] * shape[1] * shape[2],
    )
    by_class = {}
    for element in svg.iter():
        by_class.setdefault(element.get("class"), []).append(element)
    assert len(by_class["skin"]) == cells
    assert len(by_class["node"]) == nodes
    assert sum(e.get("d").count("h0") for e in by_class["dots"]) == operators
    edges = sum(len(cell.graph.edges) for cell in genotype.cells)
    assert sum(e.get("d").count("Q") for e in by_class["mid"]) == edges
    inner = sum(len(graph.edges) for cell in genotype.cells for graph in cell.operators)
    assert sum(e.get("d").count("Q") for e in by_class["low"]) == inner
    top = genotype.top
    ends = sum(not top.inputs_of(n) for n in range(top.nodes)) + len(top.outputs())
    assert by_class["flow"][0].get("d").count("C") == len(top.edges) + ends


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_disc_leaves_the_picture_and_it_fits_a_page(shape, vertical, make_genotype) -> None:
    svg = parse(draw_family(make_genotype(*shape), vertical=vertical))
    _, _, width, height = map(float, svg.get("viewBox").split())
    for circle in svg.iter("circle"):
        x, y, radius = (float(circle.get(key)) for key in ("cx", "cy", "r"))
        assert radius <= x <= width - radius
        assert radius <= y <= height - radius
    assert width <= (365 if vertical else 900)

"""Nested graphs: what is a graph of operators, and what is not."""

import pytest
from pydantic import ValidationError

from autokd.core.genotype import Cell, Genotype, Graph

POINT = Graph(nodes=1, edges=())
PAIR = Graph(nodes=2, edges=((0, 1),))


def genotype(width: int = 16) -> Genotype:
    cells = (
        Cell(stage=0, graph=POINT, operators=(PAIR,)),
        Cell(stage=2, graph=POINT, operators=(POINT,)),
    )
    return Genotype(
        preset="edge",
        block="conv",
        top=PAIR,
        cells=cells,
        growth=2,
        base_width=width,
        input_px=32,
        image_channels=1,
        classes=10,
    )


def test_inputs_and_outputs_are_the_ends_of_the_edges() -> None:
    graph = Graph(nodes=4, edges=((0, 3), (1, 3), (0, 2)))
    assert graph.inputs_of(3) == (0, 1)
    assert graph.inputs_of(0) == ()
    assert graph.outputs() == (2, 3)


def test_a_single_node_is_its_own_output() -> None:
    assert POINT.outputs() == (0,)


def test_connection_does_not_depend_on_the_order_of_edges() -> None:
    edges = ((2, 3), (1, 2), (0, 3))
    assert Graph(nodes=4, edges=edges).outputs() == (3,)


@pytest.mark.parametrize("edge", [(1, 0), (1, 1), (0, 2), (-1, 1)])
def test_an_edge_must_rise_inside_the_graph(edge: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match=r"must rise inside 0\.\.1"):
        Graph(nodes=2, edges=((0, 1), edge))


def test_a_graph_in_two_parts_is_refused() -> None:
    with pytest.raises(ValidationError, match="not connected: 2 of 4 nodes hang together"):
        Graph(nodes=4, edges=((0, 1), (2, 3)))


def test_a_node_without_its_graph_is_refused() -> None:
    with pytest.raises(ValidationError, match="2 nodes but 1 operator graphs"):
        Cell(stage=0, graph=PAIR, operators=(POINT,))
    with pytest.raises(ValidationError, match="1 top nodes but 2 cells"):
        Genotype.model_validate({**genotype().model_dump(), "top": POINT})


def test_another_width_keeps_the_wiring_and_changes_the_digest() -> None:
    wide = genotype().with_width(24)
    assert (wide.base_width, wide.cells) == (24, genotype().cells)
    assert wide.digest != genotype().digest


def test_equal_genotypes_have_one_digest_through_a_file() -> None:
    again = Genotype.model_validate_json(genotype().model_dump_json())
    assert again == genotype()
    assert again.digest == genotype().digest

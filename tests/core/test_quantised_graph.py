"""Where a graph is quantised."""

import pytest

from autokd.core.quantised_graph import GraphNode, quantised_points

CONSTANTS = {"w", "b", "half", "m"}


def node(kind: str, name: str, *inputs: str) -> GraphNode:
    return GraphNode(kind, name, inputs, name)


@pytest.fixture
def nodes() -> list[GraphNode]:
    """A convolution with a ReLU of its own, one that is read twice, a factor, and the head."""
    return [
        node("Conv", "first", "x", "w", "b"),
        node("Relu", "active", "first"),
        node("Conv", "second", "active", "w"),
        node("Relu", "again", "second"),
        node("Mul", "scaled", "second", "half"),
        node("Add", "sum", "again", "scaled"),
        node("GlobalAveragePool", "mean", "sum"),
        node("Flatten", "flat", "mean"),
        node("Gemm", "logits", "flat", "m", "b"),
    ]


def test_every_tensor_between_integer_nodes_is_stored_once(nodes) -> None:
    points = quantised_points(nodes, CONSTANTS)
    assert points.tensors == {"x", "active", "second", "again", "sum", "mean"}
    assert points.integer_nodes == {n.name for n in nodes} - {"scaled", "flat"}


def test_a_relu_that_alone_reads_a_convolution_is_the_end_of_its_integers(nodes) -> None:
    assert quantised_points(nodes, CONSTANTS).absorbed == {"active": "first"}
    points = quantised_points(nodes, CONSTANTS, symmetric=True)
    assert points.absorbed == {}
    assert "first" in points.tensors


def test_what_is_carried_belongs_to_the_integers_it_came_from(nodes) -> None:
    points = quantised_points(nodes, CONSTANTS)
    assert points.source_of == {"scaled": "second", "flat": "mean"}
    chain = [*nodes[:5], node("Mul", "twice", "scaled", "half"), *nodes[5:]]
    assert quantised_points(chain, CONSTANTS).source_of["twice"] == "second"


def test_logits_are_floats_unless_asked_for(nodes) -> None:
    assert "logits" in quantised_points(nodes, CONSTANTS, output=True).tensors


def test_a_node_that_is_left_out_reads_and_writes_floats_where_nobody_else_needs_integers(
    nodes,
) -> None:
    points = quantised_points(nodes, CONSTANTS, exclude={"second", "again"})
    assert "second" in points.tensors  # the sum reads it through the factor
    points = quantised_points(nodes, CONSTANTS, exclude={"first"})
    assert points.absorbed == {}
    assert "x" not in points.tensors
    assert "first" in points.tensors  # its ReLU computes with integers
    everything = {n.name for n in nodes}
    assert quantised_points(nodes, CONSTANTS, exclude=everything).tensors == set()

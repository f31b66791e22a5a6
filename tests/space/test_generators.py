"""The graphs, and the traps of the released code that concern them (NAGO, vega)."""

import networkx as nx
import pytest

from autokd.core.genotype import Graph
from autokd.space.generators import erdos_renyi, watts_strogatz


def is_connected(graph: Graph) -> bool:
    undirected = nx.Graph(graph.edges)
    undirected.add_nodes_from(range(graph.nodes))
    return bool(nx.is_connected(undirected))


@pytest.mark.parametrize("nodes", range(1, 11))
@pytest.mark.parametrize("edge", [0.0, 0.1, 0.5, 1.0])
def test_random_graphs_are_connected_at_any_probability(nodes, edge):
    # Trap 5: at p = 0.1 most draws are disconnected, and the released constructor throws.
    for seed in range(5):
        assert is_connected(erdos_renyi(nodes, edge, seed=seed))


def test_a_graph_without_edges_is_completed_by_the_fewest():
    assert len(erdos_renyi(7, 0.0, seed=1).edges) == 6


@pytest.mark.parametrize("nodes", range(1, 11))
@pytest.mark.parametrize("degree", [2, 4])
def test_small_worlds_are_connected_and_every_edge_rises(nodes, degree):
    for seed in range(5):
        graph = watts_strogatz(nodes, degree, 0.9, seed=seed)
        assert is_connected(graph)
        assert all(a < b for a, b in graph.edges)


def test_without_rewiring_a_small_world_is_a_ring():
    assert watts_strogatz(5, 2, 0.0, seed=3).edges == ((0, 1), (0, 4), (1, 2), (2, 3), (3, 4))


@pytest.mark.parametrize(("nodes", "used"), [(3, 2), (4, 2), (5, 4), (6, 4)], ids=str)
def test_a_degree_is_the_largest_even_one_that_the_nodes_allow(nodes, used):
    # Trap 4: networkx clips to N - 1 and halves, so that 2 and 3, 4 and 5 are one law.
    assert len(watts_strogatz(nodes, 4, 0.0, seed=0).edges) == nodes * used // 2


def test_seeds_give_graphs_of_their_own_and_the_same_again():
    # Trap 2: released code seeds every graph 0, 1, 2, ...
    graphs = {watts_strogatz(9, 4, 0.8, seed=seed).edges for seed in range(20)}
    assert len(graphs) > 15
    assert watts_strogatz(9, 4, 0.8, seed=7) == watts_strogatz(9, 4, 0.8, seed=7)


def test_the_mean_number_of_edges_is_that_of_the_law():
    edges = [len(erdos_renyi(10, 0.6, seed=seed).edges) for seed in range(300)]
    assert sum(edges) / 300 == pytest.approx(0.6 * 45, rel=0.03)

"""Random graphs as DAGs, each from a seed of its own.

Six traps of the code released with [NAGO] (arXiv:2004.01395) are avoided here and in
`autokd.space.wiring`: a seed for each graph instead of a constant or a counter; nodes indexed by
id; only even Watts-Strogatz degrees, since networkx uses ``degree // 2`` neighbours a side; and
graphs that are connected by construction instead of a failure.
"""

from itertools import pairwise

import networkx as nx

from autokd.core.genotype import Graph
from autokd.core.seeds import derive_seed

_TRIES = 30  # as the released code, which gives up after as many


def watts_strogatz(nodes: int, degree: int, rewire: float, *, seed: int) -> Graph:
    """Draw a connected small-world graph.

    A ring needs more nodes than neighbours: the degree used is the largest even number below
    ``nodes``, at most ``degree``. One or two nodes are a chain.
    """
    if nodes <= 2:
        return _chain(nodes)
    used = min(degree, (nodes - 1) // 2 * 2)
    return _draw(lambda s: nx.watts_strogatz_graph(nodes, used, rewire, seed=s), seed)


def erdos_renyi(nodes: int, edge: float, *, seed: int) -> Graph:
    """Draw a connected graph in which every edge is present with probability ``edge``.

    For small probabilities nearly no draw is connected (1 in 5 for ten nodes at 0.1); then the
    last draw is completed by the fewest edges that connect it, between random nodes of its parts.
    """
    if nodes == 1:
        return _chain(1)
    return _draw(lambda s: nx.gnp_random_graph(nodes, edge, seed=s), seed)


def _chain(nodes: int) -> Graph:
    return Graph(nodes=nodes, edges=tuple((n, n + 1) for n in range(nodes - 1)))


def _draw(sample, seed: int) -> Graph:  # type: ignore[no-untyped-def]  # networkx has no types
    for attempt in range(_TRIES):
        graph = sample(_seed32(seed, attempt))
        if nx.is_connected(graph):
            break
    else:
        _connect(graph, seed)
    edges = sorted((min(e), max(e)) for e in graph.edges)
    return Graph(nodes=graph.number_of_nodes(), edges=tuple(edges))


def _connect(graph, seed: int) -> None:  # type: ignore[no-untyped-def]  # networkx has no types
    parts = [sorted(part) for part in nx.connected_components(graph)]
    parts.sort()
    for number, (one, other) in enumerate(pairwise(parts)):
        pick = derive_seed(seed, "connect", number)
        graph.add_edge(one[pick % len(one)], other[pick // 1009 % len(other)])


def _seed32(seed: int, attempt: int) -> int:
    return derive_seed(seed, "draw", attempt) % 2**32

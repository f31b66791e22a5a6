import subprocess
import sys

import pytest

from autokd.core.genotype import Graph
from autokd.space.wiring import assign_stages, draw_genotype


def draw(family, seed):
    return draw_genotype(family, member_seed=seed, image_channels=3, classes=10)


def test_two_members_of_a_family_differ_and_one_is_the_same_again(family):
    # Trap 2: with a constant seed two samples of one generator are the same network.
    wide = family(top_nodes=7, mid_nodes=3, bottom_nodes=4, top_rewire=0.9)
    assert len({draw(wide, seed).digest for seed in range(10)}) == 10
    assert draw(wide, 3) == draw(wide, 3)


def test_cells_and_nodes_have_graphs_of_their_own(family):
    wide = family(top_nodes=8, mid_nodes=5, bottom_nodes=9, bottom_rewire=0.9)
    genotype = draw(wide, 0)
    assert len({cell.graph for cell in genotype.cells}) > 1
    assert len({graph for cell in genotype.cells for graph in cell.operators}) > 10


def test_a_member_does_not_depend_on_the_process_or_on_what_was_drawn_before(family):
    # The released class counter makes the n-th network depend on how many were built before.
    code = (
        "from autokd.core.family import FamilyParams\n"
        "from autokd.space.wiring import draw_genotype\n"
        f"family = FamilyParams.model_validate_json({family().model_dump_json()!r})\n"
        "print(draw_genotype(family, member_seed=5, image_channels=3, classes=10).digest)\n"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == draw(family(), 5).digest


@pytest.mark.parametrize(
    ("cells", "stages"),
    [
        (3, (0, 1, 2)),
        (4, (0, 0, 1, 2)),
        (5, (0, 0, 1, 1, 2)),
        (10, (0, 0, 0, 0, 1, 1, 1, 2, 2, 2)),
    ],
)
def test_with_a_third_each_stages_are_those_of_the_paper(cells, stages):
    # Trap 1: the released shares of 1.0 put every cell into the first stage.
    assert assign_stages(cells, 1 / 3) == stages


@pytest.mark.parametrize("share", [0.05, 0.2, 0.6, 0.95])
@pytest.mark.parametrize("cells", range(3, 11))
def test_no_stage_is_empty_and_none_goes_back(cells, share):
    stages = assign_stages(cells, share)
    assert set(stages) == {0, 1, 2}
    assert list(stages) == sorted(stages)


def test_outputs_are_found_by_id_not_by_order_of_edges():
    # Trap 3: the released code indexes by insertion order and averages the wrong nodes.
    graph = Graph(nodes=5, edges=((1, 4), (0, 1), (0, 2), (0, 3)))
    assert graph.outputs() == (2, 3, 4)
    assert graph.inputs_of(4) == (1,)


def test_a_graph_in_two_parts_is_refused():
    with pytest.raises(ValueError, match="not connected: 2 of 4 nodes"):
        Graph(nodes=4, edges=((0, 1), (2, 3)))


def test_an_edge_that_falls_is_refused():
    with pytest.raises(ValueError, match=r"edge \(2, 1\) must rise"):
        Graph(nodes=3, edges=((0, 1), (2, 1)))


def test_a_family_with_an_odd_degree_is_refused(family):
    # Trap 6: integers are rounded where a point is decoded; what is no law of its own is an error.
    with pytest.raises(ValueError, match="Input should be 2 or 4"):
        family(top_degree=3)

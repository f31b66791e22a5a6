"""Places in the picture of a student."""

import itertools
import math

import pytest

from autokd.report.family_layout import (
    CHANNEL,
    flow_places,
    node_radius,
    place_cells,
    ring_places,
    ring_radius,
)

SHAPES = [(3, 1, 1), (4, 2, 2), (7, 4, 5), (10, 10, 10)]


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_places_on_a_ring_are_as_far_apart_as_asked(count) -> None:
    places = ring_places(count, ring_radius(count, 7.0))
    gaps = [math.dist(a, b) for a, b in itertools.combinations(places, 2)]
    assert min(gaps) == pytest.approx(7.0)


def test_a_ring_of_one_is_its_middle() -> None:
    assert ring_places(1, ring_radius(1, 7.0)) == [pytest.approx((0, 0))]


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 10])
def test_later_nodes_of_a_cell_never_stand_further_left(count) -> None:
    xs = [x for x, _ in flow_places(count, 20.0)]
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(xs))
    assert len({(round(x, 6), round(y, 6)) for x, y in flow_places(count, 20.0)}) == count


@pytest.mark.parametrize("shape", SHAPES)
def test_no_two_cells_overlap_and_the_channel_is_free(shape, make_genotype) -> None:
    discs, spans = place_cells(make_genotype(*shape))
    for a, b in itertools.combinations(discs, 2):
        distance = math.hypot(a.along - b.along, a.across - b.across)
        assert distance >= a.radius + b.radius
    assert all(abs(d.across) - d.radius >= CHANNEL / 2 - 1e-9 for d in discs)
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(spans))


@pytest.mark.parametrize("shape", SHAPES)
def test_each_cell_stands_inside_its_stage(shape, make_genotype) -> None:
    genotype = make_genotype(*shape)
    discs, spans = place_cells(genotype)
    for cell, disc in zip(genotype.cells, discs, strict=True):
        start, end = spans[cell.stage]
        assert start <= disc.along - disc.radius
        assert disc.along + disc.radius <= end


def test_a_node_of_more_operators_is_larger(make_genotype) -> None:
    radii = [node_radius(make_genotype(3, 1, n).cells[0].operators[0]) for n in (1, 2, 3, 8)]
    assert radii == sorted(set(radii))

import numpy as np
import pytest

from autokd.space.coding import (
    decode_point,
    dimensions,
    encode_point,
    input_sizes,
    starting_points,
)


@pytest.mark.parametrize("preset", ["paper", "edge"])
def test_decoding_what_was_encoded_gives_the_same_parameters(preset):
    rng = np.random.default_rng(0)
    for _ in range(200):
        family, distill = decode_point(preset, 32, rng.random(len(dimensions(preset, 32))))
        again = decode_point(preset, 32, encode_point(preset, 32, family, distill))
        assert again[0].values() == pytest.approx(family.values())
        assert again[1].model_dump() == pytest.approx(distill.model_dump())


@pytest.mark.parametrize("preset", ["paper", "edge"])
def test_the_loss_is_that_of_the_space_at_every_point_and_has_no_coordinate(preset):
    point = np.full(len(dimensions(preset, 32)), 0.4)
    family, plain = decode_point(preset, 32, point)
    same, distill = decode_point(preset, 32, point, loss="dkd")
    assert (plain.loss, distill.loss, same) == ("kd", "dkd", family)
    assert plain.model_copy(update={"loss": "dkd"}) == distill
    encoded = (encode_point(preset, 32, family, given) for given in (plain, distill))
    assert np.array_equal(*encoded)


def test_the_paper_s_space_has_its_eight_numbers_and_two_of_distillation():
    assert [d.name for d in dimensions("paper", 32)] == [
        "top_nodes",
        "top_degree",
        "top_rewire",
        "mid_nodes",
        "mid_edge",
        "bottom_nodes",
        "bottom_degree",
        "bottom_rewire",
        "temperature",
        "alpha",
    ]


def test_cells_of_one_node_are_in_the_paper_s_space():
    # The released file starts at 3, although the best published generators have 1.
    family, _ = decode_point("paper", 32, np.zeros(10))
    assert family.mid_nodes == 1


@pytest.mark.parametrize("corner", [0.0, 1.0])
@pytest.mark.parametrize("preset", ["paper", "edge"])
def test_the_corners_of_the_cube_are_valid(preset, corner):
    decode_point(preset, 28, np.full(len(dimensions(preset, 28)), corner))


def test_every_value_of_an_integer_has_the_same_share_of_its_interval():
    top_nodes = dimensions("paper", 32)[0]
    values = [top_nodes.decode(u) for u in np.linspace(0, 1, 8001)[:-1]]
    assert set(np.unique(values, return_counts=True)[1]) == {1000}


@pytest.mark.parametrize(
    ("preset", "px", "sizes"),
    [
        ("paper", 32, (32,)),
        ("edge", 32, (16, 24, 32)),
        ("edge", 28, (12, 20, 28)),
        ("edge", 30, (12, 20, 28)),
        ("edge", 64, (32, 48, 64)),
        ("edge", 128, (64, 96, 128)),
        ("edge", 8, (12,)),
    ],
)
def test_sizes_are_multiples_of_the_stride(preset, px, sizes):
    assert input_sizes(preset, px) == sizes


def test_the_edge_space_starts_with_chains_of_residual_cells_at_each_size():
    points = starting_points("edge", 32)
    families = [decode_point("edge", 32, point)[0] for point in points]
    assert [family.input_px for family in families] == [32, 24, 16]
    for family in families:
        assert (family.mid_nodes, family.bottom_nodes, family.top_rewire) == (1, 2, 0.0)
        assert family.fill == 1.0


def test_the_paper_s_space_starts_from_nothing():
    assert starting_points("paper", 32) == ()

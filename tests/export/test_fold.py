import math

import numpy as np
import pytest

from autokd.errors import ExportError
from autokd.export.fold import fold_conv, plan_scales, read_weight, sum_factors
from autokd.space.program import Layer, ProgramBuilder


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_a_norm_after_a_convolution_becomes_its_gain_and_bias():
    layer = Layer("c", "conv", (0,), 1, 4, kernel=1, norm=True)
    weights = {
        "c.conv.weight": np.full((1, 1, 1, 1), 3.0),
        "c.norm.weight": np.array([4.0]),
        "c.norm.bias": np.array([5.0]),
        "c.norm.running_mean": np.array([6.0]),
        "c.norm.running_var": np.array([4.0 - 1e-5]),
    }
    kernel, bias = fold_conv(layer, 1, weights, input_scale=1, output_scale=1)
    assert kernel.item() == pytest.approx(3 * 4 / 2)
    assert bias.item() == pytest.approx(5 - 6 * 4 / 2)


def test_scales_go_into_the_kernel_and_only_that_of_the_output_into_the_bias():
    layer = Layer("c", "conv", (0,), 1, 4, bias=True)
    weights = {"c.conv.weight": np.full((1, 1, 1, 1), 3.0), "c.conv.bias": np.array([7.0])}
    kernel, bias = fold_conv(layer, 1, weights, input_scale=5, output_scale=2)
    assert kernel.item() == 3 * 5 / 2
    assert bias.item() == 7 / 2


def test_a_convolution_without_norm_and_bias_stays_without():
    layer = Layer("c", "conv", (0,), 1, 4)
    _, bias = fold_conv(layer, 1, {"c.conv.weight": np.ones((1, 1, 1, 1))}, input_scale=1,
                        output_scale=1)  # fmt: skip
    assert bias is None


def test_factors_of_a_sum_are_sigmoids_and_divided_by_their_number_for_a_mean():
    raw = {"s.weights": np.array([0.0, 2.0])}
    weighted = Layer("s", "sum", (0, 0), 1, 4, weighted=True)
    mean = Layer("s", "sum", (0, 0), 1, 4, weighted=True, mean=True)
    assert sum_factors(weighted, raw) == pytest.approx((0.5, sigmoid(2)))
    assert sum_factors(mean, raw) == pytest.approx((0.25, sigmoid(2) / 2))
    assert sum_factors(Layer("s", "sum", (0, 0), 1, 4), {}) == (1.0, 1.0)


def a_chain_of_sums(raw):
    b = ProgramBuilder(1, 8)
    x = b.relu("x", b.conv("a", 0, 4))
    y = b.conv("y", x, 4)
    first = b.sum("first", [x, y], weighted=True)
    second = b.sum("second", [b.relu("r", first), b.conv("z", first, 4)], weighted=True)
    b.classify(second, 2)
    return b.build(), {"first.weights": raw, "second.weights": raw[::-1]}


def test_no_factor_is_left_where_the_sums_make_no_cycle():
    program, weights = a_chain_of_sums(np.array([-1.0, 2.0]))
    scales = plan_scales(program, weights)
    assert set(scales.left.values()) == {(1.0, 1.0)}


def test_every_stored_sum_times_its_scale_is_the_true_sum():
    program, weights = a_chain_of_sums(np.array([-1.0, 2.0]))
    scales = plan_scales(program, weights)
    for place, left in scales.left.items():
        layer = program.layers[place]
        for source, rest, factor in zip(
            layer.inputs, left, sum_factors(layer, weights), strict=True
        ):
            assert rest * scales.of[place] == pytest.approx(factor * scales.of[source])


def test_the_image_is_never_scaled():
    b = ProgramBuilder(1, 8)
    s = b.sum("s", [b.relu("r", 0), b.conv("c", 0, 1)], weighted=True)
    b.classify(s, 2)
    scales = plan_scales(b.build(), {"s.weights": np.array([1.0, -2.0])})
    assert scales.of[0] == 1.0
    assert scales.left == {3: (1.0, 1.0)}


def test_a_tensor_added_to_itself_with_two_weights_keeps_one_factor():
    b = ProgramBuilder(1, 8)
    c = b.conv("c", 0, 4)
    b.classify(b.sum("s", [c, c], weighted=True), 2)
    scales = plan_scales(b.build(), {"s.weights": np.array([0.0, 3.0])})
    assert scales.left[2] == pytest.approx((1.0, sigmoid(3) / 0.5))


def test_a_vanishing_weight_is_left_as_a_factor_and_not_spread_as_a_scale():
    program, weights = a_chain_of_sums(np.array([-50.0, 2.0]))
    scales = plan_scales(program, weights)
    assert min(scales.of) >= 1e-6
    assert max(scales.of) <= 1e6
    assert min(min(left) for left in scales.left.values()) < 1e-10


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "c.weight is missing"),
        (np.ones(3), r"c.weight has shape \(3,\), the program asks for \(2,\)"),
        (np.array([1.0, np.nan]), "c.weight has 1 of 2 numbers that are not finite"),
    ],
)
def test_a_weight_that_does_not_fit_is_named(value, words):
    weights = {} if value is None else {"c.weight": value}
    with pytest.raises(ExportError, match=words):
        read_weight(weights, "c.weight", (2,))

"""Ranges of activations."""

import numpy as np
import pytest

from autokd.export.calibrate import BINS, Histogram, choose_ranges, observe
from autokd.export.graph import read_graph
from autokd.export.onnx import build_model


@pytest.fixture
def graph(make_case, nano):
    case = make_case(images=40)
    model = build_model(
        case.program, case.weights, target=nano, mean=case.mean, std=case.std,
        class_names=(), metadata={},
    )  # fmt: skip
    return case, read_graph(model)


def histogram_of(values):
    low, high = float(np.min(values)), float(np.max(values))
    return Histogram(low, high, np.histogram(values, bins=BINS, range=(low, high))[0])


def choose(graph, histogram, method):
    return choose_ranges(graph, {"t": histogram}, method)["t"]


def test_ends_are_those_of_all_images_and_batches(graph):
    case, read = graph
    observed = observe(read, case.images)
    assert set(observed) == {node.output for node in read.nodes}
    logits = observed["logits"]
    assert (logits.low, logits.high) == pytest.approx(
        (case.reference.min(), case.reference.max()), rel=1e-4
    )
    assert logits.counts.sum() == case.reference.size
    assert observed["active"].low == 0


def test_the_image_has_the_range_of_its_bytes_whatever_is_on_it(graph):
    case, read = graph
    dark = observe(read, case.images[:4] // 8)
    low, high = choose_ranges(read, dark, "minmax")["image.normalised"]
    mean, std = np.array(case.mean), np.array(case.std)
    assert (low, high) == pytest.approx(((-mean / std).min(), ((1 - mean) / std).max()), rel=1e-6)


def test_minmax_keeps_both_ends_and_zero(graph):
    _, read = graph
    assert choose(read, histogram_of(np.array([-3.0, 1.0, 9.0])), "minmax") == (-3.0, 9.0)
    assert choose(read, histogram_of(np.array([2.0, 9.0])), "minmax") == (0.0, 9.0)
    assert choose(read, Histogram(0.0, 0.0, np.eye(1, BINS)[0]), "minmax") == (0.0, 0.0)


def test_percentile_leaves_out_a_few_far_values(graph):
    _, read = graph
    values = np.concatenate([np.linspace(-1, 1, 100_000), [50.0, -50.0]])
    low, high = choose(read, histogram_of(values), "percentile")
    width = 100 / BINS
    assert -1 - width <= low <= -1 + width
    assert 1 - width <= high <= 1 + width


def test_entropy_draws_in_a_long_tail_and_leaves_a_flat_shape(graph):
    _, read = graph
    rng = np.random.default_rng(0)
    assert choose(read, histogram_of(rng.uniform(0, 1, 200_000)), "entropy")[1] > 0.95
    tailed = rng.exponential(1, 400_000) ** 2
    low, high = choose(read, histogram_of(tailed), "entropy")
    assert low == 0.0
    assert np.percentile(tailed, 99) < high < 0.5 * tailed.max()
    spiked = np.concatenate([rng.normal(0, 1, 400_000), [30.0, -30.0]])
    low, high = choose(read, histogram_of(spiked), "entropy")
    assert low == pytest.approx(-high)
    assert 3 < high < 10

"""Operators of cells of NAS-Bench-201 by hand."""

from collections import Counter

import numpy as np
import pytest

from autokd.errors import DataError
from tools.latency.nasbench import cell_costs, computed_on, read_latencies

NONE, SKIP, CONV1, CONV3, POOL = range(5)
# Edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.
SKIP_ONLY = [NONE, NONE, NONE, SKIP, NONE, NONE]


def kinds(cell, computed="on-paths"):
    return Counter(cost.kind for cost in cell_costs(np.array(cell), computed=computed))


def test_a_cell_that_only_passes_on_leaves_stem_reductions_and_head():
    # Stem and two in each reduction; the skips of the reductions; pooling, skip and addition of
    # both, then the last activation and the mean.
    assert kinds(SKIP_ONLY) == {"conv": 5, "pointwise": 2, "elementwise": 2 + 2 + 2, "linear": 1}


def test_a_convolution_comes_with_its_activation_in_all_15_cells():
    one = kinds([NONE, NONE, NONE, CONV3, NONE, NONE])
    assert one["conv"] == 5 + 15
    assert one["elementwise"] == 6 + 15


def test_what_no_output_depends_on_is_not_computed():
    dead_end = [CONV3, NONE, CONV3, SKIP, NONE, NONE]  # 0-1-2, and nothing leaves 2
    unreached = [NONE, NONE, CONV3, SKIP, CONV3, SKIP]  # 1 has no input
    assert kinds(dead_end) == kinds(unreached) == kinds(SKIP_ONLY)


def test_a_graph_that_is_not_folded_computes_what_has_no_input():
    unreached = [NONE, NONE, CONV3, SKIP, CONV3, SKIP]
    assert kinds(unreached, "to-output")["conv"] == 5 + 2 * 15
    dead_end = [CONV3, NONE, CONV3, SKIP, NONE, NONE]
    assert kinds(dead_end, "to-output") == kinds(SKIP_ONLY)


def test_a_measurement_of_everything_multiplies_by_zero_and_adds():
    everything = kinds(SKIP_ONLY, "all")
    assert everything["elementwise"] == 6 + 15 * (5 + 0 + 1 + 2)


def test_devices_are_measured_as_their_source_does():
    assert computed_on("raspi4") == "to-output"
    assert computed_on("h360_pi5_onnx_cifar100") == "on-paths"
    assert computed_on("gold_6240") == "all"


def test_a_node_of_three_inputs_is_added_up_twice():
    full = kinds([SKIP, SKIP, SKIP, SKIP, SKIP, SKIP])
    assert full["elementwise"] == 6 + 15 * (0 + 1 + 2)


def test_multiply_accumulates_of_a_network_by_hand():
    costs = cell_costs(np.array(SKIP_ONLY), computed="on-paths", classes=10)
    stem = 3 * 9 * 16 * 32**2
    first = (9 * 16 * 32 + 9 * 32 * 32 + 16 * 32) * 16**2
    second = (9 * 32 * 64 + 9 * 64 * 64 + 32 * 64) * 8**2
    assert sum(cost.macs for cost in costs) == stem + first + second + 640


def test_a_folder_without_the_table_is_said(tmp_path):
    with pytest.raises(DataError, match=r"nb201\.npz: there is no such file"):
        read_latencies(tmp_path)

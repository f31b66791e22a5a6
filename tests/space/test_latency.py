"""The prediction against its formula, written out by hand."""

import math
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from autokd.core.cost import LayerCost
from autokd.core.device import load_profile
from autokd.core.sourced import Sourced
from autokd.errors import ProfileError
from autokd.space.latency import (
    COEFFICIENTS,
    Machine,
    coefficients_of,
    gather_operators,
    latency_model,
    predict_latency_ms,
    predict_ms,
)
from autokd.space.operators import layer_costs

MACHINE = Machine(
    macs_per_second=1e9, bytes_per_second=1e9, cache_bytes=1e5, channel_block=16, overlap_lost=0.5
)
# conv, pointwise, depthwise, linear, bandwidth, cache_speedup, edge_px, per_node_us, per_run_us
COEFFS = np.array([0.5, 0.25, 0.125, 0.5, 0.5, 4.0, 1.0, 10.0, 100.0])


def milliseconds(*costs, machine=MACHINE, coefficients=COEFFS):
    return predict_ms(gather_operators([costs], machine), coefficients, machine)[0]


def test_a_convolution_by_hand():
    # 20 channels are filled up to 32, in two blocks, which hides two thirds of what the ends of a
    # row of 9 px cost, and one more px that no group of six takes.
    cost = LayerCost("conv", 3600 * 81, 6480, 6480, 14400, in_channels=20, out_channels=20, px=9)
    macs = 3600 * 81 * 1.6**2 * (1 + (2 + 1) / 9 / 3)
    arithmetic = macs / (1e9 * 0.5)
    traffic = (6480 * 1.6 * 2 + 14400 * 1.6**2) / 4.0 / (1e9 * 0.5)
    assert arithmetic > traffic
    expected = arithmetic + 0.5 * traffic + 10e-6 + 100e-6
    assert milliseconds(cost) == pytest.approx(1e3 * expected)


def test_the_first_convolution_reads_three_channels_as_they_are():
    # Each is added to outputs that are read and written again: two accesses to nine taps, at the
    # rate of a depthwise convolution; 32 px are two ends and five groups of six.
    cost = LayerCost("conv", 432 * 1024, 12288, 65536, 0, in_channels=3, out_channels=16, px=32)
    arithmetic = 432 * 1024 * (11 / 9) * (1 + 2 / 32) / (1e9 * 0.125)
    traffic = (12288 + 65536) / 4.0 / (1e9 * 0.5)
    expected = arithmetic + 0.5 * traffic + 110e-6
    assert milliseconds(cost) == pytest.approx(1e3 * expected)


def test_without_blocks_only_the_ends_of_a_row_are_computed_apart():
    machine = replace(MACHINE, channel_block=1, overlap_lost=0.0)
    cost = LayerCost("depthwise", 10**6, 0, 0, 0, in_channels=20, out_channels=20, px=10)
    expected = 1e6 * (1 + 2 / 10) / (1e9 * 0.125) + 110e-6
    assert milliseconds(cost, machine=machine) == pytest.approx(1e3 * expected)


def test_bytes_of_more_than_the_cache_come_from_the_memory():
    inside = LayerCost("elementwise", 0, 50_000, 50_000, in_channels=16, out_channels=16)
    outside = LayerCost("elementwise", 0, 100_000, 100_000, in_channels=16, out_channels=16)
    fixed = 0.11
    assert milliseconds(inside) == pytest.approx(fixed + 1e5 / 4 / 0.5e9 * 1e3)
    assert milliseconds(outside) == pytest.approx(fixed + 2e5 / 0.5e9 * 1e3)


def test_weights_of_a_graph_that_do_not_fit_the_cache_are_read_from_memory_each_time():
    small = LayerCost("linear", 1, 4, 4, 40_000, 16, 16)
    alone = milliseconds(small)
    many = milliseconds(*[small] * 10)
    assert many - 0.1 > 3.9 * 10 * (alone - 0.11)


def test_a_layout_is_changed_before_narrow_convolutions_and_around_ragged_pooling():
    def calls(kind, before, after, block=16):
        machine = replace(MACHINE, channel_block=block)
        return gather_operators([[LayerCost(kind, 1, 4, 4, 0, before, after)]], machine).calls[0]

    assert calls("pointwise", 12, 32) == calls("conv", 8, 32) == 2
    assert calls("conv", 3, 32) == calls("conv", 16, 20) == calls("depthwise", 8, 8) == 1
    assert (calls("pool", 24, 24), calls("pool", 32, 32)) == (3, 1)
    assert calls("pointwise", 12, 32, block=1) == calls("pool", 24, 24, block=1) == 1


def test_operators_and_calls_cost_what_they_cost():
    tiny = LayerCost("elementwise", 0, 0, 0)
    assert milliseconds(tiny) == pytest.approx(0.11)
    assert milliseconds(*[tiny] * 5) == pytest.approx(0.15)


def test_a_machine_without_blocks_cache_and_lost_overlap_is_a_roofline():
    plain = Machine(1e9, 1e9, 1.0, 1, overlap_lost=0.0)
    ones = np.array([1.0] * 6 + [0.0] * 3)
    slow = LayerCost("pointwise", 1_000_000, 1000, 1000, 1000, 20, 20, 8)
    wide = LayerCost("depthwise", 1000, 500_000, 500_000, 0, 20, 20, 8)
    found = milliseconds(slow, wide, machine=plain, coefficients=ones)
    assert found == pytest.approx(1.0 + 1.0)


def test_several_graphs_are_summed_apart():
    tiny = LayerCost("elementwise", 0, 0, 0)
    operators = gather_operators([[tiny], [tiny] * 3], MACHINE)
    assert predict_ms(operators, COEFFS, MACHINE) == pytest.approx([0.11, 0.13])


def test_a_profile_gives_what_its_coefficients_say(space, members):
    profile = load_profile("raspberry-pi-4b")
    model = latency_model(profile)
    assert coefficients_of(model)[COEFFICIENTS.index("bandwidth")] == model.bandwidth.value
    drawn_from = space(max_params=50_000)
    (member,) = members(drawn_from, 1)
    costs = layer_costs(drawn_from.program(member))
    machine = Machine(
        profile.cpu.peak_macs_per_second,
        profile.memory.bandwidth_gb_per_s.value * 1e9,
        model.cache_kib.value * 1024,
        int(model.channel_block.value),
        overlap_lost=model.overlap_lost.value,
    )
    expected = milliseconds(*costs, machine=machine, coefficients=coefficients_of(model))
    assert predict_latency_ms(costs, profile) == pytest.approx(expected)


def test_a_precision_without_a_speed_is_refused_in_words():
    profile = load_profile("jetson-nano")
    assert "fp16" not in profile.required_runtime().latency
    with pytest.raises(ProfileError, match=r"jetson-nano: runtimes\..*has no fp16, only fp32"):
        predict_latency_ms([LayerCost("linear", 1, 1, 1)], profile, precision="fp16")


def test_int8_moves_a_quarter_of_the_bytes():
    profile = load_profile("raspberry-pi-4b")
    runtime = profile.required_runtime()
    model = latency_model(profile).model_copy(
        update={
            name: Sourced(value=1e-9, source="estimate: nothing but traffic")
            for name in ("per_node_us", "per_run_us")
        }
    )
    both = runtime.model_copy(update={"latency": {"fp32": model, "int8": model}})
    moved = [LayerCost("elementwise", 0, 10**8, 10**8)]
    times = {
        p: predict_latency_ms(moved, profile, precision=p, runtime=both) for p in ("fp32", "int8")
    }
    assert times["int8"] == pytest.approx(times["fp32"] / 4, rel=1e-3)


def test_wider_is_never_faster(space, members):
    """The width solver climbs step by step, and would stop at a dip."""
    drawn_from = space(max_params=400_000)
    for member in members(drawn_from, 3):
        widths = range(8, 64)
        programs = [drawn_from.program(member.model_copy(update={"base_width": w})) for w in widths]
        times = [predict_latency_ms(layer_costs(p), drawn_from.profile) for p in programs]
        assert all(b >= a * (1 - 1e-9) for a, b in pairwise(times))


def test_a_hundred_layers_take_well_under_a_millisecond(space, members):
    drawn_from = space(max_params=400_000)
    programs = [drawn_from.program(member) for member in members(drawn_from, 20)]
    program = min(programs, key=lambda one: abs(len(one.layers) - 100))
    best = math.inf
    for _ in range(30):
        started = time.perf_counter()
        predict_latency_ms(layer_costs(program), drawn_from.profile)
        best = min(best, time.perf_counter() - started)
    assert best < 1e-3

import pytest
import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.export.onnx import build_model
from autokd.models.network import StudentNetwork, build_student
from autokd.space.cost import cost_on
from autokd.space.counts import (
    count_macs,
    count_params,
    onnx_size_bytes,
    peak_activation_bytes,
)
from autokd.space.program import ProgramBuilder


def small_program():
    """Image 3x8x8, conv 3x3 to 4, relu, depthwise 3x3, sum of both, pool to 4, classify in 5."""
    build = ProgramBuilder(3, 8)
    stem = build.conv("stem", 0, 4)
    relu = build.relu("relu", stem)
    deep = build.conv("deep", relu, 4, depthwise=True)
    total = build.sum("sum", [deep, relu])
    build.classify(build.pool("pool", total, 4), 5)
    return build.build()


def test_counts_of_a_small_program_by_hand():
    program = small_program()
    assert count_params(program) == (3 * 9 * 4 + 8) + (9 * 4 + 8) + (4 * 5 + 5)
    assert count_macs(program) == (3 * 9 * 4 + 9 * 4) * 64 + 4 * 5


def test_peak_activations_of_a_small_program_by_hand():
    # The image (768 bytes) and the stem (1,024) live together; later the relu's buffer, which
    # is the stem's, and the depthwise output: 2,048. The sum is written into the latter.
    assert peak_activation_bytes(small_program()) == 2048


@pytest.mark.parametrize(("preset", "number"), [("edge", 160), ("paper", 40)])
def test_parameters_equal_those_of_torch_on_200_random_members(
    space, members, preset, number, monkeypatch
):
    for kind in (nn.Conv2d, nn.Linear):  # weights need not be drawn to be counted
        monkeypatch.setattr(kind, "reset_parameters", lambda module: None)
    drawn_from = space(preset, max_params=400_000)
    for member in members(drawn_from, number):
        program = drawn_from.program(member)
        network = StudentNetwork(program)
        assert count_params(program) == sum(p.numel() for p in network.parameters())
        assert member.cost.params == count_params(program)


@pytest.mark.parametrize("preset", ["edge", "paper"])
def test_macs_equal_those_of_fvcore(space, members, preset):
    drawn_from = space(preset, max_params=400_000, max_latency_ms=20.0)
    for member in members(drawn_from, 4):
        program = drawn_from.program(member)
        image = torch.zeros(1, program.image_channels, program.input_px, program.input_px)
        analysis = FlopCountAnalysis(build_student(program, seed=0).eval(), image)
        analysis.unsupported_ops_warnings(enabled=False)
        analysis.uncalled_modules_warnings(enabled=False)
        by_operator = analysis.by_operator()
        assert count_macs(program) == by_operator["conv"] + by_operator["linear"]


@pytest.mark.parametrize("preset", ["edge", "paper"])
def test_the_file_has_the_predicted_size_within_3_percent(space, members, preset):
    target = load_profile("jetson-nano").export
    for max_params in (20_000, 150_000):
        drawn_from = space(preset, max_params=max_params * (10 if preset == "paper" else 1))
        for member in members(drawn_from, 10 if preset == "edge" else 4):
            program = drawn_from.program(member)
            state = build_student(program, seed=0).state_dict()
            model = build_model(
                program,
                {name: value.numpy() for name, value in state.items()},
                target=target,
                mean=(0.5,) * 3,
                std=(0.25,) * 3,
                class_names=tuple(f"class {n}" for n in range(10)),
                metadata={"device": "jetson-nano"},
            )
            found = len(model.SerializeToString())
            predicted = onnx_size_bytes(program, label_bytes=drawn_from.label_bytes)
            assert predicted == pytest.approx(found, rel=0.03)


def test_a_limit_on_latency_is_held_by_the_upper_end_of_the_estimate():
    cost = cost_on(small_program(), load_profile("raspberry-pi-4b"))
    assert cost.latency_low_ms < cost.latency_ms < cost.latency_high_ms
    limits = Limits(max_latency_ms=cost.latency_ms)
    assert limits.violations(cost)["max_latency_ms"] > 0


def test_memory_is_runtime_weights_and_activations():
    profile = load_profile("raspberry-pi-4b")
    cost = cost_on(small_program(), profile)
    folded = (3 * 9 * 4 + 4) + (9 * 4 + 4) + (4 * 5 + 5)
    expected = (
        profile.required_runtime().base_memory_mib.value * 2**20
        + profile.required_runtime().weight_memory_factor.value * 4 * folded
        + 2048
    )
    assert cost.memory_bytes == pytest.approx(expected, abs=2)
    assert cost.runtime_bytes == int(profile.required_runtime().base_memory_mib.value * 2**20)

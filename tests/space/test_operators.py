"""What a runtime executes, by hand and as onnxruntime's own optimised graph has it."""

from collections import Counter

import onnx
import onnxruntime
import pytest

from autokd.core.device import load_profile
from autokd.export.onnx import build_model
from autokd.models.network import build_student
from autokd.space.operators import layer_costs
from autokd.space.program import ProgramBuilder


def kinds(program):
    return [cost.kind for cost in layer_costs(program)]


def test_a_relu_is_joined_with_the_convolution_before_it_unless_that_is_read_twice():
    build = ProgramBuilder(3, 8)
    stem = build.conv("stem", 0, 4)
    relu = build.relu("relu", stem)
    build.classify(build.conv("deep", relu, 4, depthwise=True), 5)
    joined = ["conv", "depthwise", "pool", "elementwise", "linear"]
    assert kinds(build.build())[3:] == joined  # behind cast, multiply and add of the image

    build = ProgramBuilder(3, 8)
    stem = build.conv("stem", 0, 4)
    relu = build.relu("relu", stem)
    build.classify(build.sum("sum", [relu, stem]), 5)
    assert kinds(build.build())[3:6] == ["conv", "elementwise", "elementwise"]


def test_what_is_asked_for_twice_is_computed_once():
    build = ProgramBuilder(3, 8)
    stem = build.conv("stem", 0, 4)
    ends = [
        build.conv(f"end{n}", build.relu(f"relu{n}", build.pool(f"pool{n}", stem, 4)), 4)
        for n in range(2)
    ]
    build.classify(build.sum("sum", ends), 5)
    assert kinds(build.build())[3:] == [
        *("conv", "pool", "elementwise", "conv", "conv"),
        *("pool", "elementwise", "linear"),
    ]


def test_an_addition_is_joined_with_one_convolution_that_then_reads_what_is_added():
    build = ProgramBuilder(3, 8)
    stem = build.relu("relu", build.conv("stem", 0, 4))
    left, right = build.conv("left", stem, 4), build.conv("right", stem, 4, kernel=1)
    total = build.sum("sum", [left, right, stem])
    build.classify(build.relu("end", total), 5)
    costs = layer_costs(build.build())[3:]
    # left + right is computed by one of the two; the third input is added by itself.
    assert [c.kind for c in costs[:5]] == [
        "conv",
        "conv",
        "pointwise",
        "elementwise",
        "elementwise",
    ]
    read = 4 * 4 * 64
    assert sorted((costs[1].read_bytes, costs[2].read_bytes)) == [read, 2 * read]


def test_numbers_of_one_convolution_by_hand():
    build = ProgramBuilder(3, 8)
    build.classify(build.conv("stem", 0, 20, stride=2), 5)
    stem = layer_costs(build.build())[3]
    assert stem.macs == 3 * 9 * 20 * 16
    assert (stem.read_bytes, stem.written_bytes) == (4 * 3 * 64, 4 * 20 * 16)
    assert stem.weight_bytes == 4 * (3 * 9 * 20 + 20)
    assert (stem.in_channels, stem.out_channels, stem.px) == (3, 20, 4)


@pytest.mark.parametrize("seed", range(6))
def test_the_operators_are_those_of_the_graph_that_onnxruntime_runs(space, members, seed, tmp_path):
    drawn_from = space(max_params=80_000)
    (member,) = members(drawn_from, 1, seed=seed)
    program = drawn_from.program(member)
    state = build_student(program, seed=0).state_dict()
    model = build_model(
        program,
        {name: value.numpy() for name, value in state.items()},
        target=load_profile("raspberry-pi-4b").export,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        class_names=(),
        metadata={},
    )
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    ran = Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)

    counted = Counter(cost.kind for cost in layer_costs(program))
    convolutions = counted["conv"] + counted["pointwise"] + counted["depthwise"]
    assert ran["Conv"] + ran["FusedConv"] == convolutions
    assert ran["Gemm"] == counted["linear"] == 1
    assert ran["AveragePool"] + ran["GlobalAveragePool"] == counted["pool"]
    passes = ran["Cast"] + ran["Mul"] + ran["Add"] + ran["Relu"] + ran["Flatten"]
    # Now and then a factor is left before a sum, or an addition of two layouts is not joined.
    assert passes - 2 <= counted["elementwise"] <= passes

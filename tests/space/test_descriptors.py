import math

import pytest

from autokd.space.counts import count_macs, count_params, peak_activation_bytes
from autokd.space.descriptors import NAMES, describe
from autokd.space.program import Program, ProgramBuilder


@pytest.fixture
def program() -> Program:
    """A stem at 8 px, then a branch of two convolutions beside none, at 4 px."""
    builder = ProgramBuilder(image_channels=3, input_px=8)
    stem = builder.conv("stem", 0, 4)
    down = builder.pool("down", stem, 4)
    first = builder.conv("first", down, 6)
    second = builder.conv("second", first, 4, depthwise=False)
    builder.classify(builder.sum("sum", [second, down]), 5)
    return builder.build()


def test_the_numbers_of_a_small_program_by_hand(program: Program) -> None:
    found = dict(zip(NAMES, describe(program, "conv"), strict=True))
    stem, first, second = 9 * 3 * 4 * 64, 9 * 4 * 6 * 16, 9 * 6 * 4 * 16
    total = stem + first + second
    assert found == pytest.approx(
        {
            "log_params": math.log(count_params(program)),
            "log_macs": math.log(count_macs(program)),
            "log_activations": math.log(peak_activation_bytes(program)),
            "log_convs": math.log(3),
            "log_longest_path": math.log(3),
            "log_shortest_path": 0.0,
            "mean_sum_inputs": 2.0,
            "share_of_macs_early": stem / total,
            "share_of_macs_late": (first + second) / total,
            "log_channels_first": math.log(4),
            "log_channels_last": math.log(4),
            "log_input_px": math.log(8),
            "is_conv": 1.0,
            "is_separable": 0.0,
            "is_inverted": 0.0,
        }
    )


@pytest.mark.parametrize("block", ["conv", "separable", "inverted"])
def test_exactly_the_block_is_marked(program: Program, block: str) -> None:
    found = dict(zip(NAMES, describe(program, block), strict=True))
    marked = [name for name in NAMES if name.startswith("is_") and found[name]]
    assert marked == [f"is_{block}"]


def test_a_program_without_sums_has_one_input_a_layer() -> None:
    builder = ProgramBuilder(image_channels=1, input_px=4)
    builder.classify(builder.conv("conv", 0, 2), 2)
    assert describe(builder.build(), "conv")[NAMES.index("mean_sum_inputs")] == 1.0

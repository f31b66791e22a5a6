"""Images are smaller before the decay, and every student runs on them."""

import pytest
import torch

from autokd.models.network import build_student
from autokd.space.baselines import mobilenet_v2, resnet
from autokd.space.phases import (
    DECAY_FRACTION,
    EARLY_SIDE,
    REUSED_TIME,
    early_px,
    mean_of_phases,
    mean_pixels,
)
from autokd.space.program import ProgramBuilder


def make_program(px, *strides):
    build = ProgramBuilder(3, px)
    place = build.conv("stem", 0, 4)
    for number, stride in enumerate(strides):
        place = build.conv(f"conv{number}", place, 4, stride=stride)
    build.classify(place, 5)
    return build.build()


@pytest.mark.parametrize(
    ("px", "strides", "early"),
    [
        (32, (2, 2), 20),  # 20.8, in steps of 4
        (24, (2, 2), 16),
        (16, (2, 2), 12),
        (96, (2, 2, 2, 2), 64),
        (8, (2, 2), 8),  # the last stage keeps two pixels a side
        (8, (), 5),
        (1, (), 1),
    ],
)
def test_the_early_side_is_one_that_all_stages_divide(px, strides, early):
    program = make_program(px, *strides)
    assert early_px(program) == early
    share = DECAY_FRACTION + (1 - DECAY_FRACTION) * (early / px) ** 2
    assert mean_pixels(program) == pytest.approx(share)


@pytest.mark.parametrize("px", [16, 28, 32, 64, 96])
@pytest.mark.parametrize("preset", ["edge", "paper"])
def test_every_student_learns_at_its_early_side(space, members, preset, px):
    drawn_from = space(preset, px=px, max_params=200_000)
    for member in members(drawn_from, 6):
        program = drawn_from.program(member)
        side = early_px(program)
        assert program.input_px / 2 < side <= program.input_px
        network = build_student(program, seed=0).eval()
        with torch.inference_mode():
            assert network(torch.zeros(2, 3, side, side)).shape == (2, 10)


def test_hand_designed_students_do_as_well():
    for program in (
        resnet(16, depth=20, image_channels=3, input_px=32, classes=10),
        mobilenet_v2(16, image_channels=3, input_px=32, classes=10),
    ):
        side = early_px(program)
        network = build_student(program, seed=0).eval()
        with torch.inference_mode():
            assert network(torch.zeros(2, 3, side, side)).shape == (2, 10)


def test_what_a_promoted_student_keeps_is_the_time_before_the_decay():
    early = mean_of_phases(EARLY_SIDE**2, 0.0)
    assert pytest.approx(early / mean_of_phases(EARLY_SIDE**2, 1.0)) == REUSED_TIME


def test_the_mean_weighs_phases_by_their_steps():
    assert mean_of_phases(1.0, 1.0) == pytest.approx(1.0)
    assert mean_of_phases(1.0, 2.0) == pytest.approx(1.3)

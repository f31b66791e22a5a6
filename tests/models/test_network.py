import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional

from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.models.network import StudentNetwork, build_student
from autokd.space.baselines import mobilenet_v2, resnet
from autokd.space.lowering import lower
from autokd.space.program import ProgramBuilder
from autokd.space.students import StudentSpace
from autokd.space.wiring import draw_genotype


def test_a_small_program_computes_what_its_layers_say():
    build = ProgramBuilder(3, 8)
    stem = build.conv("stem", 0, 4, stride=2)
    side = build.conv("side", stem, 4, kernel=1, bias=True, norm=False)
    total = build.sum("sum", [stem, side], weighted=True)
    pooled = build.pool("pool", build.relu("relu", total), 2)
    build.classify(pooled, 5)
    network = build_student(build.build(), seed=0).eval()
    weights = network.state_dict()
    weights["stem.norm.running_mean"].uniform_(-1, 1)
    image = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    x = functional.conv2d(image, weights["stem.conv.weight"], stride=2, padding=1)
    x = functional.batch_norm(
        x,
        weights["stem.norm.running_mean"],
        weights["stem.norm.running_var"],
        weights["stem.norm.weight"],
        weights["stem.norm.bias"],
    )
    y = functional.conv2d(x, weights["side.conv.weight"], weights["side.conv.bias"])
    first, second = torch.sigmoid(weights["sum.weights"])
    x = functional.avg_pool2d(functional.relu(first * x + second * y), 2).mean(dim=(2, 3))
    expected = functional.linear(x, weights["classifier.weight"], weights["classifier.bias"])

    torch.testing.assert_close(network(image), expected)


def test_a_mean_of_three_divides_by_three():
    build = ProgramBuilder(1, 4)
    convs = [build.conv(f"conv{n}", 0, 2, norm=False) for n in range(3)]
    build.classify(build.sum("mean", convs, mean=True), 2)
    network = build_student(build.build(), seed=1)
    image = torch.ones(1, 1, 4, 4)
    each = [
        functional.conv2d(image, network.get_parameter(f"conv{n}.conv.weight"), padding=1)
        for n in range(3)
    ]
    expected = network.get_submodule("classifier")(sum(each).mean(dim=(2, 3)) / 3)
    torch.testing.assert_close(network(image), expected)


def test_weights_depend_on_the_seed_alone_and_leave_the_global_stream():
    program = resnet(8, depth=8, image_channels=3, input_px=16, classes=4)
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = build_student(program, seed=5).state_dict()
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(2)
    second = build_student(program, seed=5).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    third = build_student(program, seed=6).state_dict()
    assert not torch.equal(first["stem.conv.weight"], third["stem.conv.weight"])


def test_dropout_is_for_training_only():
    build = ProgramBuilder(1, 4)
    build.classify(build.conv("conv", 0, 64), 3)
    network = StudentNetwork(build.build(dropout=0.5)).eval()
    image = torch.ones(2, 1, 4, 4)
    torch.testing.assert_close(network(image), network(image))
    network.train()
    assert not torch.equal(network(image), network(image))


@pytest.mark.parametrize("preset", ["paper", "edge"])
def test_no_convolution_of_a_drawn_student_is_1x1_and_strided(preset):
    space = StudentSpace(
        preset=preset,
        profile=load_profile("raspberry-pi-zero-2w"),
        limits=Limits(),
        image_px=32,
        image_channels=3,
        class_names=tuple("abcdefghij"),
    )
    generator = np.random.default_rng(0)
    kernels, pooled = set(), False
    for number in range(60):
        family, _ = space.decode(generator.random(space.dimension))
        drawn = draw_genotype(family, member_seed=number, image_channels=3, classes=10)
        layers = lower(drawn.with_width(8)).layers
        kernels |= {(layer.kernel, layer.stride) for layer in layers if layer.kind == "conv"}
        pooled |= any(layer.kind == "pool" for layer in layers)
    assert (1, 1) in kernels
    assert pooled  # where others stride
    assert not [pair for pair in kernels if pair[0] == 1 and pair[1] > 1]


@pytest.mark.parametrize("design", [partial(resnet, depth=14), mobilenet_v2])
def test_no_convolution_of_a_hand_designed_student_is_1x1_and_strided(design):
    program = design(12, image_channels=3, input_px=32, classes=10)
    strided = [layer for layer in program.layers if layer.kind == "conv" and layer.stride > 1]
    assert strided
    assert all(layer.kernel == 3 for layer in strided)


def test_no_student_meets_the_strided_1x1_fault_of_torch():
    """torch 2.14.1 corrupts memory when a strided 1x1 convolution with fewer than 16 channels
    trains in channels_last with two threads. Such a crash ends the process, so this is one.
    """
    code = """
import torch
torch.set_num_threads(2)
from autokd.core.family import FamilyParams
from autokd.models.network import build_student
from autokd.space.baselines import mobilenet_v2, resnet
from autokd.space.lowering import lower
from autokd.space.wiring import draw_genotype
programs = [
    resnet(8, depth=8, image_channels=3, input_px=16, classes=10),
    mobilenet_v2(8, image_channels=3, input_px=16, classes=10),
]
for preset, block in (
    ("paper", "conv"), ("edge", "conv"), ("edge", "separable"), ("edge", "inverted")
):
    family = FamilyParams(preset=preset, top_nodes=3, top_degree=2, top_rewire=0.5,
        mid_nodes=1, mid_edge=0.5, bottom_nodes=2, bottom_degree=2, bottom_rewire=0.5,
        block=block, growth=1.5, input_px=16)
    drawn = draw_genotype(family, member_seed=0, image_channels=3, classes=10)
    programs.append(lower(drawn.with_width(8)))
for program in programs:
    net = build_student(program, seed=0).to(memory_format=torch.channels_last)
    for _ in range(20):
        x = torch.randn(32, 3, 16, 16).to(memory_format=torch.channels_last)
        loss = net(x).square().mean()
        net.zero_grad(); loss.backward()
        with torch.no_grad():  # torch.optim would import its compiler, which takes seconds
            for weight in net.parameters():
                weight -= 0.01 * weight.grad
print("trained")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},  # on busy processors spinning takes long
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "trained"), done.stderr[-500:]

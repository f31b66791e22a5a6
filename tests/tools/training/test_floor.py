from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autokd.space.program import Program
from tests.tools.training.made_up import Clock, expected_loss, make_task
from tools.training.engine import BareTraining, ScoredTraining
from tools.training.floor import BareConvolutions, memory_format_of, profile_steps, time_in_turn
from tools.training.stopwatch import WARMUP_STEPS
from tools.training.students import FAMILIES, build_program

Kernel = tuple[Any, ...]


def kernels_seen(modules: nn.Module, run_once: Callable[[], object]) -> list[Kernel]:
    """Tell of every convolution that runs: shapes, format, whether its input gets a gradient."""
    seen: list[Kernel] = []

    def look(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        (x,) = inputs
        last = [t.is_contiguous(memory_format=torch.channels_last) for t in (x, module.weight)]
        sizes = tuple(x.shape), tuple(module.weight.shape), tuple(output.shape)
        shape = (*sizes, module.stride, module.padding, module.groups, module.bias is not None)
        seen.append((*shape, *last, x.requires_grad))

    hooks = [m.register_forward_hook(look) for m in modules.modules() if isinstance(m, nn.Conv2d)]
    run_once()
    for hook in hooks:
        hook.remove()
    return seen


def convolutions_of(program: Program, batch: int) -> list[tuple[tuple[int, ...], ...]]:
    """Give shapes of input, weight and output, from the program alone."""
    found = []
    for layer in program.layers:
        if layer.kind == "conv":
            source = program.layers[layer.inputs[0]]
            given = (batch, source.channels, source.px, source.px)
            weight = (layer.channels, source.channels // layer.groups, layer.kernel, layer.kernel)
            found.append((given, weight, (batch, layer.channels, layer.px, layer.px)))
    return found


def backward_convolutions(run_once: Callable[[], object]) -> int:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        run_once()
    counts = {event.key: event.count for event in profiler.key_averages()}
    return counts.get("aten::convolution_backward", 0)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_floor_runs_the_convolutions_of_the_engine(name: str, tmp_path: Path) -> None:
    task = make_task(tmp_path, px=8, images=60)
    program, _ = build_program(name, input_px=8, image_channels=3, classes=3)
    bare = BareTraining(program, task.data, task.distill, seed=0)
    floor = BareConvolutions(program, batch_images=54, memory_format=memory_format_of(bare.network))
    in_engine = kernels_seen(bare.network, bare.advance)
    in_floor = kernels_seen(floor.convolutions, floor.run)
    assert in_floor == in_engine
    assert [kernel[:3] for kernel in in_floor] == convolutions_of(program, 54)
    assert backward_convolutions(floor.run) == backward_convolutions(bare.advance) == len(in_floor)


def test_the_format_of_a_network_is_told() -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Conv2d(8, 8, 1))
    assert memory_format_of(network) == torch.contiguous_format
    network.to(memory_format=torch.channels_last)
    assert memory_format_of(network) == torch.channels_last


def test_a_bare_step_computes_the_loss_and_moves_nothing(
    tmp_path: Path, losses: list[float]
) -> None:
    task = make_task(tmp_path, px=4, images=60)
    bare = BareTraining(task.program, task.data, task.distill, seed=0)
    before = [p.detach().clone() for p in bare.network.parameters()]
    bare.advance()
    bare.advance()
    assert losses == [pytest.approx(expected_loss(task), rel=2e-6)] * 2
    after = list(bare.network.parameters())
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert all(p.grad is not None for p in after)


def test_two_functions_take_turns_until_the_window_is_full() -> None:
    clock, calls = Clock(), []

    def call(name: str, seconds: float) -> None:
        calls.append(name)
        clock.spend(seconds)

    seconds = time_in_turn(
        lambda: call("engine", 3), lambda: call("floor", 2), window_seconds=6, clock=clock
    )
    assert seconds == ((3, 3), (2, 2))
    assert calls == ["engine", "floor"] * (WARMUP_STEPS + 2)


def test_the_profile_names_the_operators_of_whole_steps(tmp_path: Path) -> None:
    task = make_task(tmp_path, px=8, images=60)
    training = ScoredTraining(task.program, task.data, task.distill, images=10**6, seed=0)
    table = profile_steps(training)
    assert "aten::convolution_backward" in table
    assert "SGD.step" in table

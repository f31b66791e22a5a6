"""How near a step of the engine comes to the time of its convolutions, and where the rest goes."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from autokd.distill.trainer import Training
from autokd.space.program import Program
from tools.training.stopwatch import WARMUP_STEPS

PROFILED_STEPS = 10
_PROFILE_ROWS = 25


class BareConvolutions:
    """The convolutions of a program and nothing else: no norms, no sums, no loss.

    Each has an input of its own, as in the student, so that none finds its input in a cache because
    another one left it there. Gradients are computed for what the student needs them for: weights,
    and all inputs but the image.

    Attributes:
        convolutions: In execution order.
    """

    def __init__(
        self, program: Program, *, batch_images: int, memory_format: torch.memory_format
    ) -> None:
        self.convolutions = nn.ModuleList()
        self._inputs: list[Tensor] = []
        self._gradients: list[Tensor] = []
        learnt = _behind_weights(program)
        for layer in program.layers:
            if layer.kind != "conv":
                continue
            source = program.layers[layer.inputs[0]]
            convolution = nn.Conv2d(
                source.channels,
                layer.channels,
                layer.kernel,
                stride=layer.stride,
                padding=layer.kernel // 2,
                groups=layer.groups,
                bias=layer.bias,
            )
            shapes = (
                (batch_images, source.channels, source.px, source.px),
                (batch_images, layer.channels, layer.px, layer.px),
            )
            given, gradient = (torch.randn(s).to(memory_format=memory_format) for s in shapes)
            self.convolutions.append(convolution.to(memory_format=memory_format))
            self._inputs.append(given.requires_grad_(layer.inputs[0] in learnt))
            self._gradients.append(gradient)

    def run(self) -> None:
        """Run all forward, then all backward."""
        outputs = [c(x) for c, x in zip(self.convolutions, self._inputs, strict=True)]
        parts = zip(self.convolutions, self._inputs, outputs, self._gradients, strict=True)
        for convolution, given, output, gradient in reversed(list(parts)):
            wanted = [t for t in (given, *convolution.parameters()) if t.requires_grad]
            torch.autograd.grad(output, wanted, gradient)


def memory_format_of(network: nn.Module) -> torch.memory_format:
    """Tell the format in which a network holds its convolutions."""
    kernels = [parameter for parameter in network.parameters() if parameter.ndim == 4]
    last = all(k.is_contiguous(memory_format=torch.channels_last) for k in kernels)
    return torch.channels_last if last else torch.contiguous_format


def time_in_turn(
    first: Callable[[], None],
    second: Callable[[], None],
    *,
    window_seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give the seconds of each call of two functions, called in turn until the window is full."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(WARMUP_STEPS):
        first()
        second()
    while sum(seconds[0]) + sum(seconds[1]) < window_seconds:
        for lasted, run in zip(seconds, (first, second), strict=True):
            begin = clock()
            run()
            lasted.append(clock() - begin)
    return tuple(seconds[0]), tuple(seconds[1])


def profile_steps(training: Training) -> str:
    """Give the operators of some whole steps, the longest first, as a table of text."""
    for _ in range(WARMUP_STEPS):
        training.advance()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        for _ in range(PROFILED_STEPS):
            training.advance()
    averages = profiler.key_averages()
    return str(averages.table(sort_by="self_cpu_time_total", row_limit=_PROFILE_ROWS))


def _behind_weights(program: Program) -> set[int]:
    """Give the places whose value depends on a weight."""
    found: set[int] = set()
    for place, layer in enumerate(program.layers):
        if layer.kind == "conv" or any(source in found for source in layer.inputs):
            found.add(place)
    return found

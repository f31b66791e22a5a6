"""A program of layers as a torch module.

The module keeps to the names of `autokd.space.program`, so that export finds every weight. A
convolution is never strided and 1x1 at once, which torch 2.14.1 trains wrongly in channels_last
with fewer than 16 channels; `autokd.space.lowering` pools instead.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from autokd.space.program import Layer, Program


class ConvNorm(nn.Module):
    """A padded convolution, then BatchNorm where the layer has one."""

    def __init__(self, layer: Layer, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            layer.channels,
            layer.kernel,
            stride=layer.stride,
            padding=layer.kernel // 2,
            groups=layer.groups,
            bias=layer.bias,
        )
        self.norm = nn.BatchNorm2d(layer.channels) if layer.norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, in_channels, s, s) to (n, channels, s / stride, s / stride)."""
        return self.norm(self.conv(x))  # type: ignore[no-any-return]


class WeightedSum(nn.Module):
    """A sum of inputs, each times the sigmoid of a learnt number, as in arXiv:2004.01395."""

    def __init__(self, inputs: int, *, weighted: bool, mean: bool) -> None:
        super().__init__()
        # 1.0 before the sigmoid, 0.731 after it, as in the code released with the paper.
        self.weights = nn.Parameter(torch.ones(inputs)) if weighted else None
        self.scale = 1.0 / inputs if mean else 1.0

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Sum tensors of one shape."""
        if self.weights is not None:
            factors = torch.sigmoid(self.weights)
            inputs = [x * w for x, w in zip(inputs, factors.unbind(), strict=True)]
        total = inputs[0] + inputs[1]
        for x in inputs[2:]:
            total = total + x
        return total if self.scale == 1.0 else total * self.scale


class StudentNetwork(nn.Module):
    """The student that a program describes.

    Attributes:
        program: What it was built from.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self._last_readers = program.last_readers()
        for layer in program.layers:
            module = _build_module(layer, program)
            if module is not None:
                self.add_module(layer.name, module)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, px, px), normalised, to logits (n, classes)."""
        values: list[Tensor | None] = [images]
        for place, layer in enumerate(self.program.layers[1:], start=1):
            inputs = [value for source in layer.inputs if (value := values[source]) is not None]
            values.append(self._run_layer(layer, inputs))
            for source in layer.inputs:  # free what nothing reads any more
                if self._last_readers[source] == place:
                    values[source] = None
        logits = values[-1]
        assert logits is not None  # noqa: S101 - the last layer is read by nobody
        return logits

    def _run_layer(self, layer: Layer, inputs: list[Tensor]) -> Tensor:
        x = inputs[0]
        match layer.kind:
            case "relu":
                return F.relu(x)
            case "sum":
                return self.get_submodule(layer.name)(inputs)  # type: ignore[no-any-return]
            case "pool":
                return F.avg_pool2d(x, layer.stride)
            case "gap":
                return x.mean(dim=(2, 3))
            case "linear":
                x = F.dropout(x, self.program.dropout, training=self.training)
        return self.get_submodule(layer.name)(x)  # type: ignore[no-any-return]


def build_student(program: Program, *, seed: int) -> StudentNetwork:
    """Build a student with weights that depend on ``seed`` alone.

    Convolutions are Kaiming-normal over the fan out, as [NAGO]; the classifier is uniform as
    torch's own default. The global generator is left as it was.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        network = StudentNetwork(program)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.Linear):
                bound = 1.0 / math.sqrt(module.in_features)
                module.weight.uniform_(-bound, bound, generator=generator)
                module.bias.zero_()
    return network


def _build_module(layer: Layer, program: Program) -> nn.Module | None:
    """Give the module that holds the layer's weights, None for a layer without any."""
    if layer.kind == "conv":
        return ConvNorm(layer, program.layers[layer.inputs[0]].channels)
    if layer.kind == "sum":
        return WeightedSum(len(layer.inputs), weighted=layer.weighted, mean=layer.mean)
    if layer.kind == "linear":
        return nn.Linear(program.layers[layer.inputs[0]].channels, layer.channels)
    return None

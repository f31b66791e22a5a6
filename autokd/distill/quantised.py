"""Quantisation-aware fine-tuning: a student learns with the integers that it will compute with.

The graph is that of the exported file, norms folded in, and is quantised by the same rules
(`autokd.core.quantised_graph`) to the same integers. Rounding passes its gradient straight through
[Bengio2013, arXiv:1308.3432], and the ends of the ranges of activations are learnt by what they cut
off [PACT, arXiv:1805.06085]. Each number is learnt relative to its first size, as the scales of the
channels of a depthwise convolution may lie far apart.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from numpy.typing import NDArray
from torch import Tensor, nn

from autokd.core.precision import Int8Form
from autokd.core.quantised_graph import WEIGHTED_KINDS, GraphNode, quantised_points
from autokd.core.trial import DistillParams
from autokd.distill.batches import BatchSource, TrainingData
from autokd.distill.losses import distillation_loss
from autokd.errors import TrainingError

# Of a number's first size, a step of Adam at most; decays to zero. Trained weights need little.
RATE = 2e-3
MAX_GRADIENT_NORM = 5.0


@dataclass(frozen=True, slots=True)
class QuantisedTraining:
    """What fine-tuning gave.

    Attributes:
        constants: Weights and biases by the names of the graph's constants.
        ranges: Of activations, by name.
        steps: That were done.
    """

    constants: dict[str, NDArray[np.float32]]
    ranges: dict[str, tuple[float, float]]
    steps: int


class QuantisedStudent(nn.Module):
    """An exported graph in torch that rounds as its INT8 file does."""

    def __init__(
        self,
        nodes: Sequence[GraphNode],
        constants: Mapping[str, NDArray[np.float32]],
        ranges: Mapping[str, tuple[float, float]],
        *,
        form: Int8Form,
    ) -> None:
        super().__init__()
        self._nodes = tuple(nodes)
        self._form = form
        self._points = quantised_points(nodes, constants, symmetric=form.symmetric)
        self._image = nodes[0].inputs[0]
        self._learnt = nn.ParameterDict()
        self._sizes: dict[str, Tensor] = {}
        self._factors: dict[str, float] = {}
        for node in nodes:
            if node.kind in WEIGHTED_KINDS:
                for name in node.inputs[1:]:
                    self._add(name, torch.from_numpy(np.array(constants[name])))
            elif node.kind == "Mul":
                self._factors[node.inputs[1]] = float(constants[node.inputs[1]])
        self._ranges = dict(ranges)
        for name in sorted(self._points.tensors - {self._image}):
            ends = torch.tensor(ranges[name], dtype=torch.float32)
            self._add(_range_key(name), ends, size=(ends[1] - ends[0]).clamp(min=1e-6))

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (n, channels, px, px) to logits (n, classes)."""
        values = {self._image: self._rounded(self._image, images)}
        for node in self._nodes:
            made = self._compute(node, [values[n] for n in node.inputs if n in values])
            if node.output in self._points.tensors:
                made = self._rounded(node.output, made)
            values[node.output] = made
        return values[self._nodes[-1].output]

    def constants(self) -> dict[str, NDArray[np.float32]]:
        """Give weights and biases as they are learnt, not rounded."""
        names = [k for k in self._sizes if not k.startswith(_RANGE)]
        return {name: self._value(name).detach().numpy().copy() for name in names}

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Give the ranges of activations, those that are not learnt included."""
        found = dict(self._ranges)
        for name in self._points.tensors - {self._image}:
            low, high = self._ends(name)
            found[name] = (float(low.detach()), float(high.detach()))
        return found

    def _compute(self, node: GraphNode, inputs: list[Tensor]) -> Tensor:
        x = inputs[0]
        match node.kind:
            case "Conv":
                made = self._convolve(node, x)
            case "Gemm":
                made = F.linear(x, *self._weights(node))
            case "Relu":
                made = F.relu(x)
            case "Add":
                made = x + inputs[1]
            case "Mul":
                made = x * self._factors[node.inputs[1]]
            case "AveragePool":
                made = F.avg_pool2d(x, node.number("kernel_shape"))
            case "GlobalAveragePool":
                made = x.mean(dim=(2, 3), keepdim=True)
            case _:
                assert node.kind == "Flatten", node.kind  # noqa: S101 - a student has no others
                made = x.flatten(1)
        return made

    def _convolve(self, node: GraphNode, x: Tensor) -> Tensor:
        weight, bias = self._weights(node)
        return F.conv2d(
            x,
            weight,
            bias,
            stride=node.number("strides"),
            padding=node.number("pads"),
            groups=node.number("group"),
        )

    def _weights(self, node: GraphNode) -> tuple[Tensor, Tensor | None]:
        weight = self._value(node.inputs[1])
        limit = self._form.weight_limit
        largest = weight.detach().flatten(1).abs().amax(dim=1)
        if not self._form.per_channel:
            largest = largest.max().expand_as(largest)
        scale = (largest / limit).clamp(min=1e-30).view(-1, *[1] * (weight.ndim - 1))
        bias = self._value(node.inputs[2]) if len(node.inputs) > 2 else None
        return _straight_through(weight, torch.round(weight / scale) * scale), bias

    def _rounded(self, name: str, x: Tensor) -> Tensor:
        low, high = self._ends(name)
        smallest, largest = self._form.activation_span
        if self._form.symmetric:
            scale, zero = torch.maximum(-low, high) / largest, torch.zeros(())
        else:
            scale = (high - low) / (largest - smallest)
            zero = torch.round(smallest - low / scale).clamp(smallest, largest).detach()
        x = torch.minimum(torch.maximum(x, (smallest - zero) * scale), (largest - zero) * scale)
        return _straight_through(x, torch.round(x / scale) * scale)

    def _ends(self, name: str) -> tuple[Tensor, Tensor]:
        if name == self._image:
            ends = torch.tensor(self._ranges[name])
            return ends[0], ends[1]
        low, high = self._value(_range_key(name)).unbind()
        return low.clamp(max=0.0), high.clamp(min=1e-6)

    def _add(self, name: str, value: Tensor, *, size: Tensor | None = None) -> None:
        if size is None:
            size = value.abs()
            if value.ndim > 1:
                size = size.flatten(1).amax(dim=1).view(-1, *[1] * (value.ndim - 1))
            size = size.clamp(min=1e-3 * float(size.max()) + 1e-12)
        self._sizes[name] = size
        self._learnt[_key(name)] = nn.Parameter(value / size)

    def _value(self, name: str) -> Tensor:
        return self._learnt[_key(name)] * self._sizes[name]  # type: ignore[no-any-return]


def train_quantised(  # noqa: PLR0913 - what a training depends on
    student: QuantisedStudent,
    data: TrainingData,
    distill: DistillParams,
    *,
    px: int,
    channels: int,
    steps: int,
    most_seconds: float,
    seed: int,
) -> QuantisedTraining:
    """Fine-tune a quantised student on batches with the cached teacher logits.

    Args:
        student: From the weights of a trained one; it is changed.
        data: Images and teacher logits.
        distill: How it is taught, as it was trained.
        px: Side that the student sees.
        channels: That it sees.
        steps: To do at most.
        most_seconds: To take at most; the rate falls to zero by then.
        seed: Of the order of images.

    Raises:
        TrainingError: A loss is not finite.
    """
    taught = distill.alpha > 0 or bool((data.train.labels < 0).any())
    batches = BatchSource(data, px=px, channels=channels, seed=seed, taught=taught)
    optimizer = torch.optim.Adam(student.parameters(), lr=RATE)
    began, step = time.monotonic(), 0
    while step < steps and time.monotonic() - began < most_seconds:
        batch = batches.batch(step)
        logits = student(batch.images)
        loss = distillation_loss(logits, batch.teacher_logits, batch.labels, distill)
        if not math.isfinite(loss.item()):
            msg = f"the loss is {loss.item()} in step {step} of training with integers."
            raise TrainingError(msg)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), MAX_GRADIENT_NORM, foreach=True)
        done = max(step / steps, (time.monotonic() - began) / most_seconds)
        optimizer.param_groups[0]["lr"] = RATE * max(0.0, 1 - done)
        optimizer.step()
        step += 1
    return QuantisedTraining(student.constants(), student.ranges(), step)


_RANGE = "range of "


def _range_key(name: str) -> str:
    return _RANGE + name


def _key(name: str) -> str:
    """Give a name without dots, which a module's parameters may not have."""
    return name.replace(".", "/")


def _straight_through(x: Tensor, rounded: Tensor) -> Tensor:
    """Give ``rounded`` with the gradient of ``x``."""
    return x + (rounded - x).detach()

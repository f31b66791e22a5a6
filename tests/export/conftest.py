from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from autokd.core.device import ExportTarget
from autokd.space.program import Program, ProgramBuilder


def make_program(channels: int = 3, px: int = 8) -> Program:
    """Every kind of layer; tensors read by one sum, by two, and by none; with and without norm."""
    b = ProgramBuilder(channels, px)
    stem = b.conv("stem", 0, 8)
    active = b.relu("active", stem)
    plain = b.conv("plain", active, 8, bias=True, norm=False)
    bare = b.conv("bare", active, 8, kernel=1, norm=False)
    deep = b.conv("deep", active, 8, kernel=5, depthwise=True)
    both = b.sum("both", [plain, bare, deep, stem], weighted=True, mean=True)
    relu = b.relu("relu", both)
    pooled = b.pool("pooled", relu, px // 2)
    strided = b.conv("strided", relu, 8, stride=2)
    other = b.sum("other", [pooled, strided], weighted=True)
    again = b.sum("again", [other, pooled, strided], weighted=True)
    last = b.sum("last", [again, strided], mean=True)
    b.classify(last, 5)
    return b.build(dropout=0.2)


def make_weights(program: Program, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights with the keys and shapes of the program's docstring."""
    rng = np.random.default_rng(seed)
    weights = {}
    for layer in program.layers:
        before = program.layers[layer.inputs[0]].channels if layer.inputs else 0
        n, name = layer.channels, layer.name
        if layer.kind == "conv":
            shape = (n, before // layer.groups, layer.kernel, layer.kernel)
            fan_in = np.prod(shape[1:])
            weights[f"{name}.conv.weight"] = rng.normal(0, (2 / fan_in) ** 0.5, shape)
            if layer.bias:
                weights[f"{name}.conv.bias"] = rng.normal(0, 0.3, n)
            if layer.norm:
                weights[f"{name}.norm.weight"] = rng.uniform(0.5, 1.5, n)
                weights[f"{name}.norm.bias"] = rng.normal(0, 0.3, n)
                weights[f"{name}.norm.running_mean"] = rng.normal(0, 0.3, n)
                weights[f"{name}.norm.running_var"] = rng.uniform(0.5, 2, n)
        elif layer.kind == "sum" and layer.weighted:
            weights[f"{name}.weights"] = rng.normal(0, 1.5, len(layer.inputs))
        elif layer.kind == "linear":
            weights[f"{name}.weight"] = rng.normal(0, before**-0.5, (n, before))
            weights[f"{name}.bias"] = rng.normal(0, 0.3, n)
    return {key: value.astype(np.float32) for key, value in weights.items()}


def run_student(program, weights, images, mean, std) -> np.ndarray:
    """Logits of the torch student on uint8 images (n, h, w, c)."""
    import torch

    from autokd.models.network import StudentNetwork

    network = StudentNetwork(program).eval()
    state = {key: torch.from_numpy(value) for key, value in weights.items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(key.endswith("num_batches_tracked") for key in missing)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    shape = (1, -1, 1, 1)
    x = (x - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    with torch.no_grad():
        return network(x).numpy()


class Case(NamedTuple):
    """A student with random weights, images, and the logits of torch on them."""

    program: Program
    weights: dict[str, np.ndarray]
    images: np.ndarray
    mean: tuple[float, ...]
    std: tuple[float, ...]
    reference: np.ndarray


@pytest.fixture
def make_case() -> Callable[..., Case]:
    def make(program: Program | None = None, *, channels: int = 3, images: int = 12) -> Case:
        program = program or make_program(channels)
        weights = make_weights(program)
        px, channels = program.input_px, program.image_channels
        rng = np.random.default_rng(1)
        pixels = rng.integers(0, 256, (images, px, px, channels), dtype=np.uint8)
        mean, std = (0.3, 0.5, 0.4)[:channels], (0.2, 0.25, 0.3)[:channels]
        reference = run_student(program, weights, pixels, mean, std)
        return Case(program, weights, pixels, mean, std, reference)

    return make


@pytest.fixture
def nano() -> ExportTarget:
    return ExportTarget(opset=13, ir=7, input="uint8", reason="TensorRT 8.2 stops at opset 13")

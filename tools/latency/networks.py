"""The operators of torchvision's networks, as the latency prediction counts them."""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torchvision.models as zoo
from torch import fx, nn

from autokd.core.cost import LayerCost

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "SqueezeNet1.1": zoo.squeezenet1_1,
    "MobileNetV2": zoo.mobilenet_v2,
    "MobileNetV3-Large": zoo.mobilenet_v3_large,
    "ShuffleNetV2": zoo.shufflenet_v2_x1_0,
    "MnasNet": zoo.mnasnet1_0,
    "EfficientNet-B0": zoo.efficientnet_b0,
    "RegNetY-400M": zoo.regnet_y_400mf,
    "GoogLeNet": lambda **given: zoo.googlenet(init_weights=False, aux_logits=False, **given),
    "ResNet-18": zoo.resnet18,
    "ResNet-50": zoo.resnet50,
}
_PX = {"SqueezeNet1.1": 227}
_BYTES = 4
_ADDS = {"add", "mul", "cat", "adaptive_avg_pool2d"}
_FREE = (nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.Dropout, nn.Identity)


@functools.cache
def network_costs(name: str) -> list[LayerCost]:
    """List the operators of a network of ``NETWORKS`` on an image of 224 px (SqueezeNet: 227)."""
    network = NETWORKS[name](weights=None).eval().to("meta")  # shapes are all that is needed
    counter = _Counter(fx.symbolic_trace(network))
    side = _PX.get(name, 224)
    counter.run(torch.empty(1, 3, side, side, device="meta"))
    return counter.costs


class _Counter(fx.Interpreter):
    """Walks a network and notes each operator; what a runtime fuses or aliases costs nothing."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.costs: list[LayerCost] = []

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = super().call_module(target, args, kwargs)
        module = self.fetch_attr(target)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            self.costs.append(_weighted(module, args[0], out))
        elif not isinstance(module, _FREE):
            self._pass_over(args[0].numel(), out)
        return out

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = super().call_function(target, args, kwargs)
        if target.__name__ in _ADDS:
            flat = [x for a in args for x in (a if isinstance(a, (list, tuple)) else [a])]
            self._pass_over(sum(x.numel() for x in flat if isinstance(x, torch.Tensor)), out)
        return out

    def call_method(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = super().call_method(target, args, kwargs)
        if target in {"contiguous", "mean"}:
            self._pass_over(args[0].numel(), out)
        return out

    def _pass_over(self, read: int, out: torch.Tensor) -> None:
        channels = out.shape[1]
        self.costs.append(
            LayerCost(
                "elementwise",
                0,
                _BYTES * read,
                _BYTES * out.numel(),
                in_channels=channels,
                out_channels=channels,
                px=_side(out),
            )
        )


def _weighted(module: nn.Conv2d | nn.Linear, x: torch.Tensor, out: torch.Tensor) -> LayerCost:
    taps = module.weight[0].numel()
    return LayerCost(
        _class_of(module),
        out.numel() * taps,
        _BYTES * x.numel(),
        _BYTES * out.numel(),
        _BYTES * module.weight.numel(),
        x.shape[1],
        out.shape[1],
        _side(out),
    )


def _class_of(module: nn.Conv2d | nn.Linear) -> str:
    if isinstance(module, nn.Linear):
        return "linear"
    if module.groups == module.in_channels > 1:
        return "depthwise"
    return "pointwise" if module.kernel_size == (1, 1) else "conv"


def _side(out: torch.Tensor) -> int:
    return int(out.shape[-1]) if out.ndim == 4 else 1

"""How long a program takes on a device: a roofline for each operator that the runtime executes."""

from autokd.core.cost import LayerCost
from autokd.core.device import DeviceProfile
from autokd.core.latency import LatencyModel
from autokd.space.counts import FLOAT_BYTES, folded_numbers, layer_macs
from autokd.space.program import Layer, Program


def layer_costs(program: Program) -> list[LayerCost]:
    """List what the runtime executes, one entry an operator."""
    readers = [0] * len(program.layers)
    for layer in program.layers:
        for source in layer.inputs:
            readers[source] += 1
    return [
        LayerCost(_operator_class(layer), layer_macs(program, layer), _moved_bytes(program, layer))
        for layer in program.layers
        if layer.kind != "image" and not _is_fused_relu(program, layer, readers)
    ]


def predict_latency_ms(costs: list[LayerCost], profile: DeviceProfile) -> float:
    """Predict the median latency of one image by a roofline for each operator.

    An operator takes the longer of computing at its class's share of the peak and of moving its
    bytes, plus a constant (Williams et al. 2009, with an efficiency for each class of operator).
    """
    model: LatencyModel = profile.latency
    efficiency = {
        "conv": model.conv.value,
        "pointwise": model.pointwise.value,
        "depthwise": model.depthwise.value,
        "linear": model.linear.value,
    }
    peak = profile.cpu.peak_macs_per_second
    bandwidth = profile.memory.bandwidth_gb_per_s.value * 1e9 * model.bandwidth.value
    seconds = 0.0
    for cost in costs:
        compute = cost.macs / (peak * efficiency[cost.kind]) if cost.macs else 0.0
        seconds += max(compute, cost.moved_bytes / bandwidth) + model.per_node_us.value * 1e-6
    return seconds * 1e3


def _moved_bytes(program: Program, layer: Layer) -> int:
    read = sum(program.layers[s].channels * program.layers[s].px ** 2 for s in layer.inputs)
    return FLOAT_BYTES * (read + layer.channels * layer.px**2 + folded_numbers(program, layer))


def _operator_class(layer: Layer) -> str:
    if layer.kind == "conv":
        if layer.groups > 1:
            return "depthwise"
        return "pointwise" if layer.kernel == 1 else "conv"
    return "linear" if layer.kind == "linear" else "elementwise"


def _is_fused_relu(program: Program, layer: Layer, readers: list[int]) -> bool:
    return (
        layer.kind == "relu"
        and program.layers[layer.inputs[0]].kind == "conv"
        and readers[layer.inputs[0]] == 1
    )

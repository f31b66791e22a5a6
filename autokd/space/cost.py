"""What a program costs: counted from its layers, on a device of a given profile.

The form counted is the exported one: BatchNorm and sums' weights are folded away, and a ReLU right
after a convolution is part of it.
"""

from autokd.core.cost import Cost, LayerCost
from autokd.core.device import DeviceProfile, LatencyModel
from autokd.space.program import Layer, Program

FLOAT_BYTES = 4


def count_params(program: Program) -> int:
    """Count trainable numbers, those of BatchNorm and of weighted sums included."""
    return sum(_weights(program, p) + _extras(p) for p in program.layers)


def count_macs(program: Program) -> int:
    """Count multiply-accumulates of one image in convolutions and the linear layer."""
    return sum(_macs(program, layer) for layer in program.layers)


def onnx_size_bytes(program: Program, *, label_bytes: int = 0) -> int:
    """Estimate the bytes of the exported fp32 file: folded weights, plus names and nodes.

    Args:
        program: The student.
        label_bytes: Of the classes' names, which are in the file as JSON.
    """
    size = _FILE_BYTES + label_bytes
    for layer in program.layers:
        size += _bytes_beside_weights(layer) + FLOAT_BYTES * _folded(program, layer)
    return size


def peak_activation_bytes(program: Program) -> int:
    """Give the largest sum of live fp32 tensors over the execution order.

    A tensor lives from its layer to its last reader. An elementwise layer writes into its first
    input when nothing else reads that later, as onnxruntime does.
    """
    last = program.last_readers()
    alive: dict[int, int] = {}
    peak = 0
    for place, layer in enumerate(program.layers):
        if layer.kind in ("relu", "sum") and last[layer.inputs[0]] == place:
            alive.pop(layer.inputs[0], None)
        alive[place] = FLOAT_BYTES * layer.channels * layer.px**2
        peak = max(peak, sum(alive.values()))
        for source in layer.inputs:
            if last[source] == place:
                alive.pop(source, None)
    return peak


def layer_costs(program: Program) -> list[LayerCost]:
    """List what the runtime executes, one entry an operator."""
    readers = [0] * len(program.layers)
    for layer in program.layers:
        for source in layer.inputs:
            readers[source] += 1
    return [
        LayerCost(_operator_class(layer), _macs(program, layer), _moved_bytes(program, layer))
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


def cost_on(program: Program, profile: DeviceProfile, *, label_bytes: int = 0) -> Cost:
    """Give everything that ``program`` costs on the device of ``profile``."""
    latency_ms = predict_latency_ms(layer_costs(program), profile)
    factor = profile.latency.interval_factor.value
    activations = peak_activation_bytes(program)
    weights = FLOAT_BYTES * sum(_folded(program, layer) for layer in program.layers)
    runtime = int(profile.runtime.base_memory_mib.value * 2**20)
    memory = runtime + profile.runtime.weight_memory_factor.value * weights + activations
    return Cost(
        params=count_params(program),
        macs=count_macs(program),
        size_bytes=onnx_size_bytes(program, label_bytes=label_bytes),
        activation_bytes=activations,
        memory_bytes=int(memory),
        runtime_bytes=runtime,
        latency_ms=latency_ms,
        latency_low_ms=latency_ms / factor,
        latency_high_ms=latency_ms * factor,
    )


# Bytes of the file beside the weights: nodes with their attributes, and names of tensors. Fitted to
# files of `autokd.export.onnx`; `tests/space/test_cost.py` holds the sum against real ones.
_FILE_BYTES = 1300
_CONV_BYTES, _CONV_NAME_USES = 129, 9
_NODE_BYTES = {"relu": 62, "pool": 90}
_ADD_BYTES = 55  # for each input of a sum after the first


def _bytes_beside_weights(layer: Layer) -> int:
    if layer.kind == "conv":
        return _CONV_BYTES + _CONV_NAME_USES * len(layer.name)
    if layer.kind == "sum":
        return _ADD_BYTES * (len(layer.inputs) - 1)
    return _NODE_BYTES.get(layer.kind, 0)


def _in_channels(program: Program, layer: Layer) -> int:
    return program.layers[layer.inputs[0]].channels


def _weights(program: Program, layer: Layer) -> int:
    """Count the numbers of a kernel or matrix, without any bias."""
    if layer.kind == "conv":
        return layer.kernel**2 * _in_channels(program, layer) // layer.groups * layer.channels
    return _in_channels(program, layer) * layer.channels if layer.kind == "linear" else 0


def _extras(layer: Layer) -> int:
    """Count biases, BatchNorm's two vectors and the weights of a sum."""
    extras = layer.channels * (layer.bias + 2 * layer.norm)
    return extras + (len(layer.inputs) if layer.weighted else 0)


def _folded(program: Program, layer: Layer) -> int:
    """Count the numbers of the exported layer: weights, and one bias for each channel."""
    weights = _weights(program, layer)
    return weights + layer.channels if weights else 0


def _macs(program: Program, layer: Layer) -> int:
    return _weights(program, layer) * layer.px**2


def _moved_bytes(program: Program, layer: Layer) -> int:
    read = sum(program.layers[s].channels * program.layers[s].px ** 2 for s in layer.inputs)
    return FLOAT_BYTES * (read + layer.channels * layer.px**2 + _folded(program, layer))


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

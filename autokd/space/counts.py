"""Counts of a program that hold on every device: parameters, multiply-accumulates, bytes.

The form counted is the exported one: BatchNorm and sums' weights are folded away, and a ReLU right
after a convolution is part of it.
"""

from autokd.space.program import Layer, Program

FLOAT_BYTES = 4


def count_params(program: Program) -> int:
    """Count trainable numbers, those of BatchNorm and of weighted sums included."""
    return sum(_weights(program, p) + _extras(p) for p in program.layers)


def count_macs(program: Program) -> int:
    """Count multiply-accumulates of one image in convolutions and the linear layer."""
    return sum(layer_macs(program, layer) for layer in program.layers)


def onnx_size_bytes(program: Program, *, label_bytes: int = 0) -> int:
    """Estimate the bytes of the exported fp32 file: folded weights, plus names and nodes.

    Args:
        program: The student.
        label_bytes: Of the classes' names, which are in the file as JSON.
    """
    size = _FILE_BYTES + label_bytes
    for layer in program.layers:
        size += _bytes_beside_weights(layer) + FLOAT_BYTES * folded_numbers(program, layer)
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


def folded_numbers(program: Program, layer: Layer) -> int:
    """Count the numbers of the exported layer: weights, and one bias for each channel."""
    weights = _weights(program, layer)
    return weights + layer.channels if weights else 0


def layer_macs(program: Program, layer: Layer) -> int:
    """Count multiply-accumulates of one layer for one image."""
    return _weights(program, layer) * layer.px**2

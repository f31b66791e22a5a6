"""Counts of a program that hold on every device: parameters, multiply-accumulates, bytes.

The form counted is the exported one: BatchNorm and sums' weights are folded away, and a ReLU right
after a convolution is part of it.
"""

from autokd.core.precision import Int8Form
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


def int8_arena_bytes(program: Program) -> int:
    """Give the largest sum of live INT8 tensors over the execution order, as the fp32 count.

    Scratch buffers of a runtime come on top; a profile says how much.
    """
    return peak_activation_bytes(program) // FLOAT_BYTES


def int8_onnx_size_bytes(program: Program, form: Int8Form, *, label_bytes: int = 0) -> int:
    """Estimate the bytes of the full-integer file: INT8 weights, scales, names and nodes.

    A weight of a convolution or of the classifier has a scale (fp32) and a zero (int8) for each
    output channel, or one of both; its bias is int32, with a scale and an int32 zero likewise.

    Args:
        program: The student.
        form: How it is quantised.
        label_bytes: Of the classes' names, which are in the file as JSON.
    """
    # Normalisation has a convolution of its own where zero must be the integer 0.
    size = _INT8_FILE_BYTES + label_bytes + _INT8_NORMALISATION_BYTES * form.symmetric
    conv_bytes = _INT8_SYMMETRIC_CONV_BYTES if form.symmetric else _INT8_CONV_BYTES
    readers = program.readers()
    for layer in program.layers:
        if layer.kind == "conv":
            size += conv_bytes + _INT8_CONV_NAME_USES * len(layer.name)
        elif layer.kind == "sum":
            size += _INT8_ADD_BYTES * (len(layer.inputs) - 1)
        elif form.symmetric or not _is_lower_end(program, layer, readers):
            size += _INT8_NODE_BYTES.get(layer.kind, 0)
        if weights := _weights(program, layer):
            scales = layer.channels if form.per_channel else 1
            size += weights + 4 * layer.channels + (4 + 1 + 4 + 4) * scales
    return size


# Bytes of the file beside the weights: nodes with their attributes, and names of tensors. Fitted to
# files of `autokd.export.onnx`; `tests/space/test_cost.py` holds the sum against real ones.
_FILE_BYTES = 1300
_CONV_BYTES, _CONV_NAME_USES = 129, 9
_NODE_BYTES = {"relu": 62, "pool": 90}
_ADD_BYTES = 55  # for each input of a sum after the first

# The same for the full-integer file of `autokd.export.microcontroller`, where every tensor has a
# QuantizeLinear, and a DequantizeLinear for each reader. A convolution has 20 bytes more than the
# fit, so that a real file keeps a limit too; `tests/space/test_counts.py` holds it.
_INT8_FILE_BYTES = 3040
_INT8_CONV_BYTES, _INT8_SYMMETRIC_CONV_BYTES, _INT8_CONV_NAME_USES = 770, 700, 28
_INT8_NORMALISATION_BYTES = 620
_INT8_NODE_BYTES = {"relu": 340, "pool": 310}
_INT8_ADD_BYTES = 532


def _is_lower_end(program: Program, layer: Layer, readers: tuple[int, ...]) -> bool:
    """Whether a ReLU is nothing but the lower end of the integers of what it reads."""
    if layer.kind != "relu":
        return False
    source = layer.inputs[0]
    return program.layers[source].kind in ("conv", "sum") and readers[source] == 1


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

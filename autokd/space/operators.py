"""The operators that a runtime executes for a program, after its graph optimisations.

onnxruntime computes once what is asked for twice (its `CommonSubexpressionElimination`), and joins
some of the rest: a ReLU behind a convolution, and an addition of which one input comes from a
convolution that nothing else reads (`NchwcTransformer` and, where tensors are not blocked,
`ConvAddActivationFusion`). What is joined costs no call and no pass over the tensor, but the
convolution reads what is added.
"""

from dataclasses import dataclass

from autokd.core.cost import LayerCost
from autokd.space.counts import FLOAT_BYTES, folded_numbers, layer_macs
from autokd.space.program import Layer, Program

_IMAGE_STEPS = 3  # a board's image of bytes: cast, multiply, add


def layer_costs(program: Program) -> list[LayerCost]:
    """List what the runtime executes, one entry an operator."""
    nodes = _nodes(program)
    joined, extra = _join(nodes)
    costs = []
    for place, node in enumerate(nodes):
        if place not in joined:
            costs += _costs_of(program, node, extra.get(place, 0))
    return costs


@dataclass(frozen=True, slots=True)
class _Node:
    """A node of the exported graph; its inputs are places among the nodes."""

    kind: str
    inputs: tuple[int, ...]
    layer: Layer


def _nodes(program: Program) -> list[_Node]:
    """Give the nodes of the exported graph, each that is asked for twice once.

    The inputs of a sum are added one after another.
    """
    nodes: list[_Node] = []
    known: dict[tuple[object, ...], int] = {}
    places: list[int] = []  # of each layer's output among the nodes

    def place_of(kind: str, inputs: tuple[int, ...], layer: Layer) -> int:
        key = (kind, inputs, layer.name if kind in ("conv", "linear") else layer.stride)
        if key not in known:
            known[key] = len(nodes)
            nodes.append(_Node(kind, inputs, layer))
        return known[key]

    for layer in program.layers:
        inputs = [places[source] for source in layer.inputs]
        if layer.kind == "sum":
            place = inputs[0]
            for term in inputs[1:]:
                place = place_of("add", (place, term), layer)
        else:
            place = place_of(layer.kind, tuple(inputs), layer)
        places.append(place)
    return nodes


def _join(nodes: list[_Node]) -> tuple[set[int], dict[int, int]]:
    """Give the nodes that are part of a convolution, and what convolutions read beside their input.

    A convolution takes up one addition and then one ReLU, each if it is the only reader.
    """
    readers = [0] * len(nodes)
    for node in nodes:
        for source in node.inputs:
            readers[source] += 1
    # The convolution that writes a tensor, as long as it can take up the tensor's only reader.
    open_: dict[int, int] = {
        place: place
        for place, node in enumerate(nodes)
        if node.kind == "conv" and readers[place] == 1
    }
    joined: set[int] = set()
    added: dict[int, int] = {}
    for place, node in enumerate(nodes):
        if node.kind == "relu":
            if open_.pop(node.inputs[0], None) is not None:
                joined.add(place)
        elif node.kind == "add":
            takers = [open_.pop(source, None) for source in node.inputs]
            taking = next((t for t in takers if t is not None and t not in added), None)
            if taking is not None:
                joined.add(place)
                added[taking] = _numbers(node.layer)
                if readers[place] == 1:
                    open_[place] = taking
    return joined, added


def _costs_of(program: Program, node: _Node, added: int) -> list[LayerCost]:
    layer = node.layer
    if node.kind == "image":
        return [_pass_over(layer, _numbers(layer))] * _IMAGE_STEPS
    source = program.layers[layer.inputs[0]]
    if node.kind == "gap":
        flatten = _pass_over(layer, layer.channels)
        return [_pass_over(layer, _numbers(source), kind="pool"), flatten]
    if node.kind == "pool":
        return [_pass_over(layer, _numbers(source), kind="pool")]
    if node.kind in ("relu", "add"):
        return [_pass_over(layer, len(node.inputs) * _numbers(layer))]
    return [
        LayerCost(
            _operator_class(layer),
            layer_macs(program, layer),
            FLOAT_BYTES * (_numbers(source) + added),
            FLOAT_BYTES * _numbers(layer),
            FLOAT_BYTES * folded_numbers(program, layer),
            source.channels,
            layer.channels,
            layer.px,
        )
    ]


def _pass_over(layer: Layer, read: int, *, kind: str = "elementwise") -> LayerCost:
    return LayerCost(
        kind,
        0,
        FLOAT_BYTES * read,
        FLOAT_BYTES * _numbers(layer),
        0,
        layer.channels,
        layer.channels,
        layer.px,
    )


def _numbers(layer: Layer) -> int:
    return layer.channels * layer.px**2


def _operator_class(layer: Layer) -> str:
    if layer.kind == "conv":
        if layer.groups > 1:
            return "depthwise"
        return "pointwise" if layer.kernel == 1 else "conv"
    return "linear"

"""Where a student's graph is quantised: one set of rules for the file and for training.

Every convolution, addition, pooling and the classifier computes with integers, unless it is left
out. A tensor between them is stored as integers once, with one scale. Two kinds of nodes only carry
integers along: ``Flatten``, and ``Mul`` by a positive constant, which changes the scale alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

INTEGER_KINDS = frozenset({"Add", "AveragePool", "Conv", "Gemm", "GlobalAveragePool", "Relu"})
CARRIER_KINDS = frozenset({"Flatten", "Mul"})
WEIGHTED_KINDS = frozenset({"Conv", "Gemm"})


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One operator of the exported graph, as plain data.

    Attributes:
        kind: Its ONNX operator.
        name: Unique in the graph.
        inputs: Names of tensors: the activations first, then constants.
        output: Name of the tensor that it makes.
        attributes: Numbers, or lists of numbers.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, int | tuple[int, ...]] = field(default_factory=dict)

    def number(self, attribute: str) -> int:
        """Give an attribute that a student has the same for all sides."""
        value = self.attributes[attribute]
        return value[0] if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class QuantisedPoints:
    """What is stored as integers.

    Attributes:
        tensors: Names of the activations that are.
        integer_nodes: Names of the nodes that compute with integers.
        source_of: For what a carrier makes, the tensor whose integers it carries.
        absorbed: ReLUs that are nothing but the lower end of the integers of their output, each
            with the node before it.
    """

    tensors: frozenset[str]
    integer_nodes: frozenset[str]
    source_of: Mapping[str, str]
    absorbed: Mapping[str, str]


def quantised_points(
    nodes: Sequence[GraphNode],
    constants: Collection[str],
    *,
    exclude: Collection[str] = (),
    symmetric: bool = False,
    output: bool = False,
) -> QuantisedPoints:
    """Give what is quantised in a graph whose first activation is the normalised image.

    Args:
        nodes: In execution order, from the image to the logits.
        constants: Names of weights and factors.
        exclude: Names of nodes that compute in floats.
        symmetric: Whether integers reach as far below zero as above it; no ReLU is absorbed then.
        output: Whether the logits are integers too.
    """
    integer = {n.name for n in nodes if n.kind in INTEGER_KINDS and n.name not in exclude}
    source_of: dict[str, str] = {}
    for node in nodes:
        if node.kind in CARRIER_KINDS:
            source = node.inputs[0]
            source_of[node.output] = source_of.get(source, source)
    absorbed = {} if symmetric else _absorbed(nodes, integer)
    logits = nodes[-1].output
    inner = set(absorbed.values())  # their outputs are never seen
    tensors: set[str] = set()
    for node in nodes:
        if node.name not in integer:
            continue
        if node.name not in inner and (node.output != logits or output):
            tensors.add(node.output)
        if node.name not in absorbed:
            activations = (name for name in node.inputs if name not in constants)
            tensors |= {source_of.get(name, name) for name in activations}
    return QuantisedPoints(frozenset(tensors), frozenset(integer), source_of, absorbed)


def _absorbed(nodes: Sequence[GraphNode], integer: Collection[str]) -> dict[str, str]:
    maker = {node.output: node for node in nodes}
    readers: dict[str, int] = {}
    for node in nodes:
        for name in node.inputs:
            readers[name] = readers.get(name, 0) + 1
    found = {}
    for node in nodes:
        before = maker.get(node.inputs[0])
        if (
            node.kind == "Relu"
            and node.name in integer
            and before is not None
            and before.kind in ("Conv", "Add")
            and before.name in integer
            and readers[before.output] == 1
        ):
            found[node.name] = before.name
    return found

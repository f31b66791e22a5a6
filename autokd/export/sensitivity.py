"""Which nodes of a student suffer most from being quantised."""

import numpy as np
from numpy.typing import NDArray

from autokd.core.precision import Int8Form
from autokd.core.quantised_graph import INTEGER_KINDS
from autokd.export.calibrate import Ranges, activation_session
from autokd.export.graph import StudentGraph
from autokd.export.onnx import OUTPUT_NAME
from autokd.export.quantise import quantised_model
from autokd.export.verify import board_input


def rank_nodes(
    graph: StudentGraph, ranges: Ranges, images: NDArray[np.uint8], *, form: Int8Form
) -> tuple[str, ...]:
    """Give the names of nodes, the most sensitive first.

    A node is as sensitive as the logits change when it alone computes with integers: the mean
    squared difference from the fp32 student's over ``images``. What carries nothing of its own, a
    ReLU, is not listed.

    Args:
        graph: The fp32 student.
        ranges: Of its activations.
        images: Some dozens, (n, px, px, c), at the student's size.
        form: How it is quantised.
    """
    feed = board_input(images, "uint8" if graph.takes_bytes else "float32")
    session = activation_session(graph.model, ())
    reference = session.run([OUTPUT_NAME], {"image": feed})[0]
    names = [n.name for n in graph.nodes if n.kind in INTEGER_KINDS and n.kind != "Relu"]
    every = {node.name for node in graph.nodes}
    errors = {}
    for name in names:
        alone = quantised_model(graph, ranges, form=form, exclude_nodes=every - {name})
        logits = activation_session(alone, ()).run([OUTPUT_NAME], {"image": feed})[0]
        errors[name] = float(np.square(logits - reference).mean())
    return tuple(sorted(names, key=lambda name: -errors[name]))

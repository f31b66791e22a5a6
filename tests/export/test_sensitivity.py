"""Which nodes suffer most."""

from autokd.core.precision import Int8Form
from autokd.export.calibrate import choose_ranges, observe
from autokd.export.graph import read_graph, with_constants
from autokd.export.onnx import build_model
from autokd.export.sensitivity import rank_nodes
from autokd.space.program import ProgramBuilder

PER_TENSOR = Int8Form(activation="uint8", per_channel=False, reduce_range=False)


def test_a_weight_whose_steps_one_number_takes_comes_first(make_case, nano):
    b = ProgramBuilder(3, 8)
    first = b.relu("relu", b.conv("first", 0, 4))
    second = b.conv("second", first, 8, kernel=1)
    b.classify(b.conv("third", second, 8), 5)
    case = make_case(b.build(), images=24)
    model = build_model(
        case.program, case.weights, target=nano, mean=case.mean, std=case.std,
        class_names=(), metadata={},
    )  # fmt: skip
    constants = read_graph(model).constants
    # A channel that is always zero has a huge weight: the others of its kernel round to zero.
    constants["first.weight"][0] = constants["first.bias"][0] = 0
    constants["second.weight"][0, 0] = 1e4
    graph = read_graph(with_constants(model, constants))
    ranges = choose_ranges(graph, observe(graph, case.images), "minmax")
    order = rank_nodes(graph, ranges, case.images, form=PER_TENSOR)
    assert order[0] == "second"
    assert set(order) == {"first", "second", "third", "gap.mean", "classifier"}

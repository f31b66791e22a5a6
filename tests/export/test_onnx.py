import json
import time

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from autokd import __version__
from autokd.core.device import ExportTarget
from autokd.core.family import FamilyParams
from autokd.errors import ExportError
from autokd.export.onnx import OPERATORS, build_model
from autokd.space.lowering import lower
from autokd.space.program import ProgramBuilder
from autokd.space.wiring import draw_genotype

NAMES = ("cat", "dög", "bird", "tree", "car")


def build(case, target, **metadata):
    return build_model(
        case.program,
        case.weights,
        target=target,
        mean=case.mean,
        std=case.std,
        class_names=NAMES,
        metadata=metadata,
    )


def run(model, feeds):
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": feed[None]})[0] for feed in feeds])


@pytest.mark.parametrize(("opset", "ir"), [(13, 7), (15, 8), (17, 8), (21, 10), (23, 11)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_layer_computes_what_torch_computes(make_case, opset, ir, channels):
    case = make_case(channels=channels)
    model = build(case, ExportTarget(opset=opset, ir=ir, input="uint8", reason="-"))
    assert [(o.domain, o.version) for o in model.opset_import] == [("", opset)]
    assert model.ir_version == ir
    logits = run(model, case.images.transpose(0, 3, 1, 2))
    assert np.abs(case.reference).max() > 0.5
    np.testing.assert_allclose(logits, case.reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("preset", "block"),
    [("paper", "conv"), ("edge", "conv"), ("edge", "separable"), ("edge", "inverted")],
)
def test_members_of_the_spaces_compute_what_torch_computes(make_case, nano, preset, block):
    family = FamilyParams(
        preset=preset,
        top_nodes=3,
        top_degree=4,
        top_rewire=0.5,
        mid_nodes=2,
        mid_edge=0.5,
        bottom_nodes=4,
        bottom_degree=4,
        bottom_rewire=0.5,
        block=block,
        input_px=16,
    )
    genotype = draw_genotype(family, member_seed=1, image_channels=3, classes=5).with_width(6)
    case = make_case(lower(genotype), images=4)
    logits = run(build(case, nano), case.images.transpose(0, 3, 1, 2))
    largest = np.abs(case.reference).max()
    np.testing.assert_allclose(logits / largest, case.reference / largest, atol=1e-5)


def test_floats_in_0_to_1_give_the_same_logits(make_case):
    case = make_case()
    model = build(case, ExportTarget(opset=13, ir=7, input="float32", reason="-"))
    feeds = case.images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    np.testing.assert_allclose(run(model, feeds), case.reference, rtol=1e-4, atol=1e-5)


def test_a_border_of_the_mean_colour_is_what_padding_sees(make_case):
    # A normalisation folded into the first kernel would be wrong at the border only.
    b = ProgramBuilder(1, 4)
    b.classify(b.conv("c", 0, 2, norm=False, bias=True), 5)
    case = make_case(b.build())
    target = ExportTarget(opset=13, ir=7, input="float32", reason="-")
    flat = np.full((1, 1, 4, 4), case.mean[0], dtype=np.float32)
    head = case.weights["classifier.weight"] @ case.weights["c.conv.bias"]
    expected = head + case.weights["classifier.bias"]
    np.testing.assert_allclose(run(build(case, target), flat)[0], expected, rtol=1e-5, atol=1e-6)


def test_the_graph_has_known_operators_of_the_default_domain_and_fixed_shapes(make_case, nano):
    model = build(make_case(), nano)
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    assert {node.domain for node in model.graph.node} == {""}
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert {"stem", "both", "pooled", "classifier"} <= set(names)
    image, logits = model.graph.input[0], model.graph.output[0]
    assert (image.name, logits.name) == ("image", "logits")
    assert [d.dim_value for d in image.type.tensor_type.shape.dim] == [1, 3, 8, 8]
    assert [d.dim_value for d in logits.type.tensor_type.shape.dim] == [1, 5]


def test_norms_leave_no_operator_and_weights_of_sums_only_where_they_must(make_case, nano):
    model = build(make_case(), nano)
    factors = [n.name for n in model.graph.node if n.op_type == "Mul" and n.name != "image.mul"]
    # Sums ask for 11 ratios between 9 scales (ReLU and pooling have that of their input): a forest
    # has 8 edges.
    assert len(factors) == 11 - 8
    assert all(name.startswith(("other.", "again.", "last.")) for name in factors)


def test_metadata_tells_classes_input_and_origin(make_case, nano):
    model = build(make_case(), nano, teacher="resnet18", run="7")
    found = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(found.pop("classes")) == list(NAMES)
    assert json.loads(found.pop("mean")) == [0.3, 0.5, 0.4]
    assert json.loads(found.pop("std")) == [0.2, 0.25, 0.3]
    assert found == {
        "autokd_version": __version__,
        "input": "uint8 (1, 3, 8, 8), RGB in planes, 0..255, not normalised",
        "teacher": "resnet18",
        "run": "7",
    }


def test_weights_of_another_student_are_refused(make_case, nano):
    case = make_case()
    case.weights["stem.conv.weight"] = case.weights["stem.conv.weight"][:4]
    with pytest.raises(ExportError, match=r"stem.conv.weight has shape \(4, 3, 3, 3\)"):
        build(case, nano)


def test_a_student_of_sixty_convolutions_is_built_in_a_fraction_of_a_second(make_case, nano):
    b = ProgramBuilder(3, 16)
    place = b.conv("stem", 0, 32)
    for number in range(59):
        place = b.conv(f"conv{number}", b.relu(f"relu{number}", place), 32)
    b.classify(place, 5)
    case = make_case(b.build(), images=1)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        content = build(case, nano).SerializeToString()
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.4  # 0.02 s on a quiet machine; 0.2 s is promised
    assert onnx.load_from_string(content).graph.output[0].name == "logits"

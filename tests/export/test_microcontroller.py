"""The full-integer file: the same numbers, bytes at both ends, and nothing that a list lacks."""

import re

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from autokd.core.precision import Int8Form
from autokd.errors import ExportError
from autokd.export.calibrate import choose_ranges, observe
from autokd.export.graph import read_graph
from autokd.export.microcontroller import byte_zero_point, fold_normalisation, full_integer_model
from autokd.export.onnx import build_model
from autokd.space.program import ProgramBuilder
from tests.export.conftest import make_program, make_weights

SIGNED = Int8Form(activation="int8", per_channel=True, reduce_range=False)
UNSIGNED = Int8Form(activation="uint8", per_channel=False, reduce_range=False)
SYMMETRIC = Int8Form(activation="int8", per_channel=False, reduce_range=False, symmetric=True)
# Of CIFAR-100, as `autokd.data.augment.channel_statistics` gives them.
CIFAR_MEAN, CIFAR_STD = (0.507, 0.487, 0.441), (0.267, 0.256, 0.276)
WHOLE_MEAN, SOME_STD = (121 / 255,) * 3, (0.2, 0.25, 0.3)


def stemmed(*, kernel, depthwise, px=16):
    """A convolution that reads the image, then a little more."""
    b = ProgramBuilder(3, px)
    stem = b.conv("stem", 0, 3 if depthwise else 8, kernel=kernel, depthwise=depthwise, norm=False)
    deep = b.conv("deep", b.relu("relu", stem), 8, kernel=3)
    b.classify(b.relu("last", deep), 5)
    return b.build()


def built(program, target, *, mean, std):
    return build_model(
        program,
        make_weights(program),
        target=target,
        mean=mean,
        std=std,
        class_names=(),
        metadata={},
    )


def pixels(number, px=16, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (number, px, px, 3), dtype=np.uint8)


def integers(model, form, images=None):
    graph = read_graph(model)
    ranges = choose_ranges(graph, observe(graph, pixels(8) if images is None else images), "minmax")
    return full_integer_model(graph, ranges, form=form)


def run(model, images):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    name, kind = session.get_inputs()[0].name, session.get_inputs()[0].type
    planes = images.transpose(0, 3, 1, 2)
    planes = planes if "uint8" in kind else planes.astype(np.float32) / 255
    return np.concatenate([session.run(None, {name: plane[None]})[0] for plane in planes])


def logits_of(model, images):
    """Logits from the bytes of the output, by what the metadata says of them."""
    text = {entry.key: entry.value for entry in model.metadata_props}["output"]
    scale, zero = re.fullmatch(r"uint8; logit = (\S+) \* \(byte - (\d+)\)", text).groups()
    found = run(model, images)
    assert found.dtype == np.uint8
    return float(scale) * (found.astype(np.float64) - int(zero))


@pytest.mark.parametrize("kind", ["uint8", "float32"])
@pytest.mark.parametrize(
    ("kernel", "depthwise", "mean"),
    [
        (3, False, WHOLE_MEAN),
        (3, True, WHOLE_MEAN),
        (1, False, CIFAR_MEAN),  # pads nothing, so any mean is exact
        (1, True, CIFAR_MEAN),
    ],
)
def test_a_folded_student_computes_the_same(nano, kind, kernel, depthwise, mean):
    target = nano.model_copy(update={"input": kind})
    model = built(stemmed(kernel=kernel, depthwise=depthwise), target, mean=mean, std=SOME_STD)
    expected, found = (run(m, pixels(8)) for m in (model, fold_normalisation(model)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_in_the_border_the_mean_of_all_channels_stands_for_that_of_each(nano):
    """Three means and one byte: what is padded is off by at most 0.15 deviations of a pixel."""
    zero = byte_zero_point(np.array(CIFAR_MEAN))
    assert zero == 122
    off = (zero / 255 - np.array(CIFAR_MEAN)) / np.array(CIFAR_STD)
    assert 0 < np.abs(off).max() < 0.15
    program = stemmed(kernel=3, depthwise=False)
    model = built(program, nano, mean=CIFAR_MEAN, std=CIFAR_STD)
    expected, found = (run(m, pixels(8)) for m in (model, fold_normalisation(model)))
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert 1e-5 < error < 0.02


def test_the_model_that_is_folded_stays_as_it_is(nano):
    model = built(stemmed(kernel=3, depthwise=False), nano, mean=CIFAR_MEAN, std=CIFAR_STD)
    before = model.SerializeToString()
    fold_normalisation(model)
    assert model.SerializeToString() == before


def test_an_image_that_is_pooled_first_cannot_be_folded(nano):
    b = ProgramBuilder(3, 16)
    b.classify(b.conv("conv", b.pool("pool", 0, 8), 8), 5)
    model = built(b.build(), nano, mean=CIFAR_MEAN, std=CIFAR_STD)
    with pytest.raises(ExportError, match="AveragePool pool reads the image"):
        fold_normalisation(model)


@pytest.mark.parametrize("form", [SIGNED, UNSIGNED, SYMMETRIC])
def test_the_bytes_that_come_out_stand_for_the_logits(nano, form):
    model = built(make_program(px=16), nano, mean=CIFAR_MEAN, std=CIFAR_STD)
    expected = run(model, pixels(16))
    found = logits_of(integers(model, form, pixels(32, seed=2)), pixels(16))
    cosine = (found * expected).sum() / np.linalg.norm(found) / np.linalg.norm(expected)
    assert cosine > 0.99


@pytest.mark.parametrize(("form", "kept"), [(SIGNED, 0), (UNSIGNED, 0), (SYMMETRIC, 1)])
def test_normalisation_has_an_operator_only_where_zero_must_be_zero(nano, form, kept):
    model = built(make_program(px=16), nano, mean=CIFAR_MEAN, std=CIFAR_STD)
    whole = integers(model, form)
    convolutions = [node for node in whole.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 5 + kept
    if kept:
        return
    maker = {node.output[0]: node for node in whole.graph.node}
    constants = {t.name: numpy_helper.to_array(t) for t in whole.graph.initializer}
    _, scale, zero = maker[convolutions[0].input[0]].input
    assert constants[scale] == np.float32(1 / 255)
    assert int(constants[zero]) == 122 - (128 if form.activation == "int8" else 0)


@pytest.mark.parametrize("form", [SIGNED, UNSIGNED, SYMMETRIC])
def test_every_operator_stands_between_integers(nano, form):
    model = built(make_program(px=16), nano, mean=CIFAR_MEAN, std=CIFAR_STD)
    graph = integers(model, form).graph
    maker = {node.output[0]: node for node in graph.node}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            continue
        before = {maker[name].op_type for name in node.input}
        after = {reader.op_type for reader in readers[node.output[0]]}
        joined = {"Conv", "Add"} if node.op_type == "Relu" else set()
        assert before <= {"DequantizeLinear"} | joined, node.name
        assert after == {"QuantizeLinear"} or after == {"Relu"}, node.name
    for value in (graph.input[0], graph.output[0]):
        assert value.type.tensor_type.elem_type == TensorProto.UINT8
    named = {t.name for t in graph.initializer}
    assert named <= {name for node in graph.node for name in node.input}

"""A quantised student computes what the rounding of every tensor, in numpy, says."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from autokd.core.device import ExportTarget
from autokd.core.precision import Int8Form
from autokd.core.quantised_graph import quantised_points
from autokd.export.calibrate import choose_ranges, observe
from autokd.export.graph import read_graph
from autokd.export.onnx import build_model
from autokd.export.qdq import activation_affine, weight_scales
from autokd.export.quantise import quantise, quantised_model
from autokd.export.verify import INT8_OPERATORS, board_input, check_file, run_onnx
from autokd.space.program import ProgramBuilder

X86 = Int8Form(activation="uint8", per_channel=True, reduce_range=False)
FORMS = {
    "x86": X86,
    "x86 without VNNI": X86.model_copy(update={"reduce_range": True}),
    "one scale a weight": X86.model_copy(update={"per_channel": False}),
    "ARM": Int8Form(activation="int8", per_channel=True, reduce_range=False),
    "TensorRT": Int8Form(activation="int8", per_channel=True, reduce_range=False, symmetric=True),
}


def build(case, target, **metadata):
    return build_model(
        case.program, case.weights, target=target, mean=case.mean, std=case.std,
        class_names=("cat", "dög"), metadata=metadata,
    )  # fmt: skip


def plain_session(model):
    """Run the graph as it is written: no node is fused with another."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def rounded(values, ends, form):
    scale, zero = activation_affine(ends, form)
    smallest, largest = form.activation_span
    whole = np.clip(np.rint(values / np.float32(scale)) + zero, smallest, largest)
    return ((whole - zero) * scale).astype(np.float32)


def rounded_weight(weight, bias, input_scale, form):
    scales = weight_scales(weight, bias, input_scale=input_scale, form=form)
    wide = scales.reshape(-1, *[1] * (weight.ndim - 1)).astype(np.float64)
    whole = np.clip(np.rint(weight / wide), -form.weight_limit, form.weight_limit)
    steps = None if bias is None else np.rint(bias / (scales.astype(np.float64) * input_scale))
    return whole * wide, None if bias is None else steps * scales * input_scale


def convolve(x, weight, bias, stride, pad, groups):
    n = len(x)
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    k = weight.shape[2]
    side = (x.shape[2] - k) // stride + 1
    out = np.zeros((n, len(weight), side, side))
    inner, outer = x.shape[1] // groups, len(weight) // groups
    for channel in range(len(weight)):
        first = channel // outer * inner
        for i in range(k):
            for j in range(k):
                part = x[:, first : first + inner, i : i + stride * side : stride,
                         j : j + stride * side : stride]  # fmt: skip
                out[:, channel] += np.einsum("nchw,c->nhw", part, weight[channel, :, i, j])
    return out if bias is None else out + bias.reshape(1, -1, 1, 1)


def simulate(graph, ranges, form, images):
    """Every tensor rounded as the rules say, in numpy, and nothing else than that."""
    points = quantised_points(graph.nodes, graph.constants, symmetric=form.symmetric)
    image = board_input(images, "uint8") * np.float64(np.float32(1 / 255))
    centre = np.float32(1 / 255) * 128 if form.symmetric else 0.0
    gain, shift = rounded_weight(
        graph.gain.reshape(-1, 1, 1, 1), graph.shift + graph.gain * centre,
        float(np.float32(1 / 255)), form,
    )  # fmt: skip
    x = (image - centre) * gain.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)
    values = {"image.normalised": rounded(x, ranges["image.normalised"], form)}
    scale_of = {"image.normalised": activation_affine(ranges["image.normalised"], form).scale}
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs if name in values]
        source = points.source_of.get(node.inputs[0], node.inputs[0])
        made = compute(node, graph.constants, inputs, scale_of.get(source), form)
        if node.output in points.tensors:
            made = rounded(made, ranges[node.output], form)
            scale_of[node.output] = activation_affine(ranges[node.output], form).scale
        values[node.output] = made
    return values["logits"]


def compute(node, constants, inputs, input_scale, form):
    x = inputs[0]
    if node.kind in ("Conv", "Gemm"):
        bias = constants[node.inputs[2]] if len(node.inputs) > 2 else None
        weight, bias = rounded_weight(constants[node.inputs[1]], bias, input_scale, form)
        if node.kind == "Gemm":
            return x @ weight.T + bias
        return convolve(x, weight, bias, *(node.number(a) for a in ("strides", "pads", "group")))
    if node.kind == "AveragePool":
        k = node.number("kernel_shape")
        n, c, h, _ = x.shape
        return x.reshape(n, c, h // k, k, h // k, k).mean(axis=(3, 5))
    return {
        "Relu": lambda: np.maximum(x, 0),
        "Add": lambda: x + inputs[-1],
        "Flatten": lambda: x.reshape(len(x), -1),
        "GlobalAveragePool": lambda: x.mean(axis=(2, 3), keepdims=True),
    }[node.kind]()


def plain_program():
    """No weighted sums, so that no tensor is carried with a factor."""
    b = ProgramBuilder(3, 8)
    stem = b.relu("active", b.conv("stem", 0, 8))
    deep = b.conv("deep", stem, 8, depthwise=True, stride=2)
    other = b.conv("other", b.pool("pool", stem, 4), 8, kernel=1)
    both = b.sum("both", [deep, other, deep])
    b.classify(b.conv("last", b.relu("relu", both), 8), 5)
    return b.build()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_graph_computes_what_rounding_every_tensor_computes(make_case, nano, form):
    case = make_case(plain_program(), images=6)
    graph = read_graph(build(case, nano))
    ranges = choose_ranges(graph, observe(graph, case.images), "minmax")
    session = plain_session(quantised_model(graph, ranges, form=form))
    feeds = board_input(case.images, "uint8")
    found = np.concatenate([session.run(None, {"image": feed[None]})[0] for feed in feeds])
    expected = simulate(graph, ranges, form, case.images)
    # A sum of float32 may fall on the other side of a half, which moves one tensor by one step.
    step = activation_affine(ranges["gap.mean"], form).scale
    assert np.abs(found - expected).max() < 2 * step
    assert np.median(np.abs(found - expected)) < 1e-4
    assert np.abs(found - case.reference).max() > 1e-4  # it is rounded


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_every_form_holds_opset_ir_names_and_input(make_case, tmp_path, form, kind):
    case = make_case(images=40)
    for opset, ir in ((13, 7), (15, 8), (21, 10)):
        target = ExportTarget(opset=opset, ir=ir, input=kind, reason="-")
        model = build(case, target, trial="3")
        path = quantise(
            model, tmp_path / "q.onnx", form=form, method="minmax", images=case.images,
            target=target,
        )  # fmt: skip
        check_file(path, target, operators=INT8_OPERATORS)
        made = onnx.load(path)
        assert [(o.domain, o.version) for o in made.opset_import] == [("", opset)]
        assert made.ir_version == ir
        assert made.metadata_props == model.metadata_props
        logits = run_onnx(path, case.images)
        error = np.abs(logits - case.reference).max() / np.abs(case.reference).max()
        assert error < 0.1


def test_a_weighted_sum_keeps_its_factors_as_scales_without_a_node(make_case, nano):
    case = make_case(images=40)
    graph = read_graph(build(case, nano))
    assert any(node.kind == "Mul" for node in graph.nodes)
    ranges = choose_ranges(graph, observe(graph, case.images), "minmax")
    made = quantised_model(graph, ranges, form=X86)
    assert "Mul" not in {node.op_type for node in made.graph.node}


def test_the_bytes_of_the_image_are_its_integers(make_case, nano, tmp_path):
    case = make_case()
    made = quantised_model(*_calibrated(case, nano), form=X86)
    first = next(n for n in made.graph.node if "image" in n.input)
    assert first.op_type == "DequantizeLinear"
    scale = next(t for t in made.graph.initializer if t.name == first.input[1])
    assert numpy_helper.to_array(scale) == np.float32(1 / 255)
    floats = ExportTarget(opset=13, ir=7, input="float32", reason="-")
    graph, ranges = _calibrated(case, floats)
    path = tmp_path / "floats.onnx"
    path.write_bytes(quantised_model(graph, ranges, form=X86).SerializeToString())
    other = tmp_path / "bytes.onnx"
    other.write_bytes(made.SerializeToString())
    np.testing.assert_array_equal(run_onnx(path, case.images), run_onnx(other, case.images))


def test_each_reader_has_a_dequantise_node_of_its_own(make_case, nano):
    made = quantised_model(*_calibrated(make_case(), nano), form=X86)
    readers = [name for node in made.graph.node for name in node.input]
    for node in made.graph.node:
        if node.op_type == "DequantizeLinear":
            assert readers.count(node.output[0]) == 1


def test_onnxruntime_fuses_all_but_the_relus_that_share_their_input(make_case, nano, tmp_path):
    case = make_case(plain_program())
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 4
    content = quantised_model(*_calibrated(case, nano), form=X86).SerializeToString()
    ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    kinds = [n.op_type for n in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert kinds.count("QLinearConv") == 5  # with the image's own
    assert kinds.count("QLinearAdd") == 2
    assert {"QLinearAveragePool", "QLinearGlobalAveragePool", "QGemm"} <= set(kinds)
    assert not {"Conv", "Gemm", "Add", "Relu", "Mul"} & set(kinds)


def test_nodes_that_are_left_out_compute_in_floats(make_case, nano):
    case = make_case(images=40)
    graph, ranges = _calibrated(case, nano)
    made = quantised_model(graph, ranges, form=X86, exclude_nodes={"stem", "deep"})
    kinds = {t.name: t.data_type for t in made.graph.initializer}
    assert kinds["stem.weight"] == kinds["deep.weight"] == onnx.TensorProto.FLOAT
    assert kinds["plain.weight.integers"] == onnx.TensorProto.INT8
    everything = quantised_model(
        graph, ranges, form=X86, exclude_nodes={n.name for n in graph.nodes}
    )
    feeds = board_input(case.images, "uint8")
    session = plain_session(everything)
    logits = np.concatenate([session.run(None, {"image": feed[None]})[0] for feed in feeds])
    np.testing.assert_allclose(logits, case.reference, atol=0.02)


@pytest.mark.parametrize("activation", ["uint8", "int8"])
def test_with_uint8_logits_an_image_and_its_answer_are_bytes(make_case, nano, tmp_path, activation):
    case = make_case(images=40)
    form = X86.model_copy(update={"activation": activation})
    path = quantise(
        build(case, nano), tmp_path / "q.onnx", form=form, method="minmax",
        images=case.images, target=nano, uint8_io=True,
    )  # fmt: skip
    made = onnx.load(path)
    ends = (made.graph.input[0], made.graph.output[0])
    assert [v.type.tensor_type.elem_type for v in ends] == [onnx.TensorProto.UINT8] * 2
    logits = run_onnx(path, case.images)
    assert set(np.unique(logits)) <= set(range(256))
    agreed = (logits.argmax(axis=1) == case.reference.argmax(axis=1)).mean()
    assert agreed > 0.85


def test_a_dead_channel_with_a_bias_keeps_its_bias():
    weight = np.zeros((2, 1, 1, 1), dtype=np.float32)
    weight[1] = 1.0
    bias = np.array([5.0, -4.5], dtype=np.float32)
    scales = weight_scales(weight, bias, input_scale=0.5, form=X86)
    steps = bias / (scales.astype(np.float64) * 0.5)
    assert np.abs(steps).max() < 2**31
    np.testing.assert_allclose(np.rint(steps) * scales * 0.5, bias, rtol=1e-6)


def test_zero_is_exact_in_every_range():
    for form in FORMS.values():
        for ends in ((0.0, 3.0), (-1.0, 2.0), (-7.3, 0.0), (0.0, 0.0), (-1e-9, 5.0)):
            scale, zero = activation_affine(ends, form)
            smallest, largest = form.activation_span
            assert smallest <= zero <= largest
            assert scale > 0
            assert (smallest - zero) * scale <= ends[0] + scale
            assert (largest - zero) * scale >= ends[1] - scale


def test_onnxruntime_quantises_to_the_same_answers(make_case, tmp_path):
    """Held against onnxruntime.quantization, which rounds the image after its normalisation."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    case = make_case(plain_program(), images=40)
    target = ExportTarget(opset=13, ir=7, input="float32", reason="-")
    source = tmp_path / "student.onnx"
    source.write_bytes(build(case, target).SerializeToString())

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.feeds = iter(board_input(case.images, "float32"))

        def get_next(self):
            feed = next(self.feeds, None)
            return None if feed is None else {"image": feed[None]}

    theirs = tmp_path / "theirs.onnx"
    quantize_static(
        source, theirs, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        extra_options={"WeightSymmetric": True},
    )  # fmt: skip
    ours = quantise(
        source, tmp_path / "ours.onnx", form=X86, method="minmax", images=case.images,
        target=target,
    )  # fmt: skip
    largest = np.abs(case.reference).max()
    errors = [np.abs(run_onnx(p, case.images) - case.reference) / largest for p in (ours, theirs)]
    assert errors[0].mean() < 1.2 * errors[1].mean()
    assert np.abs(run_onnx(ours, case.images) - run_onnx(theirs, case.images)).max() < 0.1 * largest


def _calibrated(case, target):
    graph = read_graph(build(case, target))
    return graph, choose_ranges(graph, observe(graph, case.images), "minmax")

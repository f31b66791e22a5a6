import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from autokd.core.device import ExportTarget
from autokd.errors import ExportError, ParityError
from autokd.export.onnx import build_model
from autokd.export.verify import check_file, compare, run_onnx


@pytest.fixture
def saved(make_case, nano, tmp_path):
    case = make_case()
    return case, save(case, nano, tmp_path / "student.onnx")


def save(case, target, path, change=lambda model: None):
    model = build_model(
        case.program,
        case.weights,
        target=target,
        mean=case.mean,
        std=case.std,
        class_names=(),
        metadata={},
    )
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def test_the_file_that_was_asked_for_passes(saved, nano):
    check_file(saved[1], nano)


@pytest.mark.parametrize(("opset", "ir"), [(13, 7), (15, 8)])
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_files_for_the_boards_load_and_compute_what_torch_does(
    make_case, tmp_path, opset, ir, kind
):
    case = make_case()
    target = ExportTarget(opset=opset, ir=ir, input=kind, reason="-")
    path = save(case, target, tmp_path / "student.onnx")
    check_file(path, target)
    parity = compare(case.reference, run_onnx(path, case.images), where="student")
    assert parity.images == 12
    assert parity.max_error < 1e-5
    assert parity.agreement == 1.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: setattr(m, "ir_version", 8), "IR version is 8; the profile asks for 7"),
        (
            lambda m: setattr(m.opset_import[0], "version", 15),
            "operator sets are ai.onnx 15; the profile asks for ai.onnx 13 only",
        ),
        (
            lambda m: m.opset_import.append(helper.make_opsetid("com.microsoft", 1)),
            "operator sets are ai.onnx 13, com.microsoft 1",
        ),
        (lambda m: setattr(m.graph.node[0], "op_type", "Loop"), "has operators Loop"),
        (lambda m: setattr(m.graph.node[0], "domain", "x.y"), r"has operators x\.y\.Cast"),
        (lambda m: setattr(m.graph.input[0], "name", "input"), "inputs and outputs are"),
        (
            lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_param", "n"),
            r"takes uint8 \[0, 3, 8, 8\]",
        ),
        (
            lambda m: setattr(m.graph.initializer[0], "data_location", TensorProto.EXTERNAL),
            "are in another file",
        ),
        (
            lambda m: setattr(m.graph.node[-1].attribute[0], "name", "transX"),
            "onnx refuses the file",
        ),
    ],
)
def test_a_file_of_another_form_is_refused(make_case, nano, tmp_path, change, words):
    path = save(make_case(), nano, tmp_path / "student.onnx", change)
    with pytest.raises(ExportError, match=words):
        check_file(path, nano)


def test_the_other_input_type_is_refused(saved):
    floats = ExportTarget(opset=13, ir=7, input="float32", reason="-")
    with pytest.raises(ExportError, match=r"takes uint8 \[1, 3, 8, 8\].*must be float32"):
        check_file(saved[1], floats)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"\xffno model", "is not an ONNX file"), (b"", "operator sets")],
)
def test_what_is_no_model_is_an_export_error(tmp_path, nano, content, words):
    path = tmp_path / "student.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExportError, match=words):
        check_file(path, nano)


def test_what_onnxruntime_refuses_is_an_export_error(saved):
    case, path = saved
    model = onnx.load(path)
    model.opset_import[0].version = 99
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ExportError, match=r"onnxruntime .* does not load it"):
        run_onnx(path, case.images)
    with pytest.raises(ExportError, match="is missing"):
        run_onnx(path.with_name("other.onnx"), case.images)


def test_images_of_another_size_are_refused_before_anything_runs(saved):
    case, path = saved
    with pytest.raises(ExportError, match=r"takes \[1, 3, 8, 8\], the images are \[1, 3, 4, 8\]"):
        run_onnx(path, case.images[:, :4])


def test_a_corrupt_weight_is_a_parity_error_with_numbers(make_case, nano, tmp_path):
    case = make_case()
    case.weights["deep.conv.weight"][3, 0, 2, 2] += 4.0
    path = save(case, nano, tmp_path / "student.onnx")
    check_file(path, nano)
    with pytest.raises(ParityError, match=r"12 of 12 images differ.*off by up to \d.*allowed 0\.0"):
        compare(case.reference, run_onnx(path, case.images), where=str(path))


def test_the_allowed_error_is_a_thousandth_of_the_largest_logit():
    reference = np.array([[100.0, 0.0], [1.0, 0.0]])
    assert compare(reference, reference + np.array([[0, 0.1], [0, 0]]), where="x").max_error == 0.1
    with pytest.raises(ParityError, match="1 of 2 images differ; the logits of image 1 are off"):
        compare(reference, reference + np.array([[0, 0], [0, 0.1]]), where="x")


def test_logits_that_are_not_numbers_are_a_parity_error():
    reference = np.zeros((2, 3))
    wrong = reference.copy()
    wrong[1, 2] = np.nan
    with pytest.raises(ParityError, match="1 of 2 images differ"):
        compare(reference, wrong, where="x")


@pytest.mark.parametrize("shape", [(2, 4), (0, 3)])
def test_logits_of_another_shape_are_a_parity_error(shape):
    with pytest.raises(ParityError, match="gives logits of shape"):
        compare(np.zeros(shape), np.zeros((2, 3)), where="x")

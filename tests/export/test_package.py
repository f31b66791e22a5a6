import hashlib

import numpy as np
import pytest
from safetensors.numpy import load_file

from autokd.core.codec import load_record
from autokd.core.device import ExportTarget
from autokd.core.family import FamilyParams
from autokd.core.genotype import Genotype
from autokd.errors import ExportError, ParityError, StorageError
from autokd.export.package import TrainedStudent, export_winner
from autokd.export.verify import run_onnx
from autokd.space.wiring import draw_genotype

NAMES = ("cat", "dög", "bird", "tree", "car")


def a_student(case):
    family = FamilyParams(
        preset="edge", top_nodes=3, top_degree=2, top_rewire=0.1, mid_nodes=1, mid_edge=0.5,
        bottom_nodes=2, bottom_degree=2, bottom_rewire=0.1, input_px=8,
    )  # fmt: skip
    genotype = draw_genotype(family, member_seed=1, image_channels=3, classes=5)
    return TrainedStudent(
        case.program, case.weights, genotype, case.mean, case.std, NAMES, {"trial": "3"}
    )


def export(folder, case, target, reference=None):
    reference = case.reference if reference is None else reference
    student = a_student(case)
    return export_winner(folder, student, target=target, images=case.images, reference=reference)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_the_folder_has_all_that_a_person_needs(make_case, tmp_path, kind):
    case = make_case()
    target = ExportTarget(opset=13, ir=7, input=kind, reason="-")
    folder = tmp_path / "winners" / "1"
    found = export(folder, case, target)
    files = ["genotype.json", "sample.npz", "student.onnx", "student.safetensors"]
    assert names_in(folder) == files
    content = found.path.read_bytes()
    assert found.path == folder / "student.onnx"
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert (found.size_bytes, found.opset, found.ir, found.input) == (len(content), 13, 7, kind)
    assert found.parity.agreement == 1.0
    assert 0 < found.export_seconds < 2
    weights = load_file(folder / "student.safetensors")
    assert weights.keys() == case.weights.keys()
    assert all(np.array_equal(weights[key], case.weights[key]) for key in weights)
    assert load_record(Genotype, folder / "genotype.json") == a_student(case).genotype


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_the_sample_is_what_the_board_feeds_and_gets(make_case, tmp_path, kind):
    import onnxruntime as ort

    case = make_case()
    target = ExportTarget(opset=15, ir=8, input=kind, reason="-")
    found = export(tmp_path, case, target)
    session = ort.InferenceSession(str(found.path), providers=["CPUExecutionProvider"])
    with np.load(tmp_path / "sample.npz", allow_pickle=False) as sample:
        assert tuple(sample["class_names"]) == NAMES
        assert sample["image"].shape == (8, 3, 8, 8)
        for number in range(8):
            image = sample["image"][number : number + 1]
            logits = session.run(None, {"image": image})[0][0]
            np.testing.assert_allclose(logits, sample["logits"][number], rtol=1e-4, atol=1e-5)


def test_the_samples_are_spread_over_the_images(make_case, nano, tmp_path):
    case = make_case()
    assert len(case.images) > 8
    export(tmp_path, case, nano)
    with np.load(tmp_path / "sample.npz", allow_pickle=False) as sample:
        np.testing.assert_array_equal(sample["logits"][[0, 7]], case.reference[[0, -1]])
        assert len(np.unique(sample["logits"], axis=0)) == 8


def test_a_model_that_fails_parity_does_not_get_the_name(make_case, nano, tmp_path):
    case = make_case()
    with pytest.raises(ParityError, match=r"student.unchecked.onnx: does not compute"):
        export(tmp_path, case, nano, reference=case.reference + 1)
    assert names_in(tmp_path) == ["student.unchecked.onnx"]


def test_an_export_replaces_an_older_one(make_case, nano, tmp_path):
    case = make_case()
    export(tmp_path, case, nano)
    case.weights["classifier.bias"] += 1
    found = export(tmp_path, case, nano, reference=case.reference + 1)
    np.testing.assert_allclose(run_onnx(found.path, case.images), case.reference + 1, rtol=1e-3)


def test_weights_that_are_not_finite_leave_no_folder(make_case, nano, tmp_path):
    case = make_case()
    case.weights["stem.norm.bias"][0] = np.inf
    with pytest.raises(ExportError, match=r"stem.norm.bias has 1 of 8 numbers that are not finite"):
        export(tmp_path / "new", case, nano)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_a_storage_error(make_case, nano, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        export(tmp_path / "file" / "1", make_case(), nano)

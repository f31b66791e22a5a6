"""What a precision costs."""

import numpy as np
import pytest

from autokd.export.accuracy import Judge
from autokd.export.onnx import build_model


@pytest.fixture
def student(make_case, nano, tmp_path):
    case = make_case(images=40)
    model = build_model(
        case.program, case.weights, target=nano, mean=case.mean, std=case.std,
        class_names=(), metadata={},
    )  # fmt: skip
    path = tmp_path / "student.onnx"
    path.write_bytes(model.SerializeToString())
    return case, model, path


def constant(case, nano, named: int):
    """A student that names one class whatever it sees."""
    weights = dict(case.weights)
    weights["classifier.weight"] = np.zeros_like(weights["classifier.weight"])
    weights["classifier.bias"] = np.eye(5, dtype=np.float32)[named]
    return build_model(
        case.program, weights, target=nano, mean=case.mean, std=case.std,
        class_names=(), metadata={},
    )  # fmt: skip


def test_the_drop_is_the_accuracy_that_is_lost(student, nano, tmp_path):
    case, model, path = student
    named = case.reference.argmax(axis=1)
    labels = named.copy()
    labels[:10] = (labels[:10] + 1) % 5  # fp32 is right on 30 of 40
    judge = Judge.of(path, case.images, labels)
    same = judge.file(path)
    assert (same.accuracy, same.agreement, same.drop) == (0.75, 1.0, 0.0)
    other = judge.model(constant(case, nano, 2))
    assert other.accuracy == (labels == 2).mean()
    assert other.agreement == (named == 2).mean()
    assert other.drop == pytest.approx(0.75 - other.accuracy)
    written = tmp_path / "constant.onnx"
    written.write_bytes(constant(case, nano, 2).SerializeToString())
    assert judge.file(written) == other
    assert judge.model(model) == same


def test_without_labels_it_is_the_agreement_that_is_lost(student, nano):
    case, _, path = student
    judge = Judge.of(path, case.images, np.full(40, -1))
    found = judge.model(constant(case, nano, 2))
    assert found.accuracy is None
    assert found.drop == 1 - (case.reference.argmax(axis=1) == 2).mean()


def test_only_images_with_labels_count(student):
    case, _, path = student
    labels = case.reference.argmax(axis=1)
    labels[5:] = -1
    assert Judge.of(path, case.images, labels).file(path).accuracy == 1.0


def test_a_part_is_spread_over_all_images(student):
    case, _, path = student
    judge = Judge.of(path, case.images, np.arange(40))
    assert judge.part(3).labels.tolist() == [0, 20, 39]
    assert judge.part(100).labels.tolist() == list(range(40))

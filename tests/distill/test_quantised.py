"""Training with the integers that the INT8 file computes with."""

import numpy as np
import pytest
import torch

from autokd.core.precision import Int8Form
from autokd.core.trial import DistillParams
from autokd.data.augment import resize, to_input
from autokd.distill.quantised import QuantisedStudent, train_quantised
from autokd.errors import TrainingError
from autokd.export.accuracy import Judge
from autokd.export.calibrate import choose_ranges, observe
from autokd.export.graph import read_graph, with_constants
from autokd.export.onnx import build_model
from autokd.export.quantise import quantised_model
from autokd.export.verify import run_onnx
from tests.export.fashion import MEAN, PX, STD, fashion_data, fashion_program, trained_fashion, wild

X86 = Int8Form(activation="uint8", per_channel=True, reduce_range=False)
DISTILL = DistillParams(temperature=2.0, alpha=0.5)


def exported(weights, target):
    model = build_model(
        fashion_program(), weights, target=target, mean=MEAN, std=STD, class_names=(), metadata={}
    )
    graph = read_graph(model)
    images = resize(fashion_data().train.images[::5], PX).numpy()
    return graph, choose_ranges(graph, observe(graph, images), "minmax")


def shown(count: int):
    images = resize(fashion_data().validation.images[:count], PX)
    return images.numpy(), to_input(images, channels=1, mean=MEAN, std=STD)


@pytest.fixture
def nano():
    from autokd.core.device import ExportTarget

    return ExportTarget(opset=13, ir=7, input="uint8", reason="-")


@pytest.mark.parametrize(
    "form",
    [
        X86,
        X86.model_copy(update={"per_channel": False, "reduce_range": True}),
        X86.model_copy(update={"activation": "int8"}),
        X86.model_copy(update={"activation": "int8", "symmetric": True}),
    ],
    ids=["x86", "one scale, 7 bits", "ARM", "TensorRT"],
)
def test_it_rounds_as_the_file_does(nano, tmp_path, form) -> None:
    graph, ranges = exported(trained_fashion(), nano)
    path = tmp_path / "q.onnx"
    path.write_bytes(quantised_model(graph, ranges, form=form).SerializeToString())
    pixels, images = shown(40)
    student = QuantisedStudent(graph.nodes, graph.constants, ranges, form=form)
    with torch.no_grad():
        ours = student(images).numpy()
    theirs = run_onnx(path, pixels)
    floats = _floats(graph, tmp_path, pixels)
    # Sums in another order move a tensor by a step now and then; rounding itself is far larger.
    assert np.abs(ours - theirs).mean() < 0.3 * np.abs(theirs - floats).mean()
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() >= 0.95


def test_what_was_put_in_comes_out(nano) -> None:
    graph, ranges = exported(trained_fashion(), nano)
    student = QuantisedStudent(graph.nodes, graph.constants, ranges, form=X86)
    found = student.constants()
    for name, value in found.items():
        np.testing.assert_allclose(value, graph.constants[name], rtol=1e-5, atol=1e-7)
    assert {n for n in graph.constants if n.endswith((".weight", ".bias"))} == set(found)
    for name, ends in student.ranges().items():
        assert ends == pytest.approx(ranges[name], abs=1e-5)


def test_a_gradient_passes_rounding_and_stops_at_the_ends(nano) -> None:
    graph, ranges = exported(trained_fashion(), nano)
    student = QuantisedStudent(graph.nodes, graph.constants, ranges, form=X86)
    student(shown(20)[1]).square().mean().backward()
    grads = {name: p.grad for name, p in student.named_parameters()}
    assert all(g is not None and torch.isfinite(g).all() for g in grads.values())
    assert sum(float(g.abs().sum()) > 0 for g in grads.values()) > len(grads) / 2


def test_training_repairs_a_student_that_calibration_alone_ruins(nano, tmp_path) -> None:
    form = X86.model_copy(update={"per_channel": False})
    graph, ranges = exported(wild(trained_fashion(), spread=300.0), nano)
    data = fashion_data()
    images = resize(data.validation.images, PX).numpy()
    path = tmp_path / "student.onnx"
    path.write_bytes(graph.model.SerializeToString())
    judge = Judge.of(path, images, data.validation.labels.numpy())
    before = judge.model(quantised_model(graph, ranges, form=form))
    assert before.drop > 0.1
    found = train_quantised(
        QuantisedStudent(graph.nodes, graph.constants, ranges, form=form),
        data,
        DISTILL,
        px=PX,
        channels=1,
        steps=150,
        most_seconds=60,
        seed=3,
    )
    assert found.steps == 150
    tuned = read_graph(with_constants(graph.model, found.constants))
    after = judge.model(quantised_model(tuned, found.ranges, form=form))
    assert after.drop < before.drop / 2


def test_the_time_bounds_it(nano) -> None:
    graph, ranges = exported(trained_fashion(), nano)
    found = train_quantised(
        QuantisedStudent(graph.nodes, graph.constants, ranges, form=X86),
        fashion_data(),
        DISTILL,
        px=PX,
        channels=1,
        steps=10_000,
        most_seconds=0.5,
        seed=3,
    )
    assert 0 < found.steps < 1000


def test_a_loss_that_is_not_finite_ends_it(nano) -> None:
    graph, ranges = exported(trained_fashion(), nano)
    graph.constants["classifier.bias"][0] = np.inf
    student = QuantisedStudent(graph.nodes, graph.constants, ranges, form=X86)
    with pytest.raises(TrainingError, match="in step 0 of training with integers"):
        train_quantised(
            student, fashion_data(), DISTILL, px=PX, channels=1, steps=1, most_seconds=9, seed=0
        )


def _floats(graph, tmp_path, pixels):
    path = tmp_path / "fp32.onnx"
    path.write_bytes(graph.model.SerializeToString())
    return run_onnx(path, pixels)

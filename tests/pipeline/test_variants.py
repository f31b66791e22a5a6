"""The precisions of a student that is really trained."""

from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from autokd.core.config import ExportConfig
from autokd.core.device import load_profile
from autokd.core.precision import Int8Form
from autokd.core.trial import DistillParams
from autokd.data.augment import resize
from autokd.errors import TrainingError
from autokd.export.onnx import build_model
from autokd.export.verify import run_onnx
from autokd.pipeline import variants as module
from autokd.pipeline.variants import Source, VariantMaker
from tests.export.fashion import MEAN, PX, STD, fashion_data, fashion_program, trained_fashion, wild
from tests.pipeline.fakes import Lines


@pytest.fixture
def make(tmp_path):
    """Give a function that makes the precisions of a student with the given weights."""

    def go(weights, *, device="host", form=None, precisions=None, training=None, **config):
        profile = load_profile(device)
        if form or precisions:
            update = {"int8": form or profile.runtime.int8}
            update |= {"precisions": precisions} if precisions else {}
            runtime = profile.runtime.model_copy(update=update)
            profile = profile.model_copy(update={"runtimes": (runtime,)})
        model = build_model(
            fashion_program(), weights, target=profile.export, mean=MEAN, std=STD,
            class_names=(), metadata={},
        )  # fmt: skip
        folder = tmp_path / "winners" / "1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "student.onnx").write_bytes(model.SerializeToString())
        data = fashion_data()
        exporter = SimpleNamespace(
            run=tmp_path,
            board_images=lambda images, trial: resize(images.images, PX).numpy(),
            space=SimpleNamespace(program=lambda candidate: fashion_program()),
        )
        seen = SimpleNamespace(train_seconds=100.0, images_per_second=2000.0)
        trial = SimpleNamespace(
            trial_id=7,
            observations=(seen,),
            candidate=SimpleNamespace(distill=DistillParams(temperature=2.0, alpha=0.5)),
        )
        source = Source(
            trial=trial,
            exported=SimpleNamespace(path=folder / "student.onnx", input=profile.export.input),
            profile=profile,
            config=ExportConfig(**config),
            train=data.train,
            validation=data.validation,
            training=training,
            seed=0,
        )
        lines = Lines()
        return VariantMaker(exporter, source, say=lines.say).make(), lines

    return go


def test_a_trained_student_passes_in_int8_and_its_file_is_what_was_scored(make, tmp_path) -> None:
    made, _ = make(trained_fashion())
    fp32, *tried, int8 = made
    assert (fp32.precision, fp32.drop, fp32.agreement, fp32.passed) == ("fp32", 0.0, 1.0, True)
    assert all(v.file is None and v.precision == "int8" for v in tried)
    assert int8.passed
    assert int8.form == load_profile("host").runtime.int8
    assert int8.size_bytes == (tmp_path / int8.file).stat().st_size
    images = resize(fashion_data().validation.images, PX).numpy()
    named = run_onnx(tmp_path / int8.file, images).argmax(axis=1)
    right = named == fashion_data().validation.labels.numpy()
    assert int8.validation_accuracy == right.mean()
    assert int8.drop == pytest.approx(fp32.validation_accuracy - int8.validation_accuracy)
    assert {v.method for v in made[1:]} == {"minmax", "percentile", "entropy"}


def test_only_what_is_asked_for_and_offered_is_made(make, tmp_path) -> None:
    assert [v.precision for v in make(trained_fashion(), precision="fp32")[0]] == ["fp32"]
    made, _ = make(trained_fashion(), precisions=("fp32", "fp16", "int8"), precision="fp16")
    assert [v.precision for v in made] == ["fp32", "fp16"]
    assert made[1].passed
    kinds = {t.data_type for t in onnx.load(tmp_path / made[1].file).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds


def test_where_calibration_ruins_a_student_training_with_integers_repairs_it(make) -> None:
    per_tensor = Int8Form(activation="uint8", per_channel=False, reduce_range=False)
    weights = wild(trained_fashion(), spread=1000.0)
    without, _ = make(weights, form=per_tensor)
    assert not without[-1].passed
    made, lines = make(weights, form=per_tensor, training=fashion_data)
    *_, tuned = made
    assert tuned.method == "trained"
    assert tuned.file is not None
    assert tuned.drop < without[-1].drop
    assert tuned.note.endswith("steps of training with integers")
    assert [v.file for v in made[1:-1]] == [None] * (len(made) - 2)
    assert any("training with integers ..." in line for line in lines)


def test_training_that_does_not_help_leaves_the_file_of_calibration(
    make, monkeypatch, tmp_path
) -> None:
    per_tensor = Int8Form(activation="uint8", per_channel=False, reduce_range=False)
    weights = wild(trained_fashion(), spread=1000.0)

    def useless(student, *_args, **_options):
        constants = {k: np.zeros_like(v) for k, v in student.constants().items()}
        return SimpleNamespace(constants=constants, ranges=student.ranges(), steps=1)

    monkeypatch.setattr(module, "train_quantised", useless)
    made, _ = make(weights, form=per_tensor, training=fashion_data)
    *_, tuned, kept = made
    assert (tuned.method, tuned.file) == ("trained", None)
    assert kept.method != "trained"
    assert (tmp_path / kept.file).stat().st_size == kept.size_bytes

    def diverged(*_args, **_options):
        msg = "the loss is nan"
        raise TrainingError(msg)

    monkeypatch.setattr(module, "train_quantised", diverged)
    again, lines = make(weights, form=per_tensor, training=fashion_data)
    assert again[-1].sha256 == kept.sha256
    assert "training with integers failed: the loss is nan" in lines

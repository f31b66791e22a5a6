import dataclasses

import numpy as np
import onnx
import pytest
from safetensors.torch import save_file

from autokd.core.codec import load_record
from autokd.core.comparison import ImageOutcomes, outcomes_file
from autokd.core.config import ExportConfig
from autokd.core.device import load_profile
from autokd.core.results import ChosenFile
from autokd.core.trial import Trial, TrialState
from autokd.errors import DeviceError, ExportError, MeasurementError
from autokd.export.verify import run_onnx
from autokd.models.network import build_student
from autokd.pipeline.deliver import deliver
from autokd.pipeline.exporting import Exporter
from autokd.pipeline.plan import FINAL_RUNG
from autokd.pipeline.survey import make_space
from tests.pipeline.fakes import Lines, make_images, make_inputs, make_plan
from tests.report.conftest import build_report
from tests.search.fakes import observation

VALIDATION, TEST = make_images(10), make_images(7)


@pytest.fixture
def exporter(tmp_path) -> Exporter:
    inputs, plan = make_inputs(), make_plan()
    return Exporter(inputs.config, plan, make_space(inputs, plan.limits), tmp_path)


@pytest.fixture
def finalists(exporter: Exporter) -> tuple[Trial, ...]:
    """Two students whose weights are on the disk as a training leaves them."""
    space, found = exporter.space, []
    rng = np.random.default_rng(0)
    while len(found) < 2:
        family, distill = space.decode(rng.random(space.dimension))
        candidate = space.member(family, distill, member_seed=1, origin="random")
        if candidate is None:
            continue
        trial_id = 4 + len(found)
        network = build_student(space.program(candidate), seed=trial_id)
        folder = exporter.run / "trials" / str(trial_id)
        folder.mkdir(parents=True)
        weights = {
            name: value.clone().contiguous()
            for name, value in network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
        save_file(weights, folder / f"rung{FINAL_RUNG}.safetensors")
        found.append(
            Trial(
                trial_id=trial_id,
                candidate=candidate,
                state=TrialState.PAUSED,
                observations=(observation(1, 0.6), observation(FINAL_RUNG, 0.8)),
            )
        )
    return tuple(found)


@pytest.fixture
def measurement():
    return build_report().winners[0].measurement


@pytest.fixture
def run(exporter, finalists, monkeypatch, measurement):
    def go(
        *,
        plan=exporter.plan,
        test=TEST,
        measure=None,
        validation=VALIDATION,
        lines=None,
        device="raspberry-pi-zero-2w",
        **export,
    ):
        lines = lines if lines is not None else Lines()
        monkeypatch.setattr(
            "autokd.pipeline.winner_timing.measure_on", measure or (lambda *a, **k: measurement)
        )

        def load_test():
            lines.append("test split read")
            return test, 0.9, np.zeros(len(test), np.int64) if test else None

        def no_training():
            pytest.fail("nothing is trained on a host that is not the board")

        config = exporter.config.model_copy(update={"export": ExportConfig(**export)})
        inputs = make_inputs()
        return deliver(
            dataclasses.replace(exporter, plan=plan, config=config),
            finalists,
            profile=load_profile(device),
            dataset=dataclasses.replace(inputs.dataset, validation=validation),
            training=no_training,
            teacher_classes=lambda: np.arange(len(validation)) % 2,
            load_test=load_test,
            progress=lines.progress,
            say=lines.say,
        )

    return go


def test_a_student_is_exported_from_its_weights_of_the_full_length(
    exporter: Exporter, finalists, tmp_path
) -> None:
    trial, profile = finalists[0], make_inputs().profile
    found = exporter.export(
        trial, tmp_path / "out", images=VALIDATION, target=profile.export, device="board"
    )
    assert found.parity.images == 10
    assert found.parity.agreement == 1.0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "student.onnx",
        "student.safetensors",
        "genotype.json",
        "sample.npz",
    }


def test_the_board_gets_images_of_the_students_size(exporter: Exporter, finalists) -> None:
    for trial in finalists:
        px = trial.candidate.family.input_px
        assert exporter.board_images(VALIDATION, trial).shape == (10, px, px, 1)


def test_weights_that_are_not_there_are_named(exporter: Exporter, finalists, tmp_path) -> None:
    path = tmp_path / "trials" / "4" / f"rung{FINAL_RUNG}.safetensors"
    path.write_bytes(b"cut")
    with pytest.raises(ExportError, match=f"rung{FINAL_RUNG}.safetensors: the trained weights"):
        exporter._network(finalists[0])
    path.unlink()
    with pytest.raises(ExportError, match="cannot be read"):
        exporter._network(finalists[0])


def test_winners_are_in_the_order_of_the_finalists_with_their_files(
    run, finalists, tmp_path, measurement
) -> None:
    delivery = run()
    assert [(w.rank, w.trial_id) for w in delivery.winners] == [(1, 4), (2, 5)]
    for winner, trial in zip(delivery.winners, finalists, strict=True):
        assert winner.export.file == f"winners/{winner.rank}/student.onnx"
        assert (tmp_path / winner.export.file).stat().st_size == winner.export.size_bytes
        assert winner.cost == trial.candidate.cost
        assert winner.epochs == trial.observations[-1].fidelity.images / 20
        assert winner.train_seconds == 2.0
        assert (winner.validation_accuracy, winner.measurement) == (0.8, measurement)
        assert max(winner.violations.values()) <= 0
    assert delivery.teacher_test_accuracy == 0.9


def test_accuracies_are_those_of_the_files_in_onnxruntime(
    run, exporter: Exporter, finalists, tmp_path
) -> None:
    for winner, trial in zip(run().winners, finalists, strict=True):
        for images, accuracy in (
            (VALIDATION, winner.export.validation_accuracy),
            (TEST, winner.export.test_accuracy),
        ):
            logits = run_onnx(tmp_path / winner.export.file, exporter.board_images(images, trial))
            named = logits.argmax(axis=1)
            assert accuracy == (named == images.labels.numpy()).mean()
        assert winner.export.test_agreement == (named == 0).mean()


def test_each_winner_says_where_it_departs_from_the_teacher_on_validation_images(
    run, exporter: Exporter, finalists, tmp_path
) -> None:
    teacher = np.arange(len(VALIDATION)) % 2
    for winner, trial in zip(run().winners, finalists, strict=True):
        named = exporter.logits(trial, VALIDATION).argmax(axis=1)
        right = named == VALIDATION.labels.numpy()
        assert [score.name for score in winner.classes] == ["ant", "bee", "cat"]
        assert sum(score.images for score in winner.classes) == len(VALIDATION)
        assert sum(score.student_right for score in winner.classes) == right.sum()
        assert winner.strip.differing == (named != teacher).sum()
        assert winner.strip.file == f"winners/{winner.rank}/departures.png"
        assert (tmp_path / winner.strip.file).is_file()


def test_which_test_images_are_named_rightly_is_kept_beside_the_file(run, tmp_path) -> None:
    for winner in run().winners:
        model = tmp_path / winner.export.file
        kept = load_record(ImageOutcomes, outcomes_file(model))
        assert kept.split == "test"
        assert kept.images == len(TEST)
        assert sum(kept.right()) / kept.images == winner.export.test_accuracy


def test_the_test_split_is_read_once_after_all_winners_are_exported(run) -> None:
    lines = Lines()
    run(lines=lines)
    assert lines.count("test split read") == 1
    at = lines.index("test split read")
    ends = [line[0] for line in lines if isinstance(line, tuple) and line[1] == line[2]]
    assert ends == [
        "exporting",
        "settling the precision",
        "comparing with the teacher",
        "scoring in onnxruntime",
    ]
    assert lines[at - 1] == ("comparing with the teacher", 2, 2)


def test_without_test_images_there_are_no_test_scores(run) -> None:
    export = run(test=None).winners[0].export
    assert (export.test_accuracy, export.test_agreement) == (None, None)
    assert export.validation_accuracy is not None


def test_without_labels_there_is_agreement_alone(run, exporter: Exporter) -> None:
    unlabelled = make_images(10, labelled=False)
    data = exporter.plan.data.model_copy(update={"labelled": False})
    plan = exporter.plan.model_copy(update={"data": data})
    delivery = run(plan=plan, validation=unlabelled, test=make_images(7, labelled=False))
    winner = delivery.winners[0]
    assert (winner.validation_accuracy, winner.export.validation_accuracy) == (None, None)
    assert winner.export.test_accuracy is None
    assert winner.export.test_agreement is not None
    assert winner.validation_agreement == 0.8
    assert winner.classes == ()
    assert {image.label for image in winner.strip.images} == {None}


@pytest.mark.parametrize("fault", [DeviceError("no onnxruntime"), MeasurementError("too slow")])
def test_a_host_that_cannot_time_is_a_note_and_no_end(run, fault) -> None:
    def measure(*_args, **_options):
        raise fault

    lines = Lines()
    delivery = run(measure=measure, lines=lines)
    assert [w.measurement for w in delivery.winners] == [None, None]
    assert lines.count(f"not timed on this host: {fault}") == 2


def test_on_a_host_that_is_not_the_board_fp32_stays_and_int8_lies_beside_it(
    run, tmp_path, measurement
) -> None:
    winner = run(max_accuracy_drop=0.9).winners[0]
    assert winner.chosen == "fp32"
    assert "int8 was not timed: only the board decides" in winner.chosen_reason
    fp32, int8 = (v for v in winner.variants if v.file)
    assert (fp32.measurement, int8.measurement) == (measurement, None)
    assert (tmp_path / int8.file).stat().st_size == int8.size_bytes
    card = load_record(ChosenFile, tmp_path / "winners" / "1" / "student.json")
    assert (card.file, card.others) == ("student.onnx", ("student.int8.onnx",))
    assert card.sha256 == fp32.sha256 == winner.export.sha256


def test_on_the_board_the_faster_one_is_chosen_and_tested_alone(
    run, exporter: Exporter, finalists, tmp_path, measurement
) -> None:
    def measure(_target, model, _profile, **_options):
        time_ms = 1.0 if "int8" in model.name else 2.0
        times = {"p50_ms": time_ms, "min_ms": time_ms}
        return measurement.model_copy(update={"is_device": True, **times})

    winner = run(measure=measure, max_accuracy_drop=0.9, device="host").winners[0]
    assert winner.chosen == "int8"
    int8 = winner.chosen_variant
    assert (int8.ratio, int8.ratio_low, int8.ratio_high) == pytest.approx((0.5, 0.5, 0.5))
    assert winner.measurement.p50_ms == 2.0
    named = run_onnx(tmp_path / int8.file, exporter.board_images(TEST, finalists[0]))
    assert int8.test_accuracy == (named.argmax(axis=1) == TEST.labels.numpy()).mean()
    others = [v.test_accuracy for v in winner.variants if v is not int8]
    assert set(others) == {None}
    card = load_record(ChosenFile, tmp_path / "winners" / "1" / "student.json")
    assert (card.precision, card.file, card.sha256) == ("int8", "student.int8.onnx", int8.sha256)


def test_fp32_alone_makes_nothing_else(run, tmp_path) -> None:
    winner = run(precision="fp32").winners[0]
    assert [v.precision for v in winner.variants] == ["fp32"]
    assert winner.variants[0].test_accuracy == winner.export.test_accuracy
    assert not (tmp_path / "winners" / "1" / "student.int8.onnx").exists()


def test_metadata_say_where_a_student_comes_from(run, tmp_path) -> None:
    run()
    model = onnx.load(tmp_path / "winners" / "1" / "student.onnx")
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["trial"] == "4"
    assert said["teacher_sha256"] == "5f" * 32
    assert said["data_digest"] == "d" * 64
    assert "bee" in str(said)

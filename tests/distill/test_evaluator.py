import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch

from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.core.trial import Candidate, Fidelity
from autokd.data.store import save_image_set
from autokd.distill import evaluator as evaluator_module
from autokd.distill.batches import TrainingData
from autokd.distill.evaluator import StudentEvaluator, WorkerSetup
from autokd.distill.scoring import score_student
from autokd.models.network import StudentNetwork
from autokd.space.students import StudentSpace

FIRST = Fidelity(rung=0, images=64 * 6, seconds=1.0)
SECOND = Fidelity(rung=1, images=64 * 12, seconds=3.0)


@pytest.fixture
def setup(data: TrainingData, tmp_path: Path) -> WorkerSetup:
    assert data.logits is not None
    save_image_set(data.train, tmp_path / "data", "train")
    save_image_set(data.validation, tmp_path / "data", "validation")
    np.save(tmp_path / "logits.npy", data.logits)
    np.save(tmp_path / "validation.npy", data.validation_logits.numpy().astype(np.float16))
    return WorkerSetup(
        data_folder=tmp_path / "data",
        logits_file=tmp_path / "logits.npy",
        validation_logits_file=tmp_path / "validation.npy",
        trials_folder=tmp_path / "trials",
        preset="edge",
        profile=load_profile("raspberry-pi-zero-2w"),
        limits=Limits(max_params=3000),
        class_names=("a", "b", "c"),
        image_px=16,
        image_channels=3,
        flip=data.flip,
        view_seed=data.view_seed,
        mean=data.mean,
        std=data.std,
        seed=5,
    )


@pytest.fixture
def candidate(setup: WorkerSetup) -> Candidate:
    space = draw_space(setup)
    generator = np.random.default_rng(0)
    while True:
        family, distill = space.decode(generator.random(space.dimension))
        drawn = space.member(family, distill, member_seed=1, origin="random")
        if drawn is not None:
            return drawn


def draw_space(setup: WorkerSetup) -> StudentSpace:
    return StudentSpace(
        preset=setup.preset,
        profile=setup.profile,
        limits=setup.limits,
        image_px=setup.image_px,
        image_channels=setup.image_channels,
        class_names=setup.class_names,
    )


def test_the_saved_weights_score_what_the_observation_says(
    setup: WorkerSetup, candidate: Candidate, data: TrainingData
) -> None:
    seen = StudentEvaluator(setup)(4, candidate, FIRST)
    assert seen.fidelity == FIRST
    assert seen.images_per_second > 0
    network = StudentNetwork(draw_space(setup).program(candidate))
    folder = setup.trials_folder / "4"
    network.load_state_dict(safetensors.torch.load_file(folder / "rung0.safetensors"))
    score = score_student(network, data)
    assert (score.accuracy, score.agreement) == (seen.accuracy, seen.agreement)
    assert score.loss == pytest.approx(seen.loss, rel=1e-4)
    names = ["checkpoint.pt", "rung0.json", "rung0.safetensors"]
    assert sorted(file.name for file in folder.iterdir()) == names


def test_a_promoted_trial_ends_as_one_that_went_straight_to_the_rung(
    setup: WorkerSetup, candidate: Candidate, tmp_path: Path
) -> None:
    straight = setup.model_copy(update={"trials_folder": tmp_path / "straight"})
    StudentEvaluator(setup)(4, candidate, FIRST)
    promoted = pickle.loads(pickle.dumps(StudentEvaluator(setup)))  # as another process has it
    one, two = promoted(4, candidate, SECOND), StudentEvaluator(straight)(4, candidate, SECOND)
    assert (one.accuracy, one.loss, one.agreement) == (two.accuracy, two.loss, two.agreement)
    file = "4/rung1.safetensors"
    assert (setup.trials_folder / file).read_bytes() == (tmp_path / "straight" / file).read_bytes()


def test_a_finished_rung_is_not_trained_again(
    setup: WorkerSetup, candidate: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = StudentEvaluator(setup)(4, candidate, FIRST)
    with monkeypatch.context() as patch:
        patch.delattr(evaluator_module, "train")
        assert StudentEvaluator(setup)(4, candidate, FIRST) == first
    # Of another length, it is.
    longer = FIRST.model_copy(update={"images": 64 * 8})
    assert StudentEvaluator(setup)(4, candidate, longer).fidelity == longer


@pytest.mark.parametrize("lost", ["rung0.json", "rung0.safetensors"])
def test_a_rung_without_one_of_its_files_is_trained_again_to_the_same_end(
    setup: WorkerSetup, candidate: Candidate, lost: str
) -> None:
    first = StudentEvaluator(setup)(4, candidate, FIRST)
    folder = setup.trials_folder / "4"
    weights = (folder / "rung0.safetensors").read_bytes()
    (folder / lost).unlink()
    second = StudentEvaluator(setup)(4, candidate, FIRST)
    assert (second.accuracy, second.loss) == (first.accuracy, first.loss)
    assert (folder / "rung0.safetensors").read_bytes() == weights
    assert (folder / "rung0.json").is_file()


def test_a_damaged_observation_is_trained_again(setup: WorkerSetup, candidate: Candidate) -> None:
    first = StudentEvaluator(setup)(4, candidate, FIRST)
    (setup.trials_folder / "4" / "rung0.json").write_text('{"fidelity": ')
    assert StudentEvaluator(setup)(4, candidate, FIRST).accuracy == first.accuracy


def test_a_training_follows_from_the_member_and_not_from_the_number_of_its_trial(
    setup: WorkerSetup, candidate: Candidate
) -> None:
    evaluate = StudentEvaluator(setup)
    first = evaluate(1, candidate, FIRST)
    assert evaluate(2, candidate, FIRST).loss == first.loss
    other = candidate.model_copy(update={"member_seed": candidate.member_seed + 1})
    assert evaluate(3, other, FIRST).loss != first.loss


def test_a_repeat_is_the_same_student_trained_with_another_seed(
    setup: WorkerSetup, candidate: Candidate
) -> None:
    evaluate = StudentEvaluator(setup)
    repeats = [candidate.model_copy(update={"repeat": number}) for number in range(3)]
    losses = [evaluate(number, repeat, FIRST).loss for number, repeat in enumerate(repeats)]
    assert len(set(losses)) == 3
    assert losses[0] == evaluate(9, candidate, FIRST).loss
    programs = {repr(evaluate.space.program(repeat)) for repeat in repeats}
    assert len(programs) == 1


def test_two_losses_give_two_students(setup: WorkerSetup, candidate: Candidate) -> None:
    evaluate, files = StudentEvaluator(setup), []
    for trial_id, loss in enumerate(("kd", "dist")):
        distill = candidate.distill.model_copy(update={"loss": loss, "alpha": 0.8})
        evaluate(trial_id, candidate.model_copy(update={"distill": distill}), FIRST)
        files.append(setup.trials_folder / str(trial_id) / "rung0.safetensors")
    assert files[0].read_bytes() != files[1].read_bytes()

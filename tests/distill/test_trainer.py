import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autokd.core.trial import DistillParams, LossName
from autokd.distill import trainer
from autokd.distill.batches import BatchSource, TrainingData
from autokd.distill.losses import LOSSES
from autokd.distill.trainer import TrainResult, train
from autokd.errors import TrainingError
from autokd.models.network import StudentNetwork
from autokd.space.program import Program, ProgramBuilder

TAUGHT = DistillParams(temperature=4, alpha=0.7)
SHORT, LONG = 64 * 10, 64 * 30  # 10 steps with the branch after 7, 30 steps with it after 21


class KilledError(Exception):
    """Stands for kill -9."""


def kill_at(step: int) -> Callable[[int, int], None]:
    def on_step(done: int, total: int) -> None:
        if done == step:
            raise KilledError

    return on_step


def assert_same_bits(one: TrainResult, two: TrainResult) -> None:
    assert one.weights.keys() == two.weights.keys()
    assert all(torch.equal(one.weights[name], two.weights[name]) for name in one.weights)
    assert (one.accuracy, one.agreement, one.loss) == (two.accuracy, two.agreement, two.loss)


@pytest.fixture
def _always_save(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)


def test_a_promoted_student_ends_as_one_that_ran_through(
    program: Program, data: TrainingData, tmp_path: Path
) -> None:
    through = train(program, data, TAUGHT, images=LONG, seed=3)
    paused = tmp_path / "checkpoint.pt"
    short = train(program, data, TAUGHT, images=SHORT, seed=3, checkpoint=paused)
    steps: list[int] = []
    promoted = train(
        program,
        data,
        TAUGHT,
        images=LONG,
        seed=3,
        checkpoint=paused,
        on_step=lambda done, total: steps.append(done),
    )
    assert steps == list(range(8, 31))
    assert_same_bits(promoted, through)
    assert not torch.equal(short.weights["stem.conv.weight"], through.weights["stem.conv.weight"])


def test_images_are_smaller_until_the_decay(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = ProgramBuilder(image_channels=3, input_px=16)
    build.classify(build.conv("stem", 0, 4, stride=2), 3)
    sides = []
    forward = StudentNetwork.forward

    def watched(network: StudentNetwork, images: torch.Tensor) -> torch.Tensor:
        if network.training:
            sides.append((images.shape[-2], images.shape[-1]))
        return forward(network, images)

    monkeypatch.setattr(StudentNetwork, "forward", watched)
    train(build.build(), data, TAUGHT, images=SHORT, seed=3)
    assert sides == [(10, 10)] * 7 + [(16, 16)] * 3


@pytest.mark.usefixtures("_always_save")
@pytest.mark.parametrize("step", [3, 7, 9])  # stable, at the branch, in the decay
def test_a_killed_training_goes_on_from_the_last_save(
    program: Program, data: TrainingData, tmp_path: Path, step: int
) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(KilledError):
        train(program, data, TAUGHT, images=SHORT, seed=3, checkpoint=path, on_step=kill_at(step))
    steps: list[int] = []
    resumed = train(
        program,
        data,
        TAUGHT,
        images=SHORT,
        seed=3,
        checkpoint=path,
        on_step=lambda done, total: steps.append(done),
    )
    assert steps == list(range(step, 11))  # the step of the kill was done but not saved
    assert_same_bits(resumed, train(program, data, TAUGHT, images=SHORT, seed=3))


@pytest.mark.usefixtures("_always_save")
def test_the_state_of_a_decay_is_of_no_use_to_a_longer_rung(
    program: Program, data: TrainingData, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(KilledError):
        train(program, data, TAUGHT, images=SHORT, seed=3, checkpoint=path, on_step=kill_at(10))
    longer = train(program, data, TAUGHT, images=LONG, seed=3, checkpoint=path)
    assert_same_bits(longer, train(program, data, TAUGHT, images=LONG, seed=3))
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_checkpoint_of_another_loss_is_not_used(
    program: Program, data: TrainingData, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    other = TAUGHT.model_copy(update={"loss": "dist"})
    train(program, data, other, images=SHORT, seed=3, checkpoint=path)
    result = train(program, data, TAUGHT, images=SHORT, seed=3, checkpoint=path)
    assert_same_bits(result, train(program, data, TAUGHT, images=SHORT, seed=3))


@pytest.mark.parametrize("other", [LONG, SHORT])
def test_a_checkpoint_past_the_branch_or_of_another_seed_is_not_used(
    program: Program, data: TrainingData, tmp_path: Path, other: int
) -> None:
    path = tmp_path / "checkpoint.pt"
    train(program, data, TAUGHT, images=other, seed=3 if other == LONG else 4, checkpoint=path)
    result = train(program, data, TAUGHT, images=SHORT, seed=3, checkpoint=path)
    assert_same_bits(result, train(program, data, TAUGHT, images=SHORT, seed=3))


def test_a_damaged_checkpoint_starts_the_rung_again(
    program: Program, data: TrainingData, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    train(program, data, TAUGHT, images=SHORT, seed=3, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-100])
    result = train(program, data, TAUGHT, images=SHORT, seed=3, checkpoint=path)
    assert_same_bits(result, train(program, data, TAUGHT, images=SHORT, seed=3))


def test_alpha_zero_is_plain_training(program: Program, data: TrainingData) -> None:
    plain = DistillParams(temperature=4, alpha=0)
    with_logits = train(program, data, plain, images=SHORT, seed=3)
    without = train(program, replace(data, logits=None), plain, images=SHORT, seed=3)
    assert_same_bits(with_logits, without)
    taught = train(program, data, TAUGHT, images=SHORT, seed=3)
    assert not torch.equal(taught.weights["stem.conv.weight"], without.weights["stem.conv.weight"])


def test_training_depends_on_its_seed_and_leaves_the_global_generator_alone(
    program: Program, data: TrainingData
) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = train(program, data, TAUGHT, images=SHORT, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert_same_bits(one, train(program, data, TAUGHT, images=SHORT, seed=3))
    other = train(program, data, TAUGHT, images=SHORT, seed=4)
    assert not torch.equal(one.weights["stem.conv.weight"], other.weights["stem.conv.weight"])


def test_dropout_changes_from_step_to_step(program: Program, data: TrainingData) -> None:
    training = trainer.Training(program, data, TAUGHT, images=SHORT, seed=3)
    draws = []
    for training.step in (0, 1, 0):
        with training._dropout_stream():
            draws.append(torch.rand(20))
    assert torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], draws[1])


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_student_learns_from_labels_or_from_its_teacher(
    program: Program, data: TrainingData, alpha: float
) -> None:
    params = DistillParams(temperature=2, alpha=alpha)
    result = train(program, data, params, images=64 * 60, seed=0)
    assert result.accuracy > 0.9
    assert result.images_per_second == pytest.approx(64 * 60 / result.train_seconds)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_student_learns_from_images_without_labels(
    program: Program, data: TrainingData, loss: LossName
) -> None:
    labels = torch.full_like(data.train.labels, -1)
    bare = replace(data, train=replace(data.train, labels=labels))
    params = DistillParams(temperature=2, alpha=0, loss=loss)
    assert train(program, bare, params, images=64 * 60, seed=0).accuracy > 0.9


@pytest.mark.parametrize("loss", LOSSES)
def test_training_lowers_the_loss_that_it_is_given(
    program: Program, data: TrainingData, loss: LossName
) -> None:
    params = DistillParams(temperature=2, alpha=1, loss=loss)
    begun, trained = (
        loss_on_training_images(
            train(program, data, params, images=64 * steps, seed=0), program, data, params
        )
        for steps in (1, 60)
    )
    assert trained < 0.6 * begun  # the rest is the noise of the teacher


def test_every_loss_leads_to_other_weights(program: Program, data: TrainingData) -> None:
    ends = [
        train(
            program, data, TAUGHT.model_copy(update={"loss": loss}), images=SHORT, seed=3
        ).weights["stem.conv.weight"]
        for loss in LOSSES
    ]
    assert not any(torch.equal(one, two) for one, two in itertools.combinations(ends, 2))


def loss_on_training_images(
    result: TrainResult, program: Program, data: TrainingData, params: DistillParams
) -> float:
    """Give what is taught, on the images and the teacher of the first view."""
    network = StudentNetwork(program)
    network.load_state_dict(dict(result.weights), strict=False)
    batches = BatchSource(data, px=program.input_px, channels=3, seed=0, taught=True)
    batch = batches.batch(0)
    with torch.inference_mode():
        student = network.eval()(batch.images)
        assert batch.teacher_logits is not None
        taught = LOSSES[params.loss](student, batch.teacher_logits, batch.labels, params)
    return taught.mean().item()


def test_the_weights_load_into_a_network_and_are_contiguous(
    program: Program, data: TrainingData
) -> None:
    weights = train(program, data, TAUGHT, images=SHORT, seed=3).weights
    assert all(value.is_contiguous() for value in weights.values())
    assert {name for name in weights if name.startswith("stem.")} == {
        "stem.conv.weight",
        "stem.norm.weight",
        "stem.norm.bias",
        "stem.norm.running_mean",
        "stem.norm.running_var",
    }
    StudentNetwork(program).load_state_dict(dict(weights))


def test_a_teacher_that_is_not_finite_ends_the_trial_with_the_reason(
    program: Program, data: TrainingData
) -> None:
    broken = np.full(data.logits.shape, math.nan, np.float16) if data.logits is not None else None
    with pytest.raises(TrainingError, match="the loss is nan"):
        train(program, replace(data, logits=broken), TAUGHT, images=SHORT, seed=3)


def test_fewer_images_than_a_batch_are_one_step(program: Program, data: TrainingData) -> None:
    steps: list[tuple[int, int]] = []
    train(
        program,
        data,
        TAUGHT,
        images=1,
        seed=3,
        on_step=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(1, 1)]

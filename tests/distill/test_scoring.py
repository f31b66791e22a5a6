from dataclasses import replace

import pytest
import torch

from autokd.data.images import ImageSet
from autokd.distill.batches import TrainingData
from autokd.distill.scoring import score_student, student_logits
from autokd.models.network import StudentNetwork, build_student
from autokd.space.program import Program, ProgramBuilder

LOGIT = 0.8  # of the brightest channel, for pixels of 255 and weights of one
ERROR = -torch.log_softmax(torch.tensor([LOGIT, 0.0, 0.0]), 0)


def make_network() -> StudentNetwork:
    """A student whose logits are the means of the channels, scaled."""
    builder = ProgramBuilder(image_channels=3, input_px=8)
    builder.classify(0, 3)
    network = StudentNetwork(builder.build())
    with torch.no_grad():
        network.get_submodule("classifier").weight.copy_(LOGIT * torch.eye(3))
        network.get_submodule("classifier").bias.zero_()
    return network


def make_data(data: TrainingData, labels: list[int], teacher: list[int]) -> TrainingData:
    """Images of which number i is bright in channel i mod 3 alone, more than one batch of them."""
    count = len(labels)
    images = torch.zeros((count, 16, 16, 3), dtype=torch.uint8)
    images[torch.arange(count), :, :, torch.arange(count) % 3] = 255
    return replace(
        data,
        validation=ImageSet(images, torch.tensor(labels)),
        validation_logits=torch.eye(3)[torch.tensor(teacher)],
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
    )


def test_accuracy_agreement_and_loss_are_counted_over_all_images(data: TrainingData) -> None:
    # Of every six answers 0 1 2 0 1 2 three are right and the teacher names five of them.
    labels, teacher = [0, 1, 2, 1, 2, 0] * 101, [0, 1, 2, 0, 1, 0] * 101
    score = score_student(make_network(), make_data(data, labels, teacher))
    assert (score.accuracy, score.agreement) == (3 / 6, 5 / 6)
    assert score.loss == pytest.approx(float(ERROR[0] + ERROR[1]) / 2, rel=1e-5)


def test_an_image_without_a_label_is_right_when_the_student_agrees(data: TrainingData) -> None:
    score = score_student(make_network(), make_data(data, [-1] * 3, teacher=[0, 1, 0]))
    assert score.accuracy == score.agreement == 2 / 3
    assert score.loss == pytest.approx(float(2 * ERROR[0] + ERROR[1]) / 3, rel=1e-5)


def test_the_logits_are_those_that_were_scored(data: TrainingData) -> None:
    network = make_network()
    given = make_data(data, [0, 1, 2, 1, 2, 0] * 101, teacher=[0, 1, 2] * 202)
    logits = student_logits(network, given.validation, mean=given.mean, std=given.std)
    assert logits.shape == (606, 3)
    assert logits.numpy() == pytest.approx(LOGIT * torch.eye(3).repeat(202, 1).numpy())
    right = (logits.argmax(dim=1) == given.validation.labels).float().mean()
    assert float(right) == score_student(network, given).accuracy


def test_scoring_leaves_the_weights_and_statistics_alone(
    data: TrainingData, program: Program
) -> None:
    network = build_student(program, seed=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert score_student(network, data) == score_student(network, data)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())

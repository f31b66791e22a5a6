import dataclasses

import torch

from autokd.pipeline.input_facts import (
    data_result,
    teacher_line,
    teacher_result,
    unreadable_warning,
)
from autokd.teacher.preflight import PreflightScore
from tests.pipeline.fakes import CLASSES, make_inputs

SCORE = PreflightScore(
    accuracy=0.9,
    mirrored_accuracy=0.8,
    mirrored_agreement=0.95,
    flip=True,
    logits=torch.zeros(10, len(CLASSES)),
    warnings=(),
)


def test_a_line_says_what_the_teacher_is_and_how_it_scores() -> None:
    inputs = make_inputs()
    said = "teacher: state_dict, 30,000 parameters, 90.00% of 10 validation images right."
    assert teacher_line(inputs, SCORE) == said
    inputs.teacher.card.arch, inputs.teacher.card.params = "resnet18", None
    unlabelled = dataclasses.replace(SCORE, accuracy=None)
    said = "teacher: resnet18, parameters not counted; no labels, so nothing to score."
    assert teacher_line(inputs, unlabelled) == said


def test_images_that_could_not_be_read_are_counted() -> None:
    dataset = make_inputs().dataset
    assert unreadable_warning(dataset) == ()
    (told,) = unreadable_warning(dataclasses.replace(dataset, unreadable=("a.png", "b.png")))
    assert told == "2 images could not be read and were left out."


def test_the_report_has_the_counts_and_numbers_where_classes_have_no_names() -> None:
    inputs = make_inputs()
    found = data_result(inputs, flip=True)
    assert (found.train_images, found.validation_images, found.flip) == (20, 10, True)
    assert found.classes == CLASSES
    nameless = dataclasses.replace(inputs.dataset, class_names=())
    inputs = dataclasses.replace(inputs, dataset=nameless)
    assert data_result(inputs, flip=False).classes == ("0", "1", "2")


def test_the_teachers_test_score_is_not_known_yet() -> None:
    found = teacher_result(make_inputs(), SCORE)
    assert (found.validation_accuracy, found.mirrored_accuracy) == (0.9, 0.8)
    assert found.test_accuracy is None

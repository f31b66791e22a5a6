import pytest
import torch

from autokd.teacher.chance import score_predictions


def _of(right: int, images: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Even labels; ``right`` predictions are right, the others name the next class."""
    labels = torch.arange(images) % classes
    predicted = (labels + 1) % classes
    predicted[:right] = labels[:right]
    return predicted, labels


def test_perfect_predictions_have_a_kappa_of_one() -> None:
    score = score_predictions(*_of(100, 100, 10), classes=10)
    assert (score.accuracy, score.kappa, score.near_chance) == (1.0, pytest.approx(1.0), False)
    assert score.chance == pytest.approx(0.1)


def test_naming_the_most_frequent_class_counts_for_nothing() -> None:
    labels = torch.tensor([0] * 90 + [1] * 10)
    score = score_predictions(torch.zeros(100, dtype=torch.int64), labels, classes=2)
    assert (score.accuracy, score.kappa, score.near_chance) == (0.9, pytest.approx(0.0), True)


def test_a_single_class_is_never_better_than_chance() -> None:
    same = torch.zeros(50, dtype=torch.int64)
    assert score_predictions(same, same, classes=3).near_chance


@pytest.mark.parametrize(
    ("right", "images", "near"),
    [(140, 1000, True), (150, 1000, False), (11, 50, True), (12, 50, False)],
)
def test_the_border_depends_on_the_number_of_images(right: int, images: int, near: bool) -> None:
    score = score_predictions(*_of(right, images, 10), classes=10)
    assert score.near_chance is near


def test_two_classes_need_better_than_even() -> None:
    assert score_predictions(*_of(510, 1000, 2), classes=2).near_chance
    assert not score_predictions(*_of(600, 1000, 2), classes=2).near_chance

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from autokd.errors import TeacherError
from autokd.teacher.card import TeacherCard
from autokd.teacher.outputs import are_probabilities, as_outputs, prepare, to_logits

SCORES = torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 5.0]])


def _card(**changes: object) -> TeacherCard:
    plain = {
        "file": "m",
        "sha256": "0",
        "kind": "onnx",
        "arch": None,
        "input_px": 8,
        "image_channels": 3,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.5, 1.0),
        "class_names": (),
        "classes": 3,
        "params": 1,
        "size_bytes": 1,
        "macs": None,
    }
    return TeacherCard.model_validate({**plain, **changes})


@pytest.mark.parametrize(
    "given",
    [
        SCORES,
        SCORES[:, :, None, None],
        (SCORES, torch.zeros(1)),
        {"logits": SCORES},
        SimpleNamespace(logits=SCORES),
        SCORES.double(),
    ],
)
def test_scores_are_found_in_what_networks_give(given: object) -> None:
    assert torch.equal(as_outputs(given, "m"), SCORES)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(2, 3, 4, 4), r"m: gives a tensor of shape \(2, 3, 4, 4\)"),
        (torch.zeros(2, 1), r"shape \(2, 1\)"),
        (torch.zeros(3), r"shape \(3,\)"),
        ("text", "m: gives a str"),
    ],
)
def test_other_outputs_are_refused(given: object, message: str) -> None:
    with pytest.raises(TeacherError, match=message):
        as_outputs(given, "m")


def test_a_softmax_is_told_from_logits() -> None:
    assert are_probabilities(SCORES.softmax(1))
    assert not are_probabilities(SCORES)


def test_undoing_a_softmax_keeps_the_softened_distributions() -> None:
    logits = to_logits(SCORES.softmax(1), probabilities=True, order=None)
    torch.testing.assert_close((logits / 4).softmax(1), (SCORES / 4).softmax(1))


def test_columns_are_put_in_order() -> None:
    assert to_logits(SCORES, probabilities=False, order=(2, 0, 1)).tolist() == [
        [3.0, 1.0, 2.0],
        [5.0, 0.0, -1.0],
    ]


def test_images_are_resized_and_normalised_by_channel() -> None:
    white = torch.full((2, 16, 16, 3), 255, dtype=torch.uint8)
    given = prepare(white, _card())
    assert given.shape == (2, 3, 8, 8)
    assert given[0, :, 0, 0].tolist() == pytest.approx([2.0, 1.0, 0.5])


def test_gray_goes_three_times_into_an_rgb_teacher() -> None:
    given = prepare(torch.full((1, 8, 8, 1), 255, dtype=torch.uint8), _card())
    assert given[0, :, 0, 0].tolist() == pytest.approx([2.0, 1.0, 0.5])


def test_a_file_that_normalises_inside_gets_the_bytes(images: Tensor) -> None:
    given = prepare(images, _card(normalised_inside=True, input_px=16))
    assert given.dtype == torch.uint8
    assert torch.equal(given.permute(0, 2, 3, 1), images)

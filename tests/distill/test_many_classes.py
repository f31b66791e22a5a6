"""What the form of many classes does to a loss and its gradient, against all logits in float64."""

import pytest
import torch

from autokd.core.trial import DistillParams, LossName
from autokd.distill.losses import LOSSES
from autokd.teacher.top_classes import form_for

CLASSES = 1000
TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 20.0)
# Of the gradient, at the worst of the temperatures.
MOST = {"kd": 0.12, "dkd": 0.12, "dist": 0.16, "logit-std": 0.12}


def real_looking_logits(images: int, seed: int = 0) -> torch.Tensor:
    """Logits of a made-up teacher that look like those of a real one.

    Features of a few dimensions and a random classifier give neighbours of the right class that
    come up together. The spread of a row, about 1, and the probability of the likeliest class,
    about 0.4, are those of an EfficientNet-Lite0 of 1000 classes on photos.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    classifier = normal(CLASSES, 32)
    right = torch.randint(0, CLASSES, (images,), generator=generator)
    features = classifier[right] + 0.7 * normal(images, 32)
    logits = 0.15 * features @ classifier.T + 0.3 * normal(images, CLASSES)
    logits[torch.arange(images), right] += 2
    return logits


def gradient(
    teacher: torch.Tensor, student: torch.Tensor, params: DistillParams
) -> tuple[float, torch.Tensor]:
    student = student.clone().requires_grad_()
    labels = torch.full((len(teacher),), -1)
    loss = LOSSES[params.loss](student, teacher, labels, params).mean()
    return loss.item(), torch.autograd.grad(loss, student)[0]


def error(teacher: torch.Tensor, read: torch.Tensor, loss: LossName, temperature: float) -> float:
    """Give the relative error of the gradient, of a student that has learned half."""
    noise = torch.randn(teacher.shape, generator=torch.Generator().manual_seed(9)).double()
    params = DistillParams(temperature=temperature, alpha=1, loss=loss)
    _, exact = gradient(teacher, 0.5 * teacher + noise, params)
    _, found = gradient(read, 0.5 * teacher + noise, params)
    return float((found - exact).norm() / exact.norm())


@pytest.fixture(scope="module")
def teacher() -> torch.Tensor:
    made = real_looking_logits(128)
    assert 0.8 < made.std(dim=1).mean() < 1.4
    assert 0.2 < made.softmax(dim=1).amax(dim=1).mean() < 0.7
    return made


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_of_every_loss_is_nearly_that_of_all_logits(
    teacher: torch.Tensor, loss: LossName, temperature: float
) -> None:
    form = form_for(CLASSES)
    read = form.unpack(form.pack(teacher)).double()
    assert error(teacher, read, loss, temperature) < MOST[loss]


def test_at_temperature_one_the_error_of_kd_is_that_of_sixteen_bits(teacher: torch.Tensor) -> None:
    form = form_for(CLASSES)
    read = form.unpack(form.pack(teacher)).double()
    assert error(teacher, read, "kd", 1.0) < 0.01
    params = DistillParams(temperature=1, alpha=1)
    student = 0.5 * teacher
    assert gradient(read, student, params)[0] == pytest.approx(
        gradient(teacher, student, params)[0], rel=0.01
    )


def test_an_even_rest_would_lose_half_of_what_a_temperature_of_four_asks_for(
    teacher: torch.Tensor,
) -> None:
    """The reason for the steps: without them the form above would be a third as large."""
    form = form_for(CLASSES)
    rows = form.pack(teacher)
    rows["step"] = 0
    assert error(teacher, form.unpack(rows).double(), "kd", 4.0) > 0.4

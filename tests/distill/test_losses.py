import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from autokd.core.trial import DistillParams
from autokd.distill.losses import distillation_loss, kd_loss


def logits(seed: int, n: int = 6, c: int = 5) -> torch.Tensor:
    return torch.randn(n, c, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_loss_of_a_student_that_equals_its_teacher_is_zero() -> None:
    assert kd_loss(logits(0), logits(0), temperature=3.0).abs().max() < 1e-12


def test_the_loss_of_two_classes_is_the_closed_form() -> None:
    student, teacher = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(3.0) * 2, 0.0]])
    # At temperature 2 the teacher says 3/4 and 1/4, the student 1/2 each.
    expected = 4 * (0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5))
    assert kd_loss(student, teacher, temperature=2.0).item() == pytest.approx(expected, rel=1e-5)


def test_the_gradient_at_a_high_temperature_is_that_of_matched_logits() -> None:
    # [Hinton2015] eq. 4: for zero-mean logits the gradient tends to (student - teacher) / classes.
    student = (logits(0) - logits(0).mean(dim=1, keepdim=True)).requires_grad_()
    teacher = logits(1) - logits(1).mean(dim=1, keepdim=True)
    (gradient,) = torch.autograd.grad(kd_loss(student, teacher, temperature=1e4).sum(), student)
    torch.testing.assert_close(gradient, (student - teacher) / 5, rtol=1e-3, atol=1e-3)


def test_the_mean_is_over_images_and_not_over_classes() -> None:
    params = DistillParams(temperature=4, alpha=1)
    labels = torch.zeros(6, dtype=torch.int64)
    expected = 16 * F.kl_div(
        F.log_softmax(logits(0) / 4, 1), F.softmax(logits(1) / 4, 1), reduction="batchmean"
    )
    loss = distillation_loss(logits(0), logits(1), labels, params)
    torch.testing.assert_close(loss, expected)


def test_alpha_weighs_the_teacher_against_the_labels() -> None:
    labels = torch.arange(6) % 5
    plain, taught, mixed = (
        distillation_loss(
            logits(0), logits(1), labels, DistillParams(temperature=2, alpha=alpha)
        ).item()
        for alpha in (0, 1, 0.3)
    )
    assert mixed == pytest.approx(0.7 * plain + 0.3 * taught)


def test_alpha_zero_never_reads_the_teacher() -> None:
    labels = torch.arange(6) % 5
    broken = torch.full((6, 5), math.nan)
    params = DistillParams(temperature=2, alpha=0)
    expected = F.cross_entropy(logits(0), labels)
    assert torch.equal(distillation_loss(logits(0), broken, labels, params), expected)
    assert torch.equal(distillation_loss(logits(0), None, labels, params), expected)


@pytest.mark.parametrize("alpha", [0.0, 0.4])
def test_a_row_without_a_label_learns_from_the_teacher_alone(alpha: float) -> None:
    labels = torch.tensor([0, 1, 2, -1, -1, 3])
    bare = labels < 0
    loss = distillation_loss(
        logits(0), logits(1), labels, DistillParams(temperature=2, alpha=alpha)
    )
    taught = kd_loss(logits(0), logits(1), temperature=2)
    plain = F.cross_entropy(logits(0), labels.clamp(min=0), reduction="none")
    rows = torch.where(bare, taught, (1 - alpha) * plain + alpha * taught)
    torch.testing.assert_close(loss, rows.mean())

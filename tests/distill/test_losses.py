"""Each loss against its definition, written once more in numpy from the papers."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from autokd.core.trial import DistillParams, LossName
from autokd.distill.losses import FLATTEST, LOSSES, distillation_loss

NAMES = tuple(LOSSES)
LABELS = torch.tensor([0, 1, 2, -1, -1, 3])


def logits(seed: int, n: int = 6, c: int = 5) -> torch.Tensor:
    return torch.randn(n, c, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def params(loss: str, temperature: float = 2.0, alpha: float = 1.0) -> DistillParams:
    """Give parameters, of a temperature that no record would take as well."""
    return DistillParams.model_construct(loss=loss, temperature=temperature, alpha=alpha)


def taught(
    loss: str,
    student: torch.Tensor,
    teacher: torch.Tensor,
    labels: torch.Tensor | None = None,
    temperature: float = 2.0,
) -> torch.Tensor:
    labels = torch.full((len(student),), -1) if labels is None else labels
    return LOSSES[loss](student, teacher, labels, params(loss, temperature))


# The definitions.


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum()


def kl(teacher: np.ndarray, student: np.ndarray) -> float:
    return float(np.sum(teacher * np.log(teacher / student)))


def kd(student: np.ndarray, teacher: np.ndarray, labels: np.ndarray, t: float) -> np.ndarray:
    rows = zip(student, teacher, strict=True)
    return np.array([t**2 * kl(softmax(v / t), softmax(z / t)) for z, v in rows])


def parts_of_kd(z: np.ndarray, v: np.ndarray, target: int, t: float) -> tuple[float, float, float]:
    """Give TCKD, NCKD and what the teacher leaves to the other classes."""
    p, q = softmax(v / t), softmax(z / t)
    others = np.arange(len(z)) != target
    rest_p, rest_q = p[others].sum(), q[others].sum()
    tckd = kl(np.array([p[target], rest_p]), np.array([q[target], rest_q]))
    return tckd, kl(p[others] / rest_p, q[others] / rest_q), float(rest_p)


def dkd(student: np.ndarray, teacher: np.ndarray, labels: np.ndarray, t: float) -> np.ndarray:
    values = []
    for z, v, label in zip(student, teacher, labels, strict=True):
        tckd, nckd, _ = parts_of_kd(z, v, int(label) if label >= 0 else int(v.argmax()), t)
        values.append(t**2 * (1.0 * tckd + 2.0 * nckd))
    return np.array(values)


def dist(student: np.ndarray, teacher: np.ndarray, labels: np.ndarray, t: float) -> np.ndarray:
    q = np.array([softmax(z / t) for z in student])
    p = np.array([softmax(v / t) for v in teacher])
    images = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(q, p, strict=True)])
    classes = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(q.T, p.T, strict=True)])
    return 2.0 * (1 - images) + 2.0 * (1 - classes).mean()


def logit_std(student: np.ndarray, teacher: np.ndarray, labels: np.ndarray, t: float) -> np.ndarray:
    def z_score(x: np.ndarray) -> np.ndarray:
        return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)

    return 9.0 * kd(z_score(student), z_score(teacher), labels, t)


DEFINITIONS = {"kd": kd, "dkd": dkd, "dist": dist, "logit-std": logit_std}


def test_every_name_has_its_loss_and_its_definition() -> None:
    assert list(LOSSES) == list(get_args(LossName)) == list(DEFINITIONS)


@pytest.mark.parametrize("shape", [(6, 5), (6, 3), (40, 100)])
@pytest.mark.parametrize("temperature", [1.0, 2.0, 7.5])
@pytest.mark.parametrize("name", NAMES)
def test_a_loss_is_its_definition(
    name: LossName, temperature: float, shape: tuple[int, int]
) -> None:
    student, teacher = logits(0, *shape), 3 * logits(1, *shape)
    labels = torch.arange(shape[0]) % (shape[1] + 1) - 1
    expected = DEFINITIONS[name](student.numpy(), teacher.numpy(), labels.numpy(), temperature)
    found = taught(name, student, teacher, labels, temperature)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)
    single = taught(name, student.float(), teacher.float(), labels, temperature)
    np.testing.assert_allclose(single.numpy(), expected, rtol=1e-3)


@pytest.mark.parametrize("target", range(5))
def test_the_parts_of_kd_add_up_to_it_for_any_target(target: int) -> None:
    # The identity that DKD starts from, and so a check of the definition above.
    student, teacher = logits(0).numpy(), logits(1).numpy()
    for row, z, v in zip(kd(student, teacher, LABELS.numpy(), 2.0), student, teacher, strict=True):
        tckd, nckd, rest = parts_of_kd(z, v, target, 2.0)
        assert row == pytest.approx(4 * (tckd + rest * nckd))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_that_of_finite_differences(name: LossName, temperature: float) -> None:
    teacher = 3 * logits(1)

    def of(student: torch.Tensor) -> torch.Tensor:
        return taught(name, student, teacher, LABELS, temperature)

    assert torch.autograd.gradcheck(of, (logits(0).requires_grad_(),))


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_of_the_mixture_is_that_of_finite_differences(
    name: LossName, alpha: float
) -> None:
    given = params(name, alpha=alpha)
    assert torch.autograd.gradcheck(
        lambda student: distillation_loss(student, 3 * logits(1), LABELS, given),
        (logits(0).requires_grad_(),),
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_of_a_student_that_equals_its_teacher_is_zero(name: LossName) -> None:
    assert taught(name, logits(0), logits(0), LABELS, 3.0).abs().max() < 1e-12
    assert taught(name, logits(1), logits(0), LABELS, 3.0).min() > 1e-3


def test_the_loss_of_two_classes_is_the_closed_form() -> None:
    student, teacher = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(3.0) * 2, 0.0]])
    # At temperature 2 the teacher says 3/4 and 1/4, the student 1/2 each.
    expected = 4 * (0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5))
    assert taught("kd", student, teacher).item() == pytest.approx(expected, rel=1e-5)


def test_with_two_classes_dkd_is_kd() -> None:
    one, other = logits(0, c=2), logits(1, c=2)
    torch.testing.assert_close(taught("dkd", one, other), taught("kd", one, other))


# Limits of temperature: T^2 KL of nearly equal logits is half the variance of their difference.


def test_the_gradient_at_a_high_temperature_is_that_of_matched_logits() -> None:
    # [Hinton2015] eq. 4: for zero-mean logits the gradient tends to (student - teacher) / classes.
    student = (logits(0) - logits(0).mean(dim=1, keepdim=True)).requires_grad_()
    teacher = logits(1) - logits(1).mean(dim=1, keepdim=True)
    value = taught("kd", student, teacher, temperature=1e4).sum()
    (gradient,) = torch.autograd.grad(value, student)
    torch.testing.assert_close(gradient, (student - teacher) / 5, rtol=1e-3, atol=1e-3)


def test_at_a_high_temperature_dkd_is_two_variances() -> None:
    difference = (logits(0) - logits(1)).numpy()
    labels = LABELS.clamp(min=0)
    expected = []
    for row, target in zip(difference, labels.numpy(), strict=True):
        others = np.delete(row, target)
        gap = row[target] - others.mean()
        expected.append(gap**2 / 2 * (1 / 5) * (4 / 5) + 2 * others.var() / 2)
    found = taught("dkd", logits(0), logits(1), labels, 1e4)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3)


def test_at_a_high_temperature_logit_std_is_the_correlation_of_the_logits() -> None:
    pairs = zip(logits(0).numpy(), logits(1).numpy(), strict=True)
    expected = [9 * (1 - np.corrcoef(*pair)[0, 1]) for pair in pairs]
    found = taught("logit-std", logits(0), logits(1), temperature=1e4)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3)


def test_at_a_high_temperature_dist_compares_the_logits_themselves() -> None:
    student, teacher = (x - x.mean(axis=1, keepdims=True) for x in (logits(0), logits(1)))
    images = [np.corrcoef(*pair)[0, 1] for pair in zip(student, teacher, strict=True)]
    classes = [np.corrcoef(*pair)[0, 1] for pair in zip(student.T, teacher.T, strict=True)]
    expected = 2 * (1 - np.array(images)) + 2 * (1 - np.mean(classes))
    found = taught("dist", logits(0), logits(1), temperature=200.0)
    np.testing.assert_allclose(found.numpy(), expected, rtol=3e-2)


# What a loss does not see.


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_added_to_a_row_changes_nothing(name: LossName) -> None:
    base = taught(name, logits(0), logits(1), LABELS)
    constant = 5 * logits(2)[:, :1]
    torch.testing.assert_close(taught(name, logits(0) + constant, logits(1), LABELS), base)
    torch.testing.assert_close(taught(name, logits(0), logits(1) + constant, LABELS), base)


@pytest.mark.parametrize("name", NAMES)
def test_logit_std_alone_does_not_see_the_scale_of_a_row(name: LossName) -> None:
    factor = (2 * logits(2)[:, :1]).exp()  # another one for each row
    base = taught(name, logits(0), logits(1), LABELS)
    of_student = taught(name, logits(0) * factor, logits(1), LABELS)
    of_teacher = taught(name, logits(0), logits(1) * factor, LABELS)
    if name == "logit-std":
        torch.testing.assert_close(of_student, base)
        torch.testing.assert_close(of_teacher, base)
    else:
        assert (of_student - base).abs().max() > 0.1
        assert (of_teacher - base).abs().max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_dist_alone_does_not_see_how_sure_the_student_is(name: LossName) -> None:
    # Mixed with the uniform answer, probabilities go through an affine map, in rows and columns.
    unsure = (0.3 * logits(0).softmax(dim=1) + 0.7 / 5).log()
    sure = taught(name, logits(0), logits(1), LABELS, 1.0)
    difference = (taught(name, unsure, logits(1), LABELS, 1.0) - sure).abs().max()
    assert difference < 1e-9 if name == "dist" else difference > 0.02


def test_dist_of_an_image_does_not_see_how_sure_the_student_is_of_each_one() -> None:
    share = torch.linspace(0.1, 1, 6, dtype=torch.float64)[:, None]
    unsure = (share * logits(0).softmax(dim=1) + (1 - share) / 5).log()
    moved = taught("dist", unsure, logits(1), None, 1.0) - taught(
        "dist", logits(0), logits(1), None, 1.0
    )
    assert moved.abs().max() > 1e-3  # the classes see it, in one number for the batch
    torch.testing.assert_close(moved, moved[:1].expand(6))


def test_of_two_that_agree_on_the_other_classes_dkd_sees_the_target_alone() -> None:
    labels = LABELS.clamp(min=0)
    student = logits(1) + 3 * F.one_hot(labels, 5)
    rows = zip(student.numpy(), logits(1).numpy(), labels.tolist(), strict=True)
    expected = [4 * parts_of_kd(z, v, target, 2.0)[0] for z, v, target in rows]
    found = taught("dkd", student, logits(1), labels)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)


# Labels, and rows without one.


@pytest.mark.parametrize("name", ["kd", "dist", "logit-std"])
def test_three_losses_need_no_label(name: LossName) -> None:
    assert torch.equal(
        taught(name, logits(0), logits(1), LABELS), taught(name, logits(0), logits(1), None)
    )


def test_a_row_without_a_label_has_the_target_that_the_teacher_names() -> None:
    named = torch.where(LABELS >= 0, LABELS, logits(1).argmax(dim=1))
    given = taught("dkd", logits(0), logits(1), named)
    assert torch.equal(taught("dkd", logits(0), logits(1), LABELS), given)
    assert not torch.equal(taught("dkd", logits(0), logits(1), (named + 1) % 5), given)


def test_the_mean_is_over_images_and_not_over_classes() -> None:
    expected = 16 * F.kl_div(
        F.log_softmax(logits(0) / 4, 1), F.softmax(logits(1) / 4, 1), reduction="batchmean"
    )
    labels = torch.zeros(6, dtype=torch.int64)
    loss = distillation_loss(logits(0), logits(1), labels, params("kd", temperature=4.0))
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("name", NAMES)
def test_alpha_weighs_the_teacher_against_the_labels(name: LossName) -> None:
    labels = torch.arange(6) % 5
    plain, wholly, mixed = (
        distillation_loss(logits(0), logits(1), labels, params(name, alpha=alpha)).item()
        for alpha in (0, 1, 0.3)
    )
    assert plain == pytest.approx(F.cross_entropy(logits(0), labels).item(), rel=1e-12)
    assert wholly == pytest.approx(taught(name, logits(0), logits(1), labels).mean().item())
    assert mixed == pytest.approx(0.7 * plain + 0.3 * wholly)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_teacher_it_is_plain_cross_entropy_bit_for_bit(name: LossName) -> None:
    labels = torch.arange(6) % 5
    expected = F.cross_entropy(logits(0), labels)
    given = params(name, alpha=0)
    assert torch.equal(distillation_loss(logits(0), None, labels, given), expected)


@pytest.mark.parametrize("alpha", [0.0, 0.4])
@pytest.mark.parametrize("name", NAMES)
def test_a_row_without_a_label_learns_from_the_teacher_alone(name: LossName, alpha: float) -> None:
    loss = distillation_loss(logits(0), logits(1), LABELS, params(name, alpha=alpha))
    from_teacher = taught(name, logits(0), logits(1), LABELS)
    plain = F.cross_entropy(logits(0), LABELS.clamp(min=0), reduction="none")
    mixed = (1 - alpha) * plain + alpha * from_teacher
    torch.testing.assert_close(loss, torch.where(LABELS < 0, from_teacher, mixed).mean())


# Where a formula divides by nothing or takes the logarithm of nothing.

FLAT = torch.zeros(4, 5)
RARE = torch.cat(
    [torch.full((4, 1), -300.0), logits(2, 4, 4).float()], dim=1
)  # underflows in float32
SURE = 1e4 * F.one_hot(torch.arange(4), 5).float()
SAME = torch.arange(5.0).expand(4, 5)  # no class differs between images
CASES = {
    "flat student": (FLAT, logits(1, 4).float()),
    "flat teacher": (logits(0, 4).float(), FLAT),
    "both flat": (FLAT, FLAT + 3),
    "sure student": (SURE, logits(1, 4).float()),
    "sure teacher": (logits(0, 4).float(), SURE),
    "both sure of something else": (SURE, SURE.roll(1, dims=1)),
    "a class that is never seen": (logits(0, 4).float(), RARE),
    "a class that is never named": (RARE, logits(1, 4).float()),
    "images that do not differ": (SAME, SAME.flip(1)),
    "two classes": (logits(0, 4, 2).float(), logits(1, 4, 2).float()),
    "two flat classes": (torch.zeros(4, 2), logits(1, 4, 2).float()),
    "one image": (logits(0, 1).float(), logits(1, 1).float()),
    "one flat image of two classes": (torch.zeros(1, 2), torch.zeros(1, 2)),
}


@pytest.mark.parametrize("temperature", [1.0, 10.0])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient_are_finite(name: LossName, case: str, temperature: float) -> None:
    given, teacher = CASES[case]
    for labels in (torch.full((len(given),), -1), torch.arange(len(given)) % given.shape[1]):
        student = given.clone().requires_grad_()
        value = taught(name, student, teacher, labels, temperature)
        assert value.shape == (len(given),)
        assert value.isfinite().all()
        (gradient,) = torch.autograd.grad(value.sum(), student)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_student_that_says_nothing_is_led_to_its_teacher(name: LossName) -> None:
    student = torch.zeros(6, 5, dtype=torch.float64, requires_grad=True)
    teacher = logits(1) - logits(1).mean(dim=1, keepdim=True)
    (gradient,) = torch.autograd.grad(taught(name, student, teacher).sum(), student)
    assert ((gradient * teacher).sum(dim=1) < 0).all()
    assert gradient.norm(dim=1).max() < 20 / FLATTEST


def test_two_standardised_classes_teach_nothing() -> None:
    # Why the loss is refused for them.
    student = logits(0, c=2).requires_grad_()
    value = taught("logit-std", student, logits(1, c=2))
    (gradient,) = torch.autograd.grad(value.sum(), student)
    assert value.max() > 1
    assert gradient.abs().max() < 1e-12

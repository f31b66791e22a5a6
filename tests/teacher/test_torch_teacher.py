import pytest
import torch
from torch import Tensor, nn

from autokd.errors import TeacherError
from autokd.teacher import torch_teacher
from autokd.teacher.card import TeacherCard
from autokd.teacher.torch_teacher import TorchTeacher, count_macs


def _card() -> TeacherCard:
    return TeacherCard(
        file="m",
        sha256="0",
        kind="module",
        arch=None,
        input_px=16,
        image_channels=3,
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        class_names=(),
        classes=3,
        params=1,
        size_bytes=1,
        macs=None,
    )


@pytest.fixture
def teacher(tiny: nn.Module) -> TorchTeacher:
    return TorchTeacher(tiny, _card())


def test_logits_do_not_depend_on_the_batch(teacher: TorchTeacher) -> None:
    generator = torch.Generator().manual_seed(3)
    many = torch.randint(0, 256, (600, 16, 16, 3), dtype=torch.uint8, generator=generator)
    torch.testing.assert_close(teacher.logits(many)[300:303], teacher.logits(many[300:303]))


def test_no_gradient_is_kept(teacher: TorchTeacher, images: Tensor) -> None:
    assert not teacher.logits(images).requires_grad


def test_another_preparation_leaves_the_teacher_as_it_was(
    teacher: TorchTeacher, images: Tensor
) -> None:
    before = teacher.logits(images)
    other = teacher.adjusted(mean=(0.5,) * 3, std=(0.1,) * 3)
    assert not torch.allclose(other.logits(images), before)
    assert torch.equal(teacher.logits(images), before)


def test_a_network_that_fails_is_named_with_its_reason(images: Tensor) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(7, 3))
    with pytest.raises(
        TeacherError, match=r"m: fails on images of 3 channels and 16 px \(.*shapes"
    ):
        TorchTeacher(network, _card())


def _settle(
    teacher: TorchTeacher,
    monkeypatch: pytest.MonkeyPatch,
    *,
    seconds: tuple[float, float],
    change: float,
) -> str:
    """Settle the precision with made-up timings; only real processors can time bfloat16."""

    def fake_time(batch: Tensor, precision: str) -> tuple[Tensor, float]:
        logits = torch.tensor([[2.0, 0.0, 0.0]]).repeat(len(batch), 1)
        if precision == "bf16":
            logits[0] += torch.tensor([change, 0.0, 0.0])
        return logits, seconds[precision == "bf16"]

    monkeypatch.setattr(teacher, "_time", fake_time)
    monkeypatch.setattr(torch_teacher, "_has_bf16_instructions", lambda: True)
    teacher.settle_precision(torch.zeros(4, 16, 16, 3, dtype=torch.uint8))
    return teacher.card.precision


@pytest.mark.parametrize(
    ("seconds", "change", "precision"),
    [
        ((1.0, 0.5), 0.0, "bf16"),
        ((1.0, 0.95), 0.0, "fp32"),
        ((1.0, 0.5), 0.3, "fp32"),
        ((1.0, 0.5), -3.0, "fp32"),
    ],
)
def test_bfloat16_is_used_if_it_is_faster_and_says_the_same(
    teacher: TorchTeacher,
    monkeypatch: pytest.MonkeyPatch,
    seconds: tuple[float, float],
    change: float,
    precision: str,
) -> None:
    assert _settle(teacher, monkeypatch, seconds=seconds, change=change) == precision


def test_processors_without_bfloat16_are_not_tried(
    teacher: TorchTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_teacher, "_has_bf16_instructions", lambda: False)
    monkeypatch.setattr(teacher, "_time", None)
    teacher.settle_precision(torch.zeros(4, 16, 16, 3, dtype=torch.uint8))
    assert teacher.card.precision == "fp32"


def test_real_bfloat16_gives_nearly_the_same(teacher: TorchTeacher, images: Tensor) -> None:
    exact = teacher.logits(images)
    teacher.card = teacher.card.model_copy(update={"precision": "bf16"})
    rough = teacher.logits(images)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.05, rtol=0.05)


def test_multiply_adds_of_convolutions_and_linear_layers_are_counted_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),  # 8 x 8 x 8 outputs of 27
        nn.Conv2d(8, 8, 3, padding=1, groups=8),  # 8 x 8 x 8 of 9
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),  # 5 of 8
    )
    assert count_macs(network, channels=3, px=16) == 512 * 27 + 512 * 9 + 40
    assert not network[0]._forward_hooks


def test_a_network_without_such_layers_has_no_known_count() -> None:
    assert count_macs(nn.Flatten(), channels=3, px=4) is None

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from autokd.errors import InterruptedRunError, TeacherError
from autokd.teacher import torch_teacher
from autokd.teacher.card import TeacherCard
from autokd.teacher.torch_teacher import TorchTeacher, count_macs, count_params
from autokd.teacher.trusted import load_torchscript


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


class Interrupted(nn.Module):
    """Is interrupted when it runs for the time after ``runs``."""

    def __init__(self, network: nn.Module, runs: int) -> None:
        super().__init__()
        self.network = network
        self.runs = runs

    def forward(self, x: Tensor) -> Tensor:
        self.runs -= 1
        if self.runs < 0:
            message = "SIGTERM"
            raise InterruptedRunError(message)
        return self.network(x)


def test_an_interrupt_is_no_fault_of_the_network(tiny: nn.Module, images: Tensor) -> None:
    teacher = TorchTeacher(tiny, _card())
    teacher._network = Interrupted(tiny, runs=0)
    with pytest.raises(InterruptedRunError):
        teacher.logits(images)


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


def test_bfloat16_is_tried_on_images_of_the_whole_set(
    teacher: TorchTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: set[float] = set()

    def look(batch: Tensor, precision: str) -> tuple[Tensor, float]:
        levels.update(batch[:, 0, 0, 0].mul(255).round().tolist())
        return torch.zeros(len(batch), 3), 1.0

    monkeypatch.setattr(teacher, "_time", look)
    monkeypatch.setattr(torch_teacher, "_has_bf16_instructions", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    classes = torch.arange(10, dtype=torch.uint8).repeat_interleave(100)
    teacher.settle_precision(classes[:, None, None, None].expand(-1, 16, 16, 3))
    assert levels == set(range(10))


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


def test_numbers_of_a_network_are_those_that_are_trained(tiny: nn.Module) -> None:
    trained = (3 * 9 + 1) * 4 + (4 + 1) * 3
    assert count_params(nn.Sequential(tiny, nn.BatchNorm1d(3))) == trained + 2 * 3


def test_numbers_of_a_frozen_network_are_its_constants(tmp_path: Path, tiny: nn.Module) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript
        frozen = torch.jit.freeze(torch.jit.trace(tiny, torch.zeros(1, 3, 16, 16)))
        frozen.save(str(tmp_path / "frozen.pt"))
    network = load_torchscript(tmp_path / "frozen.pt").network
    assert not list(network.parameters())
    assert count_params(network) == (3 * 9 + 1) * 4 + (4 + 1) * 3


def test_numbers_that_are_not_trained_count_where_none_are() -> None:
    network = nn.Flatten()
    network.register_buffer("weight", torch.zeros(5, 7, dtype=torch.int8))
    network.register_buffer("batches", torch.zeros(2, dtype=torch.int64))
    assert count_params(network) == 35


def test_a_network_that_shows_no_weights_has_no_known_number() -> None:
    assert count_params(nn.Flatten()) is None

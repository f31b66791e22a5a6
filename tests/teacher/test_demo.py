from pathlib import Path

import pytest
import torch

from autokd.core.codec import write_atomically
from autokd.core.config import TeacherConfig
from autokd.core.progress import silent
from autokd.data.images import ImageSet
from autokd.teacher import demo
from autokd.teacher.demo import Recipe, train_demo_teacher
from autokd.teacher.load import load_teacher


def _stripes(images: int, seed: int) -> ImageSet:
    """Gray images of 28 px: class 0 has level stripes, class 1 upright ones."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(images) % 2
    stripes = (torch.arange(28) // 7 % 2 * 150).expand(28, 28)
    pixels = torch.where(labels[:, None, None] == 0, stripes.T, stripes)
    noise = torch.randint(0, 50, (images, 28, 28), generator=generator)
    return ImageSet((pixels + noise).to(torch.uint8)[..., None], labels)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_BATCH", 16)


def test_the_teacher_learns_and_is_recognised_with_its_card(tmp_path: Path) -> None:
    train, validation = _stripes(64, 0), _stripes(40, 1)
    names = ("level", "upright")
    path = tmp_path / "model.pt"
    accuracy = train_demo_teacher(
        train,
        validation,
        path,
        seed=0,
        progress=silent,
        class_names=names,
        recipe=Recipe(images_seen=16 * 14),
    )
    assert accuracy >= 0.9
    teacher = load_teacher(
        TeacherConfig(file=str(path)),
        class_names=names,
        image_px=28,
        image_channels=1,
        progress=silent,
    )
    assert (teacher.card.arch, teacher.card.input_px) == ("torchvision:resnet18", 32)
    assert teacher.card.class_names == names
    assert teacher.card.normalisation_source == "given"
    right = (teacher.logits(validation.images).argmax(1) == validation.labels).double().mean()
    assert float(right) == pytest.approx(accuracy)


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    recipe = Recipe(images_seen=32, flip=False)
    before = torch.random.get_rng_state()
    for name in ("a.pt", "b.pt"):
        train_demo_teacher(
            _stripes(20, 0),
            _stripes(4, 1),
            tmp_path / name,
            seed=3,
            progress=silent,
            recipe=recipe,
        )
    first, second = (torch.load(tmp_path / name) for name in ("a.pt", "b.pt"))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not list(tmp_path.glob("*.tmp"))


def test_weights_are_never_there_without_their_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[list[str]] = []

    def look_and_write(path: Path, content: str | bytes) -> None:
        write_atomically(path, content)
        there.append(sorted(file.name for file in tmp_path.iterdir()))

    monkeypatch.setattr(demo, "write_atomically", look_and_write)
    train_demo_teacher(
        _stripes(20, 0),
        _stripes(4, 1),
        tmp_path / "model.pt",
        seed=3,
        progress=silent,
        recipe=Recipe(images_seen=16),
    )
    assert there == [["model.toml"], ["model.pt", "model.toml"]]


def test_the_learning_rate_rises_and_ends_at_nothing() -> None:
    rates = [demo._one_cycle(step / 100) for step in range(101)]
    assert rates[0] == 0.0
    assert max(rates) == rates[25] == 1.0
    assert rates[100] == pytest.approx(0.0)

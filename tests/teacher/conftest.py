"""Small networks whose logits are known, and files of every kind made from them."""

import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn

CLASSES = ("ant", "bee", "cat")

# Kept as text so that a test can put it where a person would have it: in a module of their own.
TINY_MODULE = """
    import torch
    from torch import nn

    class Tiny(nn.Module):
        def __init__(self, num_classes=3, channels=3):
            super().__init__()
            self.stem = nn.Conv2d(channels, 4, 3, padding=1)
            self.fc = nn.Linear(4, num_classes)

        def forward(self, x):
            return self.fc(torch.relu(self.stem(x)).mean((2, 3)))

    def fixed():
        return Tiny(3)

    def failing(num_classes):
        raise RuntimeError("no such luck")

    def not_a_module():
        return 7
"""


class Tiny(nn.Module):
    """The same network, for tests that need it here."""

    def __init__(self, num_classes: int = 3, channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 4, 3, padding=1)
        self.fc = nn.Linear(4, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.relu(self.stem(x)).mean((2, 3)))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOKD_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny() -> Tiny:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Tiny().eval()


@pytest.fixture
def tiny_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module in the working folder; new for each test, as imports are cached."""
    name = f"nets_of_{abs(hash(tmp_path)):x}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(TINY_MODULE))
    monkeypatch.chdir(tmp_path)
    return name


@pytest.fixture
def images() -> torch.Tensor:
    """Five RGB images of 16 px."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (5, 16, 16, 3), dtype=torch.uint8, generator=generator)

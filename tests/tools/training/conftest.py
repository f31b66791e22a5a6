from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What is descended: every way calls ``backward`` on its loss. Torch's stream is given back."""
    found: list[float] = []
    backward = torch.Tensor.backward

    def record(self: Tensor, *args: Any, **options: Any) -> None:
        found.append(self.item())
        backward(self, *args, **options)

    monkeypatch.setattr(torch.Tensor, "backward", record)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield found

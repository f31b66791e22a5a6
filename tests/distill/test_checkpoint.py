import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from autokd.distill.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from autokd.errors import StorageError


def make_checkpoint(step: int = 5) -> Checkpoint:
    weights = {"a.conv.weight": torch.randn(2, 3, 3, 3).to(memory_format=torch.channels_last)}
    return Checkpoint("me", step, 10, 4, 1.25, weights, [torch.randn(2, 3), torch.ones(1)])


@contextmanager
def files_of_at_most_1000_bytes() -> Iterator[None]:
    """A full disk for the block alone: the limit holds for the log of the tests as well."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_checkpoint_comes_back_exactly(tmp_path: Path) -> None:
    saved = make_checkpoint()
    save_checkpoint(saved, tmp_path / "new" / "c.pt")
    loaded = load_checkpoint(tmp_path / "new" / "c.pt", identity="me")
    assert loaded is not None
    for name in ("identity", "step", "total_steps", "rung_steps", "rung_seconds"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert torch.equal(loaded.weights["a.conv.weight"], saved.weights["a.conv.weight"])
    assert all(map(torch.equal, loaded.momenta, saved.momenta))


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "c.pt", identity="me") is None


def test_a_checkpoint_of_another_training_is_none(tmp_path: Path) -> None:
    save_checkpoint(make_checkpoint(), tmp_path / "c.pt")
    assert load_checkpoint(tmp_path / "c.pt", identity="you") is None


@pytest.mark.parametrize("kept", [0, 10, 500])
def test_half_a_checkpoint_is_none(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(make_checkpoint(), path)
    path.write_bytes(path.read_bytes()[:kept])
    assert load_checkpoint(path, identity="me") is None


def test_a_checkpoint_with_one_wrong_bit_is_none(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(make_checkpoint(), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert load_checkpoint(path, identity="me") is None


def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(make_checkpoint(step=5), path)
    refused = pytest.raises(StorageError, match=r"c\.pt: cannot be written .*'autokd resume RUN'")
    with refused, files_of_at_most_1000_bytes():
        save_checkpoint(make_checkpoint(step=6), path)
    loaded = load_checkpoint(path, identity="me")
    assert loaded is not None
    assert loaded.step == 5
    assert list(tmp_path.iterdir()) == [path]

"""A small teacher in memory, images as programs have them, and one real run of both."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

import autokd
from autokd.data.demo import CLASS_NAMES, load_demo_images
from autokd.search.executors import InlineExecutor

SPLITS = {"train": (0, 60), "val": (60, 80), "test": (80, 100)}
SIGHT = {"input_px": 28, "mean": 0.5, "std": 0.5}
LENGTH = {"trials": 2, "epochs": 2.0, "views": 1, "workers": 1, "kd_gain": False}
LIMITS = {"device": "jetson-nano", "max_params": 20_000, "precision": "fp32"}


class Net(nn.Module):
    """Two convolutions, for gray images of 28 px."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 49, 10),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(images)


class Pictures(Dataset):
    """Images as torchvision's sets give them: Pillow's, with a class number and class names."""

    classes = CLASS_NAMES

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Image.Image, int]:
        return Image.fromarray(self.images[place]), int(self.labels[place])


def arrays_of(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Give images (n, 28, 28) and labels (n,), in the order of their classes."""
    start, stop = SPLITS[split]
    images = load_demo_images()[:, start:stop].reshape(-1, 28, 28)
    return images, np.repeat(np.arange(10), stop - start)


@pytest.fixture(scope="session")
def arrays():
    return {split: arrays_of(split) for split in SPLITS}


@pytest.fixture(scope="session")
def teacher(arrays):
    """A module after some seconds of training, in training mode as people forget it."""
    images, labels = arrays["train"]
    pixels = (torch.from_numpy(images).float()[:, None] / 255 - 0.5) / 0.5
    order = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Net()
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(10):
        for index in torch.randperm(len(labels), generator=order).split(50):
            optimiser.zero_grad()
            loss = functional.cross_entropy(network(pixels[index]), torch.from_numpy(labels)[index])
            loss.backward()
            optimiser.step()
    return network.train()


@pytest.fixture(scope="session")
def data(arrays):
    """Each split in another form: a dataset, a shuffling loader, arrays."""
    return {
        "train": Pictures(*arrays["train"]),
        "val": DataLoader(Pictures(*arrays["val"]), batch_size=7, shuffle=True),
        "test": arrays["test"],
    }


@dataclass(frozen=True)
class Done:
    """A real run, and what it said."""

    result: autokd.Result
    said: tuple[str, ...]
    cache: Path


class Here(InlineExecutor):
    """Trains in this process, where torch is loaded already."""

    def __init__(self, evaluator, *, workers: int, threads: int) -> None:
        super().__init__(evaluator)

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()


@pytest.fixture(scope="session")
def done(tmp_path_factory, teacher, data):
    """A whole run in this process; `test_real` has training processes."""
    place = tmp_path_factory.mktemp("api")
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOKD_CACHE", str(place / "cache"))
        patch.setattr("autokd.pipeline.winner_timing.BENCH_SECONDS", 0.2)
        patch.setattr("autokd.pipeline.searching.ProcessExecutor", Here)
        patch.setattr("autokd.pipeline.stage.ProcessExecutor", Here)
        result = autokd.compress(
            teacher, data, out=place / "run", say=said.append, **SIGHT, **LIMITS, **LENGTH
        )
    return Done(result, tuple(said), place / "cache")


@pytest.fixture
def kept(done, monkeypatch):
    """The run with its cache in place."""
    monkeypatch.setenv("AUTOKD_CACHE", str(done.cache))
    return done


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOKD_CACHE", str(tmp_path / "cache"))
    return tmp_path

"""A folder of small images with a teacher, settings, and measurements whose ratios are known."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autokd.core.progress import silent
from autokd.core.trial import DistillParams
from autokd.space.baselines import resnet
from tools.source_folder import load_network
from tools.training.machine import this_machine
from tools.training.measurements import (
    Cache,
    Floor,
    Measurements,
    Settings,
    Timing,
    Way,
)
from tools.training.source import prepare
from tools.training.ways import Task
from tools.training.workfolder import training_data

HAS_TORCHDISTILL = importlib.util.find_spec("torchdistill") is not None
needs_torchdistill = pytest.mark.skipif(not HAS_TORCHDISTILL, reason="torchdistill is missing")
ALL_WAYS = [
    "plain",
    pytest.param("torchdistill", marks=needs_torchdistill),
    "autokd",
]

LOAD = """
import numpy as np

def load(name, split, root):
    with np.load(f"{root}/{name}/{split}.npz") as file:
        return file["images"], file["labels"], ["red", "green", "blue"]
"""
# Its logits are quarters, which the engine's cache keeps without loss.
NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("weight", 8 * torch.eye(3) - 1)

    def forward(self, images):
        return torch.round(images.mean((2, 3)) @ self.weight * 4) / 4

def load_teacher(name, root):
    known = {"arch": "net", "file": "nets.py", "size": 8, "mean": [0.4, 0.5, 0.6]}
    return Net(), {**known, "std": [0.2, 0.25, 0.3], "params": 9, "checked": {"macs": 9}}
"""


def make_folder(folder: Path, *, px: int = 8, images: int = 60) -> Path:
    """Noise, brightest in the channel of the class, the same from left and right."""
    rng = np.random.default_rng(0)
    labels = np.arange(images) % 3
    half = rng.integers(0, 160, (images, px, px // 2, 3), dtype=np.uint8)
    half[np.arange(images), :, :, labels] += 80
    (folder / "cifar100").mkdir(parents=True)
    np.savez(
        folder / "cifar100/train.npz",
        images=np.concatenate([half, half[:, :, ::-1]], axis=2),
        labels=labels.astype(np.int64),
    )
    (folder / "load.py").write_text(LOAD)
    (folder / "teachers").mkdir()
    (folder / "teachers/nets.py").write_text(NETS.replace('"size": 8', f'"size": {px}'))
    return folder


def make_settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "images": None,
        "views": 1,
        "temperature": 4.0,
        "alpha": 0.3,
        "threads": 1,
        "workers": 0,
        "window_seconds": 0.01,
        "target_accuracy": None,
        "epochs": 10,
        "seed": 0,
        "ways": ("plain", "autokd"),
        "students": ("chain",),
    }
    return Settings(**{**given, **changes})


def make_task(tmp_path: Path, *, px: int, images: int, workers: int = 0) -> Task:
    folder = make_folder(tmp_path / "data", px=px, images=images)
    work = tmp_path / "work"
    prepared = prepare(folder, work, make_settings(), progress=silent)
    return Task(
        program=resnet(8, depth=8, image_channels=3, input_px=px, classes=3),
        data=training_data(work, prepared),
        load_teacher=lambda: load_network(folder),
        distill=DistillParams(temperature=4.0, alpha=0.3),
        epochs=10,
        in_order=True,
        workers=workers,
        seed=0,
    )


def make_timing(number: int, way: Way, speed: float, seconds: float | None, mib: int) -> Timing:
    """A window of 10 s at a speed, and the target reached after so many seconds."""
    readings = [{"images": 10, "seconds": 1.0, "accuracy": 0.1}]
    if seconds is not None:
        readings.append({"images": 20, "seconds": seconds, "accuracy": 0.2})
    return Timing.model_validate(
        {
            "round_number": number,
            "student": "chain",
            "way": way,
            "params": 12_345,
            "window_steps": 5,
            "window_images": round(10 * speed),
            "window_seconds": 10.0,
            "readings": readings,
            "peak_memory_bytes": mib * 2**20,
        }
    )


def make_measurements() -> Measurements:
    """Three whole rounds, and a fourth that was cut short."""
    rows: list[tuple[int, Way, float, float | None, int]] = [
        (0, "plain", 100, 60, 800),
        (0, "torchdistill", 120, 50, 900),
        (0, "autokd", 600, 10, 400),
        (1, "plain", 50, 120, 800),
        (1, "torchdistill", 60, None, 900),
        (1, "autokd", 400, 15, 600),
        (2, "plain", 110, 55, 800),
        (2, "torchdistill", 100, 66, 900),
        (2, "autokd", 550, 11, 400),
        (3, "plain", 1, 1, 1),
    ]
    ways: tuple[Way, ...] = ("plain", "torchdistill", "autokd")
    floors = [
        Floor(
            round_number=number, student="chain", engine_seconds=engine, floor_seconds=(0.4, 1.0, 9)
        )
        for number, engine in enumerate([(1.2, 1.0, 7.0), (1.5, 1.5, 1.0), (1.3, 1.1, 2.0)])
    ]
    return Measurements(
        settings=make_settings(ways=ways, target_accuracy=0.2, epochs=2),
        machine=this_machine(),
        cache=Cache(images=3000, batch_images=64, views=4, seconds=500.0),
        timings=tuple(make_timing(*row) for row in rows),
        floors=tuple(floors),
    )


def expected_loss(task: Task) -> float:
    """KD in float64, of the whole set in one batch."""
    images = task.data.train.images.double() / 255
    mean, std = torch.tensor(task.data.mean), torch.tensor(task.data.std)
    nchw = ((images - mean) / std).permute(0, 3, 1, 2)
    student = task.student().double()(nchw)
    teacher = task.load_teacher().double()(nchw)
    soft = (teacher / 4).softmax(1)
    divergence = (soft * (soft.log() - (student / 4).log_softmax(1))).sum(1).mean()
    hard = -student.log_softmax(1)[torch.arange(len(nchw)), task.data.train.labels].mean()
    return (0.7 * hard + 0.3 * 16 * divergence).item()


class Clock:
    """Tells the time that was spent since the start."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds

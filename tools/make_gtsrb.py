"""Bring German traffic signs into the form that autokd reads, and train a teacher for them.

    python tools/make_gtsrb.py DATA OUT

DATA is a folder with ``load.py`` and ``gtsrb32/``; nothing of it is kept in the project. OUT gets
``data.npz``, ``model.safetensors`` and ``model.toml``. Frames of one track are near-copies, so
validation images are whole tracks: every tenth of each class, at least one. Signs are not mirrored.

The teacher, named by ``--arch tools.make_gtsrb:resnet20``, is a ResNet-20 for images of 32 px.
torchvision's networks halve such images five times; a ResNet-18 and a ShuffleNet of 64 px came out
at 89 and 80 % here, below small students.
"""

import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn

from autokd.core.codec import write_atomically
from autokd.core.config import DataConfig
from autokd.core.trial import DistillParams
from autokd.data.augment import channel_statistics
from autokd.data.dataset import Dataset, load_dataset
from autokd.distill.batches import TrainingData
from autokd.distill.trainer import TrainResult, train
from autokd.models.network import StudentNetwork
from autokd.space.baselines import resnet
from autokd.space.program import Program

EVERY = 10
CLASSES = 43
WIDTH = 16  # of the first stage, as published
IMAGES_SEEN = 100_000


def resnet20(num_classes: int = CLASSES) -> nn.Module:
    """Build the teacher without weights."""
    return StudentNetwork(_program(num_classes))


def main() -> None:
    """Write the files."""
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path.insert(0, str(data))
    from load import load

    out.mkdir(parents=True, exist_ok=True)
    images, labels, classes, extras = load("gtsrb32", "train", extras=True)
    test_images, test_labels, _ = load("gtsrb32", "test")
    held = _held_out(labels, extras["track"])
    np.savez(
        out / "data.npz",
        images=images[~held],
        labels=labels[~held],
        images_val=images[held],
        labels_val=labels[held],
        images_test=test_images,
        labels_test=test_labels,
        classes=np.array(classes),
    )
    dataset = load_dataset(DataConfig(path=str(out / "data.npz")), seed=0, progress=_show)
    result = _train(dataset)
    _save(result, dataset, out / "model.safetensors")
    images = len(dataset.train)
    print(f"{out}: {images:,} training images, teacher {result.accuracy:.2%} on validation")


def _program(classes: int) -> Program:
    return resnet(WIDTH, depth=20, image_channels=3, input_px=32, classes=classes)


def _train(dataset: Dataset) -> TrainResult:
    """Train with labels alone."""
    mean, std = channel_statistics(dataset.train)
    data = TrainingData(
        train=dataset.train,
        validation=dataset.validation,
        logits=None,
        validation_logits=torch.zeros(len(dataset.validation), CLASSES),
        views=1_000,
        flip=False,
        view_seed=0,
        mean=mean,
        std=std,
    )
    return train(
        _program(CLASSES),
        data,
        DistillParams(temperature=1.0, alpha=0.0),
        images=IMAGES_SEEN,
        seed=0,
        on_step=lambda done, steps: _show("training the teacher", done, steps),
    )


def _save(result: TrainResult, dataset: Dataset, path: Path) -> None:
    mean, std = channel_statistics(dataset.train)
    card = ["input_px = 32", f"mean = {list(mean)}", f"std = {list(std)}"]
    write_atomically(path.with_suffix(".toml"), "\n".join(card) + "\n")
    write_atomically(path, safetensors.torch.save(result.weights))


def _held_out(labels: np.ndarray, tracks: np.ndarray) -> np.ndarray:
    """Give which images belong to a track that is held out."""
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        own = np.unique(tracks[labels == label])
        held |= (labels == label) & np.isin(tracks, own[::EVERY])
    return held


def _show(what: str, done: float, total: float) -> None:
    if total and int(done) % 100 == 0:
        print(f"{what}: {done / total:.0%}", file=sys.stderr)


if __name__ == "__main__":
    main()

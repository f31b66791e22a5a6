"""Bring German traffic signs into the form that autokd reads, and train a teacher for them.

    python tools/make_gtsrb.py DATA OUT

DATA is a folder with ``load.py`` and ``gtsrb32/``; nothing of it is kept in the project. OUT gets
``data.npz``, ``model.pt`` and ``model.toml``. Frames of one track are near-copies, so validation
images are whole tracks: every tenth of each class, at least one. Signs are not mirrored.
"""

import sys
from pathlib import Path

import numpy as np

from autokd.core.config import DataConfig
from autokd.data.dataset import load_dataset
from autokd.teacher.demo import Recipe, train_demo_teacher

EVERY = 10
# A ResNet-18 at 32 px halves the image five times and stays below its students.
RECIPE = Recipe(images_seen=150_000, flip=False, arch="torchvision:shufflenet_v2_x1_0", input_px=64)


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
    accuracy = train_demo_teacher(
        dataset.train,
        dataset.validation,
        out / "model.pt",
        seed=0,
        progress=_show,
        class_names=dataset.class_names,
        recipe=RECIPE,
    )
    print(f"{out}: {len(dataset.train):,} training images, teacher {accuracy:.2%} on validation")


def _held_out(labels: np.ndarray, tracks: np.ndarray) -> np.ndarray:
    """Give which images belong to a track that is held out."""
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        own = np.unique(tracks[labels == label])
        held |= (labels == label) & np.isin(tracks, own[::EVERY])
    return held


def _show(what: str, done: float, total: float) -> None:
    if total and int(done) % 6400 == 0:
        print(f"{what}: {done / total:.0%}", file=sys.stderr)


if __name__ == "__main__":
    main()

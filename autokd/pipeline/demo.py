"""``autokd demo``: real images, a teacher trained on them, and settings, without a network."""

from collections.abc import Callable
from pathlib import Path

from autokd.core.codec import write_atomically
from autokd.core.config import DataConfig
from autokd.core.progress import Progress
from autokd.data.dataset import load_dataset
from autokd.data.demo import write_demo_data
from autokd.errors import ConfigError
from autokd.teacher.demo import train_demo_teacher

SETTINGS = """\
# Settings of 'autokd compress' in this folder; the command line overrides them.
# A student of 50,000 parameters and 4 minutes keep the demo short. For a better student,
# raise both: the limits of the device itself are in 'autokd devices show jetson-nano'.
budget = "4m"

[data]
path = "data"

[limits]
max_params = 50000
"""


def make_demo(folder: Path, *, progress: Progress, say: Callable[[str], None]) -> None:
    """Write ``model.pt``, ``model.toml``, ``data/`` and ``autokd.toml`` into ``folder``.

    Raises:
        ConfigError: The folder holds something already.
        StorageError: The disk is full.
    """
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder}: is not empty; give a new folder, so that nothing is overwritten."
        raise ConfigError(msg)
    write_demo_data(folder / "data")
    write_atomically(folder / "autokd.toml", SETTINGS)
    dataset = load_dataset(DataConfig(path=str(folder / "data")), seed=0, progress=progress)
    accuracy = train_demo_teacher(
        dataset.train,
        dataset.validation,
        folder / "model.pt",
        seed=0,
        progress=progress,
        class_names=dataset.class_names,
    )
    say(
        f"{folder}: {len(dataset.train):,} training images of Fashion-MNIST and a resnet18 that "
        f"gets {accuracy:.2%} of {len(dataset.validation):,} validation images right."
    )

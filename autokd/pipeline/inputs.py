"""What a person gave, loaded: profile, images and teacher."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from autokd.core.cache import cache_folder
from autokd.core.config import RunConfig
from autokd.core.device import DeviceProfile, load_profile
from autokd.core.progress import Progress
from autokd.core.shortfall import require_known_latency
from autokd.data.dataset import Dataset, load_dataset
from autokd.distill.placement import choose_device
from autokd.errors import ConfigError
from autokd.pipeline.choice import require_precision
from autokd.pipeline.given_teacher import find_teacher
from autokd.pipeline.named_plugins import require_loss, require_plugins
from autokd.teacher.load import Teacher

# Classes that logit standardisation needs to say anything, see `autokd.distill.losses`.
FEWEST_STANDARDISED = 3


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a person gave, loaded."""

    config: RunConfig
    profile: DeviceProfile
    dataset: Dataset
    teacher: Teacher


def load_inputs(
    config: RunConfig,
    *,
    progress: Progress,
    run: Path | None = None,
    module: nn.Module | None = None,
) -> Inputs:
    """Load profile, images and teacher.

    Args:
        config: Of the run.
        progress: Told when work takes long.
        run: Folder of a run that has begun; None for a new one.
        module: The teacher, where it has no file.

    Raises:
        InputError: One of them cannot be used.
    """
    require_plugins(config)
    profile = load_profile(config.device)
    require_known_latency(config.limits.max_latency_ms, profile)
    require_precision(config.export, profile)
    choose_device(config.search.train_on)
    dataset = load_dataset(config.data, seed=config.seed, progress=progress, cache=cache_folder())
    teacher = find_teacher(config.teacher, dataset, module=module, run=run, progress=progress)
    inputs = Inputs(config, profile, dataset, teacher)
    _require_teachable(inputs)
    require_loss(config.search.loss, classes=len(class_names(inputs)))
    return inputs


def class_names(inputs: Inputs) -> tuple[str, ...]:
    """Give the names of the classes, in the order of the logits; numbers without any."""
    card = inputs.teacher.card
    numbers = tuple(str(number) for number in range(card.classes))
    return inputs.dataset.class_names or tuple(card.class_names or ()) or numbers


def _require_teachable(inputs: Inputs) -> None:
    """Refuse a loss that teaches nothing about so few classes."""
    classes = len(class_names(inputs))
    if inputs.config.search.loss == "logit-std" and classes < FEWEST_STANDARDISED:
        msg = (
            f"--loss logit-std: there are {classes} classes, and it needs {FEWEST_STANDARDISED} or "
            "more: two standardised logits are always 1 and -1, which teaches nothing. Give "
            "another loss, or leave it out."
        )
        raise ConfigError(msg)

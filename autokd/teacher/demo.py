"""The demo's teacher, trained on the demo's images in about a minute on two cores."""

import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from autokd.core.codec import write_atomically
from autokd.core.progress import Progress
from autokd.core.seeds import derive_seed
from autokd.data.augment import apply_view, channel_statistics, make_view, resize, to_input
from autokd.data.images import ImageSet
from autokd.teacher.architectures import build_architecture

_ARCH = "torchvision:resnet18"
_INPUT_PX = 32  # five halvings leave one pixel
_BATCH = 64
# AdamW, since SGD has too few steps: 85.7 % against 85.0 % (rate 0.02) and 76 % (rate 0.1) of 2,000
# validation images.
_PEAK_RATE = 0.002
_WEIGHT_DECAY = 0.05
_WARM_UP = 0.25  # share of the steps


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long a teacher is trained, and on what.

    Attributes:
        images_seen: In all epochs together.
        flip: Whether images are mirrored.
    """

    images_seen: int = 30_000
    flip: bool = True


DEMO_RECIPE = Recipe()


def train_demo_teacher(
    train: ImageSet,
    validation: ImageSet,
    path: Path,
    *,
    seed: int,
    progress: Progress,
    class_names: tuple[str, ...] = (),
    recipe: Recipe = DEMO_RECIPE,
) -> float:
    """Train torchvision's resnet18, save its card and state_dict, and give its validation accuracy.

    The card, ``model.toml`` for ``model.pt``, says how images are prepared; the architecture is
    recognised. The same images and seed give the same weights on the same machine.

    Args:
        train: Labelled images.
        validation: Labelled images.
        path: Of the state_dict.
        seed: Of weights, order and augmentation.
        progress: Told about the images done.
        class_names: In the order of labels, for the card.
        recipe: Length and augmentation.

    Raises:
        StorageError: A file cannot be written.
    """
    classes = len(class_names) or int(train.labels.max()) + 1
    mean, std = (_three(values) for values in channel_statistics(train))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "demo teacher"))
        network = build_architecture(_ARCH, classes=classes)
        network.to(memory_format=torch.channels_last)
    _train(network, train, (mean, std), recipe, seed=seed, progress=progress)
    network.eval()
    right = 0
    for images, labels in zip(
        torch.split(validation.images, 4 * _BATCH),
        torch.split(validation.labels, 4 * _BATCH),
        strict=True,
    ):
        with torch.inference_mode():
            named = network(_prepare(images, mean, std)).argmax(1)
        right += int((named == labels).sum())
    _save(network, path, (mean, std), class_names)
    return right / len(validation)


def _train(
    network: nn.Module,
    train: ImageSet,
    statistics: tuple[tuple[float, ...], tuple[float, ...]],
    recipe: Recipe,
    *,
    seed: int,
    progress: Progress,
) -> None:
    """Run AdamW with a learning rate that rises, then falls to nothing [Smith2018].

    [Smith2018] L. N. Smith, N. Topin, Super-convergence, arXiv 1708.07120.
    """
    steps = max(1, recipe.images_seen // _BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=_WEIGHT_DECAY)
    network.train()
    for step, (images, labels) in enumerate(_batches(train, steps, seed, flip=recipe.flip)):
        progress("training the teacher", step * _BATCH, steps * _BATCH)
        for group in optimizer.param_groups:
            group["lr"] = _PEAK_RATE * _one_cycle((step + 1) / steps)
        loss = functional.cross_entropy(network(_prepare(images, *statistics)), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    progress("training the teacher", steps * _BATCH, steps * _BATCH)


def _batches(
    train: ImageSet, steps: int, seed: int, *, flip: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give batches of images, cropped and mirrored if ``flip``, in an order new in every epoch."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "demo order"))
    size = min(_BATCH, len(train))
    done = epoch = 0
    while done < steps:
        view = make_view(len(train), px=train.px, flip=flip, seed=seed, view=epoch)
        order = torch.randperm(len(train), generator=generator)
        # The last batch of an epoch may be too small for BatchNorm and is left out.
        for index in torch.split(order, size)[: min(len(train) // size, steps - done)]:
            yield apply_view(train.images[index], view, index), train.labels[index]
            done += 1
        epoch += 1


def _one_cycle(part: float) -> float:
    """Give the share of the peak learning rate after ``part`` of the steps."""
    if part < _WARM_UP:
        return part / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (part - _WARM_UP) / (1 - _WARM_UP)))


def _prepare(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    return to_input(resize(images, _INPUT_PX), channels=3, mean=mean, std=std)


def _three(values: tuple[float, ...]) -> tuple[float, ...]:
    """Give one number a channel of RGB, rounded so that the card shows the whole number."""
    wide = values if len(values) == 3 else values * 3
    return tuple(round(value, 4) for value in wide)


def _save(
    network: nn.Module,
    path: Path,
    statistics: tuple[tuple[float, ...], tuple[float, ...]],
    class_names: tuple[str, ...],
) -> None:
    lines = [
        "# How the images of model.pt are prepared.",
        f"input_px = {_INPUT_PX}",
        f"mean = {list(statistics[0])}",
        f"std = {list(statistics[1])}",
    ]
    if class_names:  # a list of strings is written alike in JSON and TOML
        lines.append(f"class_names = {json.dumps(list(class_names), ensure_ascii=False)}")
    write_atomically(path.with_suffix(".toml"), "\n".join(lines) + "\n")
    # Weights last: who finds them finds a whole teacher.
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    write_atomically(path, buffer.getvalue())

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from autokd.core.trial import DistillParams
from tests.tools.training.made_up import (
    ALL_WAYS,
    expected_loss,
    make_task,
    needs_torchdistill,
)
from tools.training.measurements import (
    Way,
)
from tools.training.recipe import train_config
from tools.training.ways import START


@pytest.mark.parametrize("way", ALL_WAYS)
def test_every_way_descends_the_same_loss(way: Way, tmp_path: Path, losses: list[float]) -> None:
    """All images are one batch, too small to be shifted and the same when mirrored."""
    task = make_task(tmp_path, px=4, images=60)
    assert task.data.batch_size == len(task.data.train) == 54
    assert next(START[way](task).steps) == 54
    assert losses == [pytest.approx(expected_loss(task), rel=2e-6)]


@pytest.mark.parametrize("way", ALL_WAYS)
def test_every_way_learns(way: Way, tmp_path: Path, losses: list[float]) -> None:
    task = make_task(tmp_path, px=8, images=60)
    running = START[way](task)
    before = running.accuracy()
    assert sum(running.steps) == 10 * 54
    assert len(losses) == 10
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    assert running.accuracy() > before


@needs_torchdistill
def test_torchdistill_and_the_plain_loop_take_the_same_steps(
    tmp_path: Path, losses: list[float]
) -> None:
    """With one seed they see the same images in the same order and views, epoch after epoch.

    Of so many epochs that neither schedule has moved yet.
    """
    task = dataclasses.replace(make_task(tmp_path, px=8, images=150), epochs=100_000)
    seen = []
    ways: tuple[Way, Way] = ("plain", "torchdistill")
    for way in ways:
        torch.manual_seed(3)
        steps = START[way](task).steps
        seen.append([next(steps) for _ in range(7)])
    assert seen == [[64, 64, 7, 64, 64, 7, 64]] * 2
    assert losses[7:] == pytest.approx(losses[:7], rel=1e-5)
    assert len({round(loss, 3) for loss in losses[:7]}) == 7


def test_loading_processes_change_nothing_but_time(tmp_path: Path, losses: list[float]) -> None:
    task = make_task(tmp_path, px=4, images=60, workers=1)
    assert next(START["plain"](task).steps) == 54
    assert losses == [pytest.approx(expected_loss(task), rel=2e-6)]


def test_the_recipe_divides_its_rate_where_the_published_one_does() -> None:
    distill = DistillParams(temperature=4.0, alpha=0.1)
    config = train_config(distill, batch_images=128, epochs=200, workers=2)
    assert config["scheduler"]["kwargs"] == {"milestones": [60, 120, 160], "gamma": 0.2}
    loss = config["criterion"]["kwargs"]["sub_terms"]["kd"]["criterion"]["kwargs"]
    assert (loss["alpha"], loss["temperature"], loss["reduction"]) == (0.9, 4.0, "batchmean")
    loader = config["train_data_loader"]["kwargs"]
    assert loader == {"batch_size": 128, "num_workers": 2, "drop_last": False}


@pytest.mark.parametrize("way", ALL_WAYS)
def test_reading_the_accuracy_changes_no_step(
    way: Way, tmp_path: Path, losses: list[float]
) -> None:
    task = make_task(tmp_path, px=8, images=60)
    for readings in (False, True):
        torch.manual_seed(0)
        running = START[way](task)
        for _ in range(3):
            next(running.steps)
            if readings:
                running.accuracy()
    assert losses[3:] == losses[:3]

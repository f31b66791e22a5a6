import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from autokd.core.progress import silent
from autokd.errors import DataError
from tests.tools.training.made_up import make_folder, make_settings
from tools.training.source import load_images, prepare
from tools.training.workfolder import training_data


def test_a_tenth_is_held_out_and_fewer_images_shrink_both_parts(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data", px=4, images=100)
    train, validation, names = load_images(folder, None)
    assert (len(train), len(validation)) == (90, 10)
    assert names == ("red", "green", "blue")
    fewer, judged, _ = load_images(folder, 45)
    assert torch.equal(fewer.images, train.images[:45])
    assert torch.equal(judged.images, validation.images[:5])
    assert torch.equal(judged.labels, validation.labels[:5])
    with pytest.raises(DataError, match="--images 91: there are 90"):
        load_images(folder, 91)


def test_a_folder_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data")
    shutil.rmtree(folder / "teachers")
    with pytest.raises(DataError, match=r"nets\.py: is missing; DATA must be"):
        load_images(folder, None)


def test_a_cache_is_made_once_and_never_from_a_half_one(tmp_path: Path) -> None:
    folder, work = make_folder(tmp_path / "data"), tmp_path / "work"
    first = prepare(folder, work, make_settings(views=2), progress=silent)
    assert first.cache.model_dump(exclude={"seconds"}) == {
        "images": 54,
        "batch_images": 54,
        "views": 2,
    }
    assert first.cache.seconds > 0
    assert prepare(folder, work, make_settings(views=2), progress=silent) == first
    logits = training_data(work, first).logits
    assert logits is not None
    kept = np.array(logits)
    (work / "prepared.json").unlink()  # as after a kill, before all was there
    (work / first.logits_file).write_bytes(b"half")
    again = prepare(folder, work, make_settings(views=2), progress=silent)
    assert np.array_equal(np.load(work / again.logits_file), kept)
    other = prepare(folder, work, make_settings(views=3), progress=silent)
    assert other.cache.views == 3

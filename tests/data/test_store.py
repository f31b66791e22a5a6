import os
import warnings

import numpy as np
import pytest
import torch

from autokd.data.images import ImageSet
from autokd.data.store import open_image_set, save_image_set
from autokd.errors import DataError, StorageError


@pytest.fixture
def images():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
    return ImageSet(torch.from_numpy(pixels), torch.arange(7) - 1)


def test_a_stored_set_comes_back_and_nothing_else_is_left(images, tmp_path):
    save_image_set(images, tmp_path / "data", "train")
    back = open_image_set(tmp_path / "data", "train")
    assert torch.equal(back.images, images.images)
    assert torch.equal(back.labels, images.labels)
    names = sorted(path.name for path in (tmp_path / "data").iterdir())
    assert names == ["train.images.npy", "train.labels.npy"]


def test_opening_gives_no_warning(images, tmp_path):
    save_image_set(images, tmp_path, "train")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_image_set(tmp_path, "train")


def test_part_of_a_larger_set_is_stored_alone(images, tmp_path):
    save_image_set(ImageSet(images.images[5:], images.labels[5:]), tmp_path, "validation")
    assert open_image_set(tmp_path, "validation").labels.tolist() == [4, 5]


def test_a_missing_store_is_named(tmp_path):
    with pytest.raises(
        DataError, match=r"train\.labels\.npy: cannot be read .* start the run again"
    ):
        open_image_set(tmp_path, "train")


def test_a_truncated_store_is_named(images, tmp_path):
    save_image_set(images, tmp_path, "train")
    path = tmp_path / "train.images.npy"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"train\.images\.npy: cannot be read"):
        open_image_set(tmp_path, "train")


def test_a_folder_that_cannot_be_made_is_a_storage_error(images, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        save_image_set(images, tmp_path / "file", "train")


def test_a_full_disk_leaves_the_old_file_whole(images, tmp_path, monkeypatch):
    save_image_set(images, tmp_path, "train")

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        save_image_set(images, tmp_path, "train")
    monkeypatch.undo()
    assert torch.equal(open_image_set(tmp_path, "train").images, images.images)
    assert len(list(tmp_path.iterdir())) == 2

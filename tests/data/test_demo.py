import hashlib

import numpy as np
import pytest

from autokd.core.config import DataConfig
from autokd.core.progress import silent
from autokd.data.dataset import load_dataset
from autokd.data.demo import CLASS_NAMES, LICENSE, PACK, load_demo_images, write_demo_data
from autokd.errors import StorageError


def test_the_pack_is_small_and_its_licence_lies_beside_it():
    assert PACK.stat().st_size < 4_000_000
    assert "2017, Zalando SE" in LICENSE.read_text()
    assert "Permission is hereby granted" in LICENSE.read_text()


def test_the_pack_holds_8000_different_images():
    images = load_demo_images()
    assert images.shape == (10, 800, 28, 28)
    assert images.dtype == np.uint8
    assert len({hashlib.sha256(image).digest() for image in images.reshape(8000, 784)}) == 8000


def test_written_demo_data_loads_with_every_pixel_in_its_place(tmp_path):
    write_demo_data(tmp_path / "data")
    assert (tmp_path / "data" / "LICENSE").read_text() == LICENSE.read_text()
    data = load_dataset(DataConfig(path=str(tmp_path / "data")), seed=0, progress=silent)
    assert (len(data.train), len(data.validation), data.test_images) == (6000, 1000, 1000)
    assert (data.train.px, data.train.channels) == (28, 1)
    assert sorted(data.class_names) == sorted(CLASS_NAMES)
    packed = load_demo_images()
    test = data.load_test()
    for split, start, count in (
        (data.train, 0, 600),
        (data.validation, 600, 100),
        (test, 700, 100),
    ):
        assert split.labels.bincount().tolist() == [count] * 10
        for label, name in enumerate(data.class_names):
            mine = split.images[split.labels == label][..., 0].numpy()
            expected = packed[CLASS_NAMES.index(name), start : start + count]
            assert np.array_equal(mine, expected)


def test_demo_data_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        write_demo_data(tmp_path / "data")

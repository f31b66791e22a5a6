import inspect

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from autokd.core.config import DataConfig
from autokd.core.progress import silent
from autokd.data.dataset import load_dataset
from autokd.data.demo import load_demo_images
from autokd.data.torchvision_sets import SETS, open_torchvision
from autokd.errors import DataError

TRAIN, TEST = 40, 10


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    head = bytes([0, 0, 8, array.ndim]) + np.asarray(array.shape, ">u4").tobytes()
    path.write_bytes(head + array.astype(np.uint8).tobytes())


@pytest.fixture
def fashion(tmp_path):
    """Real images in the files that torchvision keeps."""
    pack = load_demo_images()
    for kind, start, count in (("train", 0, TRAIN), ("t10k", 700, TEST)):
        images = pack[:, start : start + count].swapaxes(0, 1).reshape(-1, 28, 28)
        raw = tmp_path / "FashionMNIST" / "raw"
        write_idx(raw / f"{kind}-images-idx3-ubyte", images)
        write_idx(raw / f"{kind}-labels-idx1-ubyte", np.tile(np.arange(10), count))
    return f"torchvision:FashionMNIST@{tmp_path}"


@pytest.fixture
def signs(tmp_path):
    """Colour images of several sizes in the folders of GTSRB."""
    for label in range(3):
        folder = tmp_path / "gtsrb" / "GTSRB" / "Training" / f"{label:05d}"
        folder.mkdir(parents=True)
        for number in range(6):
            size = (30 + number, 40)
            Image.new("RGB", size, (label * 100, number * 10, 50)).save(folder / f"{number}.ppm")
    images = tmp_path / "gtsrb" / "GTSRB" / "Final_Test" / "Images"
    images.mkdir(parents=True)
    Image.new("RGB", (50, 50), (200, 0, 50)).save(images / "00000.ppm")
    (tmp_path / "gtsrb" / "GT-final_test.csv").write_text("Filename;ClassId\n00000.ppm;2\n")
    return f"torchvision:GTSRB@{tmp_path}"


def test_official_splits_are_used_and_validation_is_cut_from_train(fashion):
    data = load_dataset(DataConfig(path=fashion), seed=0, progress=silent)
    assert (len(data.train), len(data.validation), data.test_images) == (360, 40, 100)
    assert (data.train.px, data.train.channels) == (28, 1)
    assert data.class_names[0] == "T-shirt/top"
    assert data.validation.labels.bincount().tolist() == [4] * 10
    expected = load_demo_images()[:, 700:710].swapaxes(0, 1).reshape(-1, 28, 28, 1)
    assert np.array_equal(data.load_test().images.numpy(), expected)
    assert data.load_test().labels.tolist() == list(range(10)) * 10


def test_a_set_of_files_is_brought_to_one_size(signs):
    data = load_dataset(DataConfig(path=signs, size_px=16), seed=0, progress=silent)
    assert (len(data.train), len(data.validation), data.test_images) == (15, 3, 1)
    assert data.class_names == ("0", "1", "2")
    assert data.load_test().images[0, 8, 8].tolist() == [200, 0, 50]
    assert data.load_test().labels.tolist() == [2]
    red = data.train.images[:, 8, 8, 0]
    assert torch.equal(red.long(), data.train.labels * 100)


def test_the_fingerprint_follows_pixels(fashion, tmp_path):
    def fingerprint():
        part = open_torchvision(fashion).train
        return part.source.fingerprint(part.index)

    one = fingerprint()
    assert fingerprint() == one
    images = np.zeros((10 * TRAIN, 28, 28))
    write_idx(tmp_path / "FashionMNIST" / "raw" / "train-images-idx3-ubyte", images)
    assert fingerprint() != one


@pytest.mark.parametrize("name", SETS)
def test_every_known_set_takes_our_options_and_is_missing_by_name(name, tmp_path):
    assert SETS[name].option in inspect.signature(getattr(datasets, name)).parameters
    for value in (SETS[name].train, SETS[name].validation, SETS[name].test):
        if value is not None:
            option = {SETS[name].option: value}
            with pytest.raises(
                (RuntimeError, FileNotFoundError), match=r"not found|corrupted|No such"
            ):
                getattr(datasets, name)(str(tmp_path), **option)
    with pytest.raises(DataError, match=f"{name}@.*not on disk.*torchvision.datasets.{name}"):
        open_torchvision(f"torchvision:{name}@{tmp_path}")


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(DataError, match=r"'CIFAR-10' is not a known set.*did you mean 'CIFAR10'"):
        open_torchvision("torchvision:CIFAR-10@data")


@pytest.mark.parametrize("path", ["torchvision:MNIST", "torchvision:MNIST@"])
def test_a_missing_root_is_asked_for(path):
    with pytest.raises(DataError, match="no folder is named; write torchvision:NAME@ROOT"):
        open_torchvision(path)


def test_a_damaged_set_is_refused(fashion, tmp_path):
    (tmp_path / "FashionMNIST" / "raw" / "train-labels-idx1-ubyte").write_bytes(b"")
    with pytest.raises(DataError, match="not on disk, or is damaged"):
        open_torchvision(fashion)

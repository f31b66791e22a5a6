import json
import shutil

import numpy as np
import pytest
from PIL import Image

from autokd.core.config import DataConfig
from autokd.core.progress import silent
from autokd.data.dataset import load_dataset
from autokd.data.given_store import is_given, keep_given, open_given
from autokd.errors import DataError


@pytest.fixture
def pixels():
    return np.random.default_rng(1).integers(0, 256, (40, 8, 8), dtype=np.uint8)


LABELS = np.arange(40) % 2


def keep(given, tmp_path, *, size_px=None, class_names=(), progress=silent):
    return keep_given(
        given,
        cache=tmp_path / "cache",
        size_px=size_px,
        class_names=class_names,
        progress=progress,
    )


def test_what_is_kept_is_a_data_input_like_any_other(tmp_path, pixels):
    given = {"train": (pixels[:30], LABELS[:30]), "test": (pixels[30:], LABELS[30:])}
    folder = keep(given, tmp_path, class_names=("ant", "bee"))
    assert is_given(folder)
    dataset = load_dataset(DataConfig(path=str(folder)), seed=0, progress=silent)
    assert dataset.class_names == ("ant", "bee")
    assert len(dataset.train) + len(dataset.validation) == 30
    test = dataset.load_test()
    assert (test.images[..., 0].numpy() == pixels[30:]).all()
    assert (test.labels.numpy() == LABELS[30:]).all()


def test_the_split_is_that_of_a_folder_of_the_same_images(tmp_path, pixels):
    order = np.argsort(LABELS, kind="stable")
    for number, place in enumerate(order):
        path = tmp_path / "images" / "ab"[LABELS[place]] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[place]).save(path)
    folder = keep((pixels[order], LABELS[order]), tmp_path, class_names=("a", "b"))
    one, two = (
        load_dataset(DataConfig(path=str(path)), seed=3, progress=silent)
        for path in (tmp_path / "images", folder)
    )
    for name in ("train", "validation"):
        assert (getattr(one, name).images == getattr(two, name).images).all()
        assert (getattr(one, name).labels == getattr(two, name).labels).all()


def test_the_same_images_are_kept_once_and_others_elsewhere(tmp_path, pixels):
    steps = []
    first = keep((pixels, LABELS), tmp_path, progress=lambda *step: steps.append(step))
    assert steps[-1][1:] == (40, 40)
    assert keep([(p, int(n)) for p, n in zip(pixels, LABELS, strict=True)], tmp_path) == first
    others = [
        keep((255 - pixels, LABELS), tmp_path),
        keep((pixels, 1 - LABELS), tmp_path),
        keep((pixels, LABELS), tmp_path, class_names=("a", "b")),
        keep((pixels, LABELS), tmp_path, size_px=16),
        keep({"train": (pixels[:20], LABELS[:20]), "val": (pixels[20:], LABELS[20:])}, tmp_path),
    ]
    assert len({first, *others}) == 6
    assert {path.name for path in first.parent.iterdir()} == {p.name for p in (first, *others)}


def test_what_a_kill_left_half_done_is_replaced(tmp_path, pixels):
    folder = keep((pixels, LABELS), tmp_path)
    (folder / "given.json").unlink()
    assert keep((pixels, LABELS), tmp_path) == folder
    assert open_given(folder).train.labels.tolist() == LABELS.tolist()


def test_large_images_come_down_to_the_size_of_a_search(tmp_path):
    large = np.zeros((4, 200, 300, 3), np.uint8)
    folder = keep((large, np.array([0, 1, 0, 1])), tmp_path)
    assert np.load(folder / "train.images.npy", mmap_mode="r").shape == (4, 64, 64, 3)


def test_images_without_labels_stay_so(tmp_path, pixels):
    found = open_given(keep(pixels, tmp_path))
    assert found.class_names == ()
    assert set(found.train.labels.tolist()) == {-1}


class Named(list):
    def __init__(self, items, classes):
        super().__init__(items)
        self.classes = classes


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda p: {"trian": p}, r"data\['trian'\]: did you mean 'train'"),
        (lambda p: {"test": p}, "data: has no 'train'"),
        (lambda p: {"train": p, "val": p, "valid": p}, r"is validation again, after data\['val'\]"),
        (lambda p: [(p[0], 0), p[1]], r"data\[1\]: has no label, and others do"),
        (
            lambda p: {"train": p, "val": (p, LABELS)},
            r"\['val'\]\[0\]: has a label, and others have",
        ),
        (lambda p: (p, LABELS * 0), "there is only one class, '0'"),
        (
            lambda p: Named([(p[0], 2)], ["a", "b"]),
            r"data\[0\]: its label is 2, and must be 0 to 1",
        ),
        (
            lambda p: {
                "train": Named([(p[0], 0)], ["a", "b"]),
                "val": Named([(p[0], 0)], ["b", "a"]),
            },
            "its classes are not those of",
        ),
    ],
)
def test_what_cannot_be_kept_leaves_nothing(tmp_path, pixels, make, text):
    with pytest.raises(DataError, match=text):
        keep(make(pixels), tmp_path)
    assert not list((tmp_path / "cache").glob("given/*"))


def test_a_damaged_folder_says_which_file(tmp_path, pixels):
    folder = keep((pixels, LABELS), tmp_path)
    (folder / "train.labels.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"train\.labels\.npy: cannot be read"):
        load_dataset(DataConfig(path=str(folder)), seed=0, progress=silent)
    (folder / "given.json").write_text(json.dumps({"splits": ["train"]}))
    with pytest.raises(DataError, match="missing key 'class_names'"):
        open_given(folder)
    shutil.rmtree(folder)
    with pytest.raises(DataError, match="there is no such folder or file"):
        load_dataset(DataConfig(path=str(folder)), seed=0, progress=silent)

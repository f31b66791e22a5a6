import os
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from autokd.core.config import DataConfig
from autokd.core.progress import silent
from autokd.data import decode
from autokd.data.dataset import load_dataset
from autokd.errors import DataError


def put(folder, count, *, colour=0, size=(16, 16), mode="L", suffix=".png"):
    """Write images whose pixels are all ``colour``, except a row that numbers them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.full((size[1], size[0]), colour, np.uint8)
        pixels[0] = number
        Image.fromarray(pixels).convert(mode).save(folder / f"{number:04d}{suffix}")


def load(path, *, seed=0, **options):
    return load_dataset(DataConfig(path=str(path), **options), seed=seed, progress=silent)


@pytest.fixture
def classes(tmp_path):
    """Three classes of 40 gray images; the colour tells the class."""
    for label, name in enumerate(("ant", "bee", "cow")):
        put(tmp_path / "set" / name, 40, colour=label * 100)
    return tmp_path / "set"


def test_class_folders_are_cut_by_seed_with_labels_that_fit_their_pixels(classes):
    data = load(classes)
    assert (len(data.train), len(data.validation), data.test_images) == (96, 12, 12)
    assert data.class_names == ("ant", "bee", "cow")
    for images in (data.train, data.validation, data.load_test()):
        assert images.images.shape[1:] == (16, 16, 1)
        assert images.images.dtype == torch.uint8
        assert images.labels.dtype == torch.int64
        assert torch.equal(images.images[:, 8, 8, 0].long(), images.labels * 100)
        assert images.labels.bincount().unique().numel() == 1


def test_the_three_parts_share_no_image_and_miss_none(classes):
    data = load(classes)
    seen = [
        (int(label), int(image[0, 0, 0]))
        for images in (data.train, data.validation, data.load_test())
        for image, label in zip(images.images, images.labels, strict=True)
    ]
    assert sorted(seen) == [(label, number) for label in range(3) for number in range(40)]


def test_equal_data_has_an_equal_digest_and_every_change_another(classes, tmp_path):
    def digest(**options):
        return load(classes, **options).digest

    one = digest()
    assert digest() == one
    others = [
        digest(seed=1),
        digest(size_px=8),
        digest(validation_fraction=0.2),
        digest(test_fraction=0.2),
        digest(max_train_images=30),
    ]
    (classes / "ant" / "0000.png").rename(classes / "ant" / "9999.png")
    others.append(digest())
    (tmp_path / "set").rename(tmp_path / "moved")
    assert load(tmp_path / "moved").digest == others[-1]
    assert len({one, *others}) == 7


@pytest.mark.parametrize("split", ["train", "val"])
def test_other_pixels_in_a_file_of_the_same_size_have_another_digest(tmp_path, split):
    for part in ("train", "val", "test"):
        for label, name in enumerate(("ant", "bee")):
            put(tmp_path / part / name, 3, colour=label * 100, suffix=".bmp")
    one = load(tmp_path).digest
    assert load(tmp_path).digest == one
    path = tmp_path / split / "ant" / "0001.bmp"
    before = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([255 - content[-1]]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load(tmp_path).digest != one


def test_other_labels_of_the_same_pixels_have_another_digest(tmp_path):
    digests = set()
    for larger in ("ant", "bee"):
        for part in ("train", "val", "test"):
            for name in ("ant", "bee"):
                put(tmp_path / larger / part / name, 1)
        put(tmp_path / larger / "train" / larger / "more", 1)
        digests.add(load(tmp_path / larger).digest)
    assert len(digests) == 2


def test_test_pixels_are_read_only_when_asked_for(classes, monkeypatch):
    for split in ("train", "test"):
        for name in ("ant", "bee"):
            put(classes / "x" / split / name, 10)
    read, asked = decode.read, []
    monkeypatch.setattr(
        decode, "read", lambda path, **o: asked.append(str(path)) or read(path, **o)
    )
    data = load(classes / "x")
    assert data.test_images == 20
    assert len(asked) == 20
    assert not [path for path in asked if "/test/" in path]
    assert len(data.load_test()) == 20
    assert len([path for path in asked if "/test/" in path]) == 20


def test_test_arrays_are_read_only_when_asked_for(tmp_path):
    images, labels = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 2
    path = tmp_path / "set.npz"
    np.savez(path, images=images, labels=labels, images_test=images + 7, labels_test=labels)
    data = load(path)
    assert (len(data.train), len(data.validation), data.test_images) == (18, 2, 20)
    path.unlink()
    with pytest.raises(DataError, match="images_test cannot be read"):
        data.load_test()


def test_an_array_cut_by_seed_is_unpacked_once(tmp_path, monkeypatch):
    path = tmp_path / "set.npz"
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(40) % 2)
    loads, original = [], np.load
    monkeypatch.setattr(np, "load", lambda *a, **o: loads.append(a) or original(*a, **o))
    data = load(path)
    assert len(loads) == 2  # labels, then images for training and validation together
    pixels = {
        image.numpy().tobytes() for image in torch.cat((data.train.images, data.validation.images))
    }
    assert len(pixels) == 36
    assert pixels <= {image.tobytes() for image in images}


def test_missing_parts_are_cut_from_train(tmp_path):
    for name in ("a", "b"):
        put(tmp_path / "train" / name, 20)
        put(tmp_path / "test" / name, 5)
    data = load(tmp_path, validation_fraction=0.25)
    assert (len(data.train), len(data.validation), data.test_images) == (30, 10, 10)


def test_max_train_images_is_balanced_and_leaves_validation_alone(classes):
    data = load(classes, max_train_images=31)
    assert sorted(data.train.labels.bincount().tolist()) == [10, 10, 11]
    assert len(data.validation) == 12


def test_an_unlabelled_folder_is_cut_by_seed(tmp_path):
    put(tmp_path, 50, size=(20, 20))
    data = load(tmp_path)
    assert (len(data.train), len(data.validation), data.test_images) == (40, 5, 5)
    assert data.class_names == ()
    assert not data.train.labelled
    assert data.load_test().labels.tolist() == [-1] * 5


def test_one_colour_image_makes_the_whole_set_rgb(classes):
    Image.new("RGB", (16, 16), (1, 2, 3)).save(classes / "ant" / "colour.png")
    data = load(classes, seed=3)
    assert data.train.channels == data.validation.channels == 3
    assert data.load_test().channels == 3


def test_mixed_sizes_are_brought_to_the_median_side(tmp_path):
    for name in ("a", "b"):
        put(tmp_path / name / "small", 5, size=(20, 30))
        put(tmp_path / name / "large", 16, size=(90, 45))
    data = load(tmp_path)
    assert data.train.px == data.load_test().px == 48
    assert load(tmp_path, size_px=12).train.px == 12


def test_a_few_unreadable_files_are_left_out_and_named(tmp_path):
    for name in ("a", "b"):
        put(tmp_path / "train" / name, 120)
        put(tmp_path / "val" / name, 10)
        put(tmp_path / "test" / name, 100)
    (tmp_path / "train" / "a" / "0007.png").write_bytes(b"")
    whole = (tmp_path / "val" / "b" / "0003.png").read_bytes()
    (tmp_path / "val" / "b" / "0003.png").write_bytes(whole[:48])
    (tmp_path / "test" / "a" / "0001.png").write_text("no image")
    (tmp_path / "test" / "a" / "0002.png").write_bytes(whole[:48])
    data = load(tmp_path)
    assert sorted(data.unreadable) == ["test/a/0001.png", "train/a/0007.png", "val/b/0003.png"]
    assert (len(data.train), len(data.validation), data.test_images) == (239, 19, 199)
    assert data.train.labels.bincount().tolist() == [119, 120]
    # Its header is fine; that the rest is missing shows when pixels are read.
    assert len(data.load_test()) == 198


def test_more_than_one_percent_unreadable_is_refused(classes):
    for number in range(4):
        (classes / "bee" / f"000{number}.png").write_bytes(b"")
    with pytest.raises(
        DataError,
        match=r"4 of 120 images cannot be read \(bee/000\d\.png, .*, \.\.\.\).*at most 1%",
    ):
        load(classes)


def test_a_folder_of_nothing_but_damage_is_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(5):
            (tmp_path / name / f"{number}.jpg").write_text("no image")
    with pytest.raises(DataError, match="10 of 10 images cannot be read"):
        load(tmp_path)


def test_a_class_that_lost_its_only_training_image_is_refused(tmp_path):
    for split in ("train", "val", "test"):
        put(tmp_path / split / "a", 50)
        put(tmp_path / split / "b", 1)
    (tmp_path / "train" / "b" / "0000.png").write_bytes(b"")
    with pytest.raises(DataError, match="class 'b' has no readable training image"):
        load(tmp_path)


def test_a_class_of_one_image_cannot_be_cut(classes):
    put(classes / "dog", 1)
    with pytest.raises(DataError, match="the class 'dog' has only 1 image, and cannot be split"):
        load(classes)


def test_one_unlabelled_image_cannot_be_cut(tmp_path):
    put(tmp_path, 1)
    with pytest.raises(DataError, match="there is only 1 image, and cannot be split"):
        load(tmp_path)


def test_fewer_training_images_than_classes_are_refused(classes):
    with pytest.raises(DataError, match="max_train_images = 2: must be at least 3"):
        load(classes, max_train_images=2)


def test_a_missing_path_is_refused_with_the_option():
    with pytest.raises(DataError, match=r"nowhere: there is no such folder or file; .*--data"):
        load("nowhere")


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a\.zip: is neither a folder nor an \.npz file"):
        load(tmp_path / "a.zip")


def test_progress_is_told_of_looking_and_reading(classes):
    told = []
    load_dataset(DataConfig(path=str(classes)), seed=0, progress=lambda what, *_: told.append(what))
    assert set(told) == {"look at images", "read images"}


def test_a_decompression_bomb_is_left_out_as_unreadable(tmp_path, monkeypatch):
    for name in ("a", "b"):
        put(tmp_path / name, 60)
    put(tmp_path / "b" / "bomb", 1, size=(50, 50))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as outside of tests, where Pillow would only warn
        data = load(tmp_path)
    assert data.unreadable == ("b/bomb/0000.png",)

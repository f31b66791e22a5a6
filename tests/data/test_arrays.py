import pickle

import numpy as np
import pytest

from autokd.core.progress import silent
from autokd.data.arrays import open_arrays
from autokd.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(20) % 4
GOOD = {"images": IMAGES, "labels": LABELS}


def write(tmp_path, **arrays):
    np.savez_compressed(tmp_path / "set.npz", **arrays)
    return tmp_path / "set.npz"


def pixels(part, *, px=8, channels=3):
    return next(part.source.blocks(part.index, px=px, channels=channels))[0]


def test_images_and_labels_are_read_as_they_are(tmp_path):
    found = open_arrays(write(tmp_path, **GOOD, classes=["a", "d", "c", "b"]))
    assert found.class_names == ("a", "d", "c", "b")
    assert found.train.labels.tolist() == LABELS.tolist()
    assert np.array_equal(pixels(found.train), IMAGES)
    assert found.validation is None
    assert found.test is None


def test_class_names_are_numbers_when_left_out(tmp_path):
    assert open_arrays(write(tmp_path, **GOOD)).class_names == ("0", "1", "2", "3")


@pytest.mark.parametrize("shape", [(20, 8, 8), (20, 8, 8, 1)])
def test_gray_arrays_have_one_channel(tmp_path, shape):
    gray = np.ascontiguousarray(IMAGES[..., 0]).reshape(shape)
    found = open_arrays(write(tmp_path, images=gray, labels=LABELS.astype(np.uint8)))
    assert found.train.source.survey(found.train.index, silent).gray.all()
    assert np.array_equal(pixels(found.train, channels=1)[..., 0], IMAGES[..., 0])


def test_wide_images_are_cut_to_their_middle(tmp_path):
    wide = RNG.integers(0, 256, (20, 8, 14, 3), dtype=np.uint8)
    found = open_arrays(write(tmp_path, images=wide, labels=LABELS))
    assert np.array_equal(pixels(found.train), wide[:, :, 3:11])
    assert pixels(found.train, px=16).shape == (20, 16, 16, 3)


def test_split_words_set_images_apart(tmp_path):
    words = np.array(["train"] * 12 + ["valid"] * 4 + ["TEST"] * 4)
    found = open_arrays(write(tmp_path, **GOOD, split=words))
    assert np.array_equal(pixels(found.train), IMAGES[:12])
    assert np.array_equal(pixels(found.validation), IMAGES[12:16])
    assert np.array_equal(pixels(found.test), IMAGES[16:])
    assert found.test.labels.tolist() == LABELS[16:].tolist()


def test_arrays_of_their_own_set_images_apart(tmp_path):
    found = open_arrays(
        write(
            tmp_path,
            **GOOD,
            images_val=IMAGES[:6],
            labels_val=LABELS[:6],
            images_test=IMAGES[:9],
            labels_test=LABELS[:9],
        )
    )
    assert (found.validation.index.size, found.test.index.size) == (6, 9)
    assert found.test.names(np.arange(9) == 8) == ("images_test[8]",)


def test_an_array_without_labels_is_unlabelled(tmp_path):
    found = open_arrays(write(tmp_path, images=IMAGES))
    assert found.class_names == ()
    assert set(found.train.labels.tolist()) == {-1}


def test_the_fingerprint_follows_the_file(tmp_path):
    def fingerprint(**arrays):
        part = open_arrays(write(tmp_path, **arrays)).train
        return part.source.fingerprint(part.index)

    one = fingerprint(**GOOD)
    assert fingerprint(**GOOD) == one
    other = IMAGES.copy()
    other[3, 3, 3, 0] ^= 1
    assert fingerprint(images=other, labels=LABELS) != one


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        (
            {"x_train": IMAGES},
            "has no 'images', it has x_train; rename the arrays to images, labels",
        ),
        ({"images": IMAGES, "y": LABELS}, "has no 'labels', but y; rename the labels"),
        ({**GOOD, "images": IMAGES / 255}, "images is float64, and must be uint8"),
        ({**GOOD, "images": IMAGES.transpose(0, 3, 1, 2)}, "channels first; transpose"),
        ({**GOOD, "images": IMAGES[..., :2]}, r"shape \(20, 8, 8, 2\), and must be"),
        ({**GOOD, "images": IMAGES[0, 0]}, r"shape \(8, 3\), and must be"),
        ({**GOOD, "images": IMAGES[:0]}, "there are no images in it"),
        ({**GOOD, "labels": LABELS[:5]}, r"labels has shape \(5,\), and must be \(20,\)"),
        ({**GOOD, "labels": LABELS / 1}, "labels is float64, and must be integers"),
        ({**GOOD, "labels": LABELS - 1}, r"label of images\[0\] is -1, and must be 0 to 2"),
        (
            {**GOOD, "classes": ["a", "b", "c"]},
            r"label of images\[3\] is 3, and must be 0 to 2, as there are 3 classes",
        ),
        ({**GOOD, "labels": LABELS * 0}, "only one class, '0'"),
        ({**GOOD, "classes": ["a", "b", "a", "c"]}, "class name 'a' stands twice"),
        ({**GOOD, "classes": [0.5, 1.5, 2.5, 3.5]}, "classes is float64 .* list of names"),
        ({**GOOD, "images_val": IMAGES}, "has 'images_val' but no 'labels_val'; add it"),
        (
            {**GOOD, "images_test": IMAGES, "labels_test": LABELS + 1},
            r"label of images_test\[3\] is 4",
        ),
        (
            {**GOOD, "images_val": IMAGES[..., :1], "labels_val": LABELS},
            "images_val has 1 channels, unlike 'images'",
        ),
        ({**GOOD, "split": ["train"] * 19 + ["tset"]}, "split has 'tset'; did you mean 'test'"),
        ({**GOOD, "split": ["test"] * 20}, "split has no 'train'"),
        ({**GOOD, "split": np.zeros(20)}, "split is float64 .* must be a text"),
        (
            {**GOOD, "split": ["train"] * 20, "images_val": IMAGES, "labels_val": LABELS},
            "has both 'split' and 'images_val'",
        ),
        ({**GOOD, "labels": LABELS.astype(object)}, "labels is an array of Python objects"),
        ({**GOOD, "classes": np.array(["a", None])}, "classes is an array of Python objects"),
    ],
)
def test_a_wrong_array_is_refused_by_name(tmp_path, arrays, text):
    path = write(tmp_path, **arrays)
    with pytest.raises(DataError, match=text) as error:
        open_arrays(path)
    assert str(path) in str(error.value)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code was run')",))


def test_a_pickle_in_an_array_is_never_run(tmp_path):
    for arrays in (
        {"images": np.array([Bomb()], dtype=object)},
        {**GOOD, "classes": np.array([Bomb(), Bomb()], dtype=object)},
    ):
        with pytest.raises(DataError, match=r"must be uint8|Python objects"):
            open_arrays(write(tmp_path, **arrays))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"hello", "cannot be read as .npz"),
        (pickle.dumps(Bomb()), "cannot be read as .npz"),
        (b"\x93NUMPY\x01\x00", "cannot be read as .npz"),
    ],
)
def test_a_file_that_is_no_archive_is_refused(tmp_path, content, text):
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(DataError, match=text):
        open_arrays(tmp_path / "set.npz")


def test_damage_inside_the_archive_is_named_when_it_is_read(tmp_path):
    large = RNG.integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    path = write(tmp_path, images=large, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[100_000:100_100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"images cannot be read .* the file is damaged"):
        pixels(open_arrays(path).train)

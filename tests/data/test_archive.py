import numpy as np
import pytest

from autokd.data.archive import Archive
from autokd.errors import DataError


@pytest.fixture
def write(tmp_path):
    def save(**arrays: np.ndarray):
        path = tmp_path / "data.npz"
        np.savez_compressed(path, **arrays)
        return path

    return save


def zeros(*shape: int, dtype=np.uint8) -> np.ndarray:
    return np.zeros(shape, dtype)


def test_headers_are_known_before_an_array_is_read(write) -> None:
    archive = Archive(write(images=zeros(5, 8, 8, 3), labels=zeros(5, dtype=np.int64)))
    assert archive.headers == {
        "images": ((5, 8, 8, 3), np.dtype(np.uint8)),
        "labels": ((5,), np.dtype(np.int64)),
    }


def test_images_without_channels_are_gray(write) -> None:
    archive = Archive(write(images=zeros(5, 8, 9)))
    assert archive.check_images("images") == (5, 8, 9, 1)


@pytest.mark.parametrize(
    ("images", "rule"),
    [
        (zeros(5, 8, 8, dtype=np.float32), "images is float32, and must be uint8"),
        (zeros(5, 3, 8, 8), r"channels first; transpose to \(n, h, w, channels\)"),
        (zeros(5, 8, 8, 4), r"and must be \(n, h, w\), or \(n, h, w, 1 or 3\)"),
        (zeros(5, 8), r"has shape \(5, 8\)"),
        (zeros(0, 8, 8, 3), "there are no images in it"),
    ],
)
def test_images_of_another_kind_are_refused_with_the_rule(write, images, rule: str) -> None:
    with pytest.raises(DataError, match=f"data.npz: .*{rule}"):
        Archive(write(images=images)).check_images("images")


def test_a_missing_array_is_answered_with_those_that_are_there(write) -> None:
    with pytest.raises(DataError, match="has no 'images', it has x, y; rename the arrays"):
        Archive(write(x=zeros(1), y=zeros(1))).check_images("images")


def test_labels_that_are_not_there_are_all_unknown(write) -> None:
    assert Archive(write(images=zeros(3, 8, 8))).labels("labels", 3).tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        (np.zeros(3), "labels is float64, and must be integers"),
        (zeros(4, dtype=np.int64), r"labels has shape \(4,\), and must be \(3,\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(write, labels, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        Archive(write(labels=labels)).labels("labels", 3)


def test_objects_are_never_unpickled(write) -> None:
    archive = Archive(write(classes=np.array([{"a": 1}], dtype=object)))
    with pytest.raises(DataError, match="classes is an array of Python objects"):
        archive.array("classes")


@pytest.mark.parametrize(
    ("content", "rule"), [(b"", r"is empty \(0 bytes\)"), (b"PK\x03\x04 cut", "cannot be read as")]
)
def test_a_file_that_is_no_archive_is_refused(tmp_path, content: bytes, rule: str) -> None:
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(DataError, match=f"data.npz: {rule}"):
        Archive(tmp_path / "data.npz")

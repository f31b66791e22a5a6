import numpy as np
import pytest
from PIL import Image

from autokd.data.folders import open_folder
from autokd.errors import DataError


def put(folder, count=3, *, start=0, suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / f"{number:03d}{suffix}")


def names(part):
    return part.names(np.ones(part.index.size, bool))


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("train", "val", "test"), ("training", "valid", "testing"), ("Train", "Validation", "TEST")],
)
def test_split_folders_are_known_in_their_usual_spellings(tmp_path, train, validation, test):
    for split, count in ((train, 5), (validation, 2), (test, 3)):
        put(tmp_path / split / "cat", count)
        put(tmp_path / split / "dog", count)
    found = open_folder(tmp_path)
    assert found.class_names == ("cat", "dog")
    assert found.train.labels.tolist() == [0] * 5 + [1] * 5
    assert found.validation.labels.tolist() == [0, 0, 1, 1]
    assert found.test.labels.tolist() == [0] * 3 + [1] * 3
    assert names(found.validation)[0] == f"{validation}/cat/000.png"


def test_class_folders_alone_are_all_training_images_for_now(tmp_path):
    put(tmp_path / "b")
    put(tmp_path / "a")
    put(tmp_path / "B")
    found = open_folder(tmp_path)
    assert found.class_names == ("B", "a", "b")
    assert found.validation is None
    assert found.test is None
    assert names(found.train)[0] == "B/000.png"


def test_classes_may_be_named_as_splits_are(tmp_path):
    put(tmp_path / "train")
    put(tmp_path / "bus")
    assert open_folder(tmp_path).class_names == ("bus", "train")
    put(tmp_path / "x" / "valid")
    put(tmp_path / "x" / "invalid")
    assert open_folder(tmp_path / "x").class_names == ("invalid", "valid")


def test_a_folder_without_class_folders_is_unlabelled(tmp_path):
    put(tmp_path, 4)
    found = open_folder(tmp_path)
    assert found.class_names == ()
    assert found.train.labels.tolist() == [-1] * 4


def test_unlabelled_training_images_go_with_labelled_validation_images(tmp_path):
    put(tmp_path / "train", 4)
    put(tmp_path / "val" / "cat")
    put(tmp_path / "val" / "dog")
    found = open_folder(tmp_path)
    assert found.class_names == ("cat", "dog")
    assert set(found.train.labels.tolist()) == {-1}
    assert found.validation.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_hidden_and_other_files_are_left_alone_and_deeper_ones_found(tmp_path):
    put(tmp_path / "a" / "deep" / "er", 2, suffix=".JPG")
    put(tmp_path / "b", 2)
    (tmp_path / "a" / ".hidden.png").write_bytes(b"x")
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "LICENSE").write_text("x")
    found = open_folder(tmp_path)
    assert names(found.train) == (
        "a/deep/er/000.JPG",
        "a/deep/er/001.JPG",
        "b/000.png",
        "b/001.png",
    )


def fingerprint(root):
    part = open_folder(root).train
    return part.source.fingerprint(part.index)


def test_the_fingerprint_follows_names_and_sizes_wherever_the_files_lie(tmp_path):
    for root in ("one", "two"):
        put(tmp_path / root / "a", suffix=".bmp")
        put(tmp_path / root / "b", suffix=".bmp")
    one = fingerprint(tmp_path / "one")
    assert fingerprint(tmp_path / "two") == one
    changed = tmp_path / "two" / "a" / "001.bmp"
    changed.write_bytes(changed.read_bytes() + b"more")
    assert fingerprint(tmp_path / "two") != one


def test_a_broken_link_is_listed_so_that_it_can_be_named_later(tmp_path):
    put(tmp_path / "a")
    put(tmp_path / "b")
    (tmp_path / "a" / "999.png").symlink_to(tmp_path / "nowhere.png")
    found = open_folder(tmp_path)
    assert "a/999.png" in names(found.train)
    assert len(fingerprint(tmp_path)) == 64


def refused(root, text):
    with pytest.raises(DataError, match=text):
        open_folder(root)


def test_an_empty_folder_is_refused(tmp_path):
    refused(tmp_path, r"has no images; put image files \(\.bmp, .*\) there")


def test_a_folder_of_other_files_says_which_it_found(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"x")
    refused(tmp_path, r"has no images \(only \.heic\)")


def test_an_empty_class_folder_is_refused(tmp_path):
    put(tmp_path / "a")
    (tmp_path / "b").mkdir()
    refused(tmp_path, r"/b: has no images")


def test_one_class_is_refused_with_the_way_out(tmp_path):
    put(tmp_path / "images")
    refused(
        tmp_path, "there is only one class, 'images', and a classifier needs two.*no class folder"
    )


def test_a_class_without_training_images_is_refused_by_name(tmp_path):
    for name in ("cat", "dog"):
        put(tmp_path / "train" / name)
    put(tmp_path / "val" / "dgo")
    refused(tmp_path, r"val: the class 'dgo' has no training images; did you mean 'dog'\?")


def test_splits_without_train_are_refused(tmp_path):
    put(tmp_path / "test" / "a")
    put(tmp_path / "val" / "a")
    refused(tmp_path, r"has test/, val/ but no train/; students learn from train/, so add it")


def test_two_spellings_of_one_split_are_refused(tmp_path):
    put(tmp_path / "train" / "a")
    put(tmp_path / "val" / "a")
    put(tmp_path / "valid" / "a")
    refused(tmp_path, "val/ and valid/ are both validation images; keep one")

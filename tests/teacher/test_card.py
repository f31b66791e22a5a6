from pathlib import Path

import pytest

from autokd.core.config import TeacherConfig
from autokd.errors import TeacherError
from autokd.teacher.card import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    TeacherHints,
    choose_normalisation,
    hints_beside,
    hints_from_config,
    hints_from_metadata,
    match_classes,
)


def test_what_is_said_first_wins_key_by_key() -> None:
    first = TeacherHints(input_px=32)
    second = TeacherHints(input_px=64, arch="timm:x")
    assert first.over(second) == TeacherHints(input_px=32, arch="timm:x")


def test_flags_give_hints() -> None:
    config = TeacherConfig(file="m.pt", mean=(0.5,), std=(0.5,), input_px=40)
    assert hints_from_config(config) == TeacherHints(mean=(0.5,), std=(0.5,), input_px=40)


def test_a_card_beside_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text('arch = "timm:x"\nclass_names = ["a", "b"]\n')
    assert hints_beside(tmp_path / "model.pt").class_names == ("a", "b")


def test_no_card_says_nothing(tmp_path: Path) -> None:
    assert hints_beside(tmp_path / "model.pt") == TeacherHints()


def test_a_misspelt_key_of_a_card_is_named_with_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text("input_pixels = 32\n")
    with pytest.raises(TeacherError, match=r"model\.toml: unknown key 'input_pixels'.*'input_px'"):
        hints_beside(tmp_path / "model.pt")


def test_metadata_lists_are_json_or_have_commas() -> None:
    hints = hints_from_metadata(
        {"mean": "[0.1, 0.2, 0.3]", "std": "1, 2, 3", "class_names": "a, b", "other": "?"}, "m.onnx"
    )
    assert hints.mean == (0.1, 0.2, 0.3)
    assert hints.std == (1.0, 2.0, 3.0)
    assert hints.class_names == ("a", "b")


def test_metadata_of_another_kind_is_an_error_with_its_place() -> None:
    with pytest.raises(TeacherError, match=r"m\.onnx \(metadata\): input_px = 'wide'"):
        hints_from_metadata({"input_px": "wide"}, "m.onnx")


def test_library_architectures_get_the_numbers_of_imagenet() -> None:
    mean, std, source = choose_normalisation(TeacherHints(), channels=3, imagenet=True, where="m")
    assert (mean, std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert "ImageNet" in source


def test_gray_library_architectures_get_the_mean_of_the_channels() -> None:
    mean, std, _ = choose_normalisation(TeacherHints(), channels=1, imagenet=True, where="m")
    assert mean == pytest.approx((0.449,))
    assert std == pytest.approx((0.226,))


def test_other_networks_get_pixels_as_they_are() -> None:
    mean, std, _ = choose_normalisation(TeacherHints(), channels=3, imagenet=False, where="m")
    assert (mean, std) == ((0.0,) * 3, (1.0,) * 3)


def test_one_number_stands_for_all_channels() -> None:
    hints = TeacherHints(mean=(0.5,), std=(0.25,))
    mean, std, _ = choose_normalisation(hints, channels=3, imagenet=True, where="m")
    assert (mean, std) == ((0.5,) * 3, (0.25,) * 3)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((0.5,), None, "m: mean is given but std is not"),
        (None, (0.5,), "m: std is given but mean is not"),
        ((0.5, 0.5), (1.0,), r"m: mean = \[0.5, 0.5\] has 2 numbers.*takes 3 channel"),
        ((0.5,), (0.0,), r"m: std = \[0.0, 0.0, 0.0\]: every value must be above 0"),
    ],
)
def test_half_a_normalisation_is_refused(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None, message: str
) -> None:
    with pytest.raises(TeacherError, match=message):
        choose_normalisation(TeacherHints(mean=mean, std=std), channels=3, imagenet=True, where="m")


def test_equal_classes_keep_their_places() -> None:
    assert match_classes(("a", "b"), ("a", "b"), outputs=2, where="m") == (("a", "b"), None)
    assert match_classes(None, ("a", "b"), outputs=2, where="m") == (("a", "b"), None)


def test_classes_in_another_order_are_brought_into_that_of_the_data() -> None:
    names, order = match_classes(("c", "a", "b"), ("a", "b", "c"), outputs=3, where="m")
    assert names == ("a", "b", "c")
    assert order == (1, 2, 0)


def test_without_labels_the_order_is_the_teachers_own() -> None:
    assert match_classes(("c", "a"), (), outputs=2, where="m") == (("c", "a"), None)
    assert match_classes(None, (), outputs=2, where="m") == ((), None)


@pytest.mark.parametrize(
    ("named", "data", "outputs", "message"),
    [
        (None, ("a", "b"), 1000, r"has 1000 classes, the data 2 \('a', 'b'\)"),
        (("a",), ("a", "b"), 2, r"1 class_names are given, 'a', but the teacher has 2 outputs"),
        (("a", "x"), ("a", "b"), 2, r"teacher \('a', 'x'\) and data \('a', 'b'\).*'b' is on one"),
        (("a", "a"), ("a", "b"), 2, "not the same set"),
    ],
)
def test_other_classes_are_an_error_that_shows_both_lists(
    named: tuple[str, ...] | None, data: tuple[str, ...], outputs: int, message: str
) -> None:
    with pytest.raises(TeacherError, match=message):
        match_classes(named, data, outputs=outputs, where="m")


def test_long_lists_of_classes_are_shown_by_their_ends() -> None:
    data = tuple(f"c{n}" for n in range(9))
    with pytest.raises(TeacherError, match=r"\('c0', 'c1', \.\.\., 'c7', 'c8'\)"):
        match_classes(None, data, outputs=3, where="m")

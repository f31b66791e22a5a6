import pytest
from pydantic import ValidationError

from autokd.core.codec import load_record, save_record
from autokd.core.departures import ClassScore, Disagreement, DisagreementStrip

STRIP = DisagreementStrip(
    file="winners/1/departures.png",
    image_px=28,
    images=(Disagreement(index=3, label=None, student="bee", teacher="ant"),),
    validation_images=10,
    differing=1,
)


def test_a_strip_comes_back_from_its_file_as_it_was(tmp_path) -> None:
    save_record(STRIP, tmp_path / "strip.json")
    assert load_record(DisagreementStrip, tmp_path / "strip.json") == STRIP


@pytest.mark.parametrize(
    ("field", "value"), [("image_px", 0), ("validation_images", 0), ("differing", -1)]
)
def test_a_strip_of_nothing_is_refused(field: str, value: int) -> None:
    with pytest.raises(ValidationError, match=field):
        DisagreementStrip.model_validate({**STRIP.model_dump(), field: value})


@pytest.mark.parametrize("field", ["images", "student_right", "teacher_right"])
def test_counts_of_a_class_are_not_negative(field: str) -> None:
    counts = {"images": 4, "student_right": 2, "teacher_right": 3}
    assert ClassScore(name="ant", **counts).confused_with is None
    with pytest.raises(ValidationError, match=field):
        ClassScore(name="ant", **counts | {field: -1})

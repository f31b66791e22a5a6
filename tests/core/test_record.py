"""The base of every record is frozen and strict."""

import pytest
from pydantic import ValidationError

from autokd.core.record import Record


class Point(Record):
    x: float


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Point(x=1).x = 2  # type: ignore[misc]


def test_equal_records_are_equal_and_hash_alike() -> None:
    assert {Point(x=1), Point(x=1.0)} == {Point(x=1)}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_must_be_finite(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Point(x=value)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Point.model_validate({"x": 1, "y": 2})

"""A family out of range is an error, never a clamp."""

from typing import Any

import pytest
from pydantic import ValidationError

from autokd.core.family import FamilyParams

NAGO: dict[str, Any] = {
    "preset": "paper",
    "top_nodes": 8,
    "top_degree": 4,
    "top_rewire": 0.4,
    "mid_nodes": 5,
    "mid_edge": 0.3,
    "bottom_nodes": 3,
    "bottom_degree": 2,
    "bottom_rewire": 0.2,
    "input_px": 32,
}


def test_the_published_parameters_are_a_family() -> None:
    assert FamilyParams(**NAGO).fill == 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_nodes", 11),
        ("top_nodes", 0),
        ("top_degree", 3),
        ("mid_edge", 1.1),
        ("bottom_rewire", -0.1),
        ("block", "attention"),
        ("growth", 0.5),
        ("last_stage_share", 1.0),
        ("input_px", 4),
        ("fill", 0.0),
        ("fill", float("nan")),
        ("width", 16),
    ],
)
def test_what_is_out_of_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        FamilyParams(**{**NAGO, name: value})


def test_a_family_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FamilyParams(**NAGO).fill = 0.5  # type: ignore[misc]

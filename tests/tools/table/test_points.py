import math

import numpy as np
import pytest

from autokd.core.trial import DistillParams
from tests.tools.table.made_up import DESIGN, FakeSpace
from tools.table.points import Design, Point, draw_points


def test_280_families_give_400_students_and_40_twins(points: tuple[Point, ...]) -> None:
    assert [point.point_id for point in points] == list(range(440))
    assert {point.family_number for point in points} == set(range(280))
    assert sum(point.candidate.origin == "twin" for point in points) == 40
    sizes = [sum(p.family_number == n for p in points) for n in range(280)]
    assert sizes == [5 if number % 7 == 0 else 1 for number in range(280)]


def test_families_stand_together_with_their_twin_last(points: tuple[Point, ...]) -> None:
    assert [p.family_number for p in points] == sorted(p.family_number for p in points)
    family = [point for point in points if point.family_number == 7]
    assert [point.member for point in family] == [0, 1, 2, 3, 0]
    assert [point.candidate.origin for point in family] == ["prior"] * 4 + ["twin"]
    assert len({point.candidate.member_seed for point in family}) == 4
    assert len({point.candidate.family.model_dump_json() for point in family}) == 1


def test_a_twin_is_its_students_first_member_without_a_teacher(points: tuple[Point, ...]) -> None:
    first, twin = points[0].candidate, points[4].candidate
    assert first.distill.alpha > 0
    assert twin.distill == DistillParams(temperature=first.distill.temperature, alpha=0)
    same = {"distill": first.distill, "origin": first.origin}
    assert twin.model_copy(update=same) == first


def test_fewer_families_are_a_prefix_of_more(points: tuple[Point, ...]) -> None:
    fewer = draw_points(FakeSpace(), Design(families=23))
    assert fewer == points[: len(fewer)]


def test_a_prefix_is_spread_evenly(points: tuple[Point, ...]) -> None:
    firsts = [p.candidate for p in points if p.member == 0 and p.candidate.origin != "twin"][:64]
    alphas = np.sort([candidate.distill.alpha for candidate in firsts])
    assert np.abs(alphas - (np.arange(64) + 0.5) / 64).max() < 0.08


def test_families_whose_first_member_fits_no_limit_are_not_there(points: tuple[Point, ...]) -> None:
    assert all(point.candidate.family.bottom_nodes < 4 for point in points)


def test_lengths_rise_to_a_full_one() -> None:
    assert DESIGN.lengths[0] == pytest.approx(1.5**-7)
    assert DESIGN.lengths[-1] == 1.0
    assert np.diff(np.log(DESIGN.lengths)) == pytest.approx(math.log(1.5))

import pytest

from tests.tools.table.made_up import DESIGN, FakeSpace
from tools.table.points import Point, draw_points


@pytest.fixture(scope="module")
def points() -> tuple[Point, ...]:
    return draw_points(FakeSpace(), DESIGN)

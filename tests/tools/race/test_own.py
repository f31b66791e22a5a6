from pathlib import Path

import pytest

from autokd.core.codec import save_record
from tests.tools.table.made_up import DESIGN, FakeSpace, make_row, make_setup
from tools.race.own import load_own
from tools.table.journal import Journal, journal_path, pack
from tools.table.points import Point, draw_points


@pytest.fixture(scope="module")
def points() -> tuple[Point, ...]:
    return draw_points(FakeSpace(), DESIGN)


def test_searches_see_families_without_twins_and_test_images(
    points: tuple[Point, ...], tmp_path: Path
) -> None:
    save_record(make_setup(points), tmp_path / "setup.json")
    failed = make_row(points[3])
    failed = failed.model_copy(
        update={"failure": "a loss", "rungs": failed.rungs[:2], "test_accuracy": None}
    )
    with Journal(journal_path(tmp_path, 0)) as journal:
        for point in points[:7]:  # a family of four with its twin, and two of one
            journal.append(failed if point.point_id == 3 else make_row(point))
    pack(tmp_path, tmp_path / "table.jsonl.gz")
    table = load_own(tmp_path / "table.jsonl.gz")
    assert table.points.shape == (3, FakeSpace.dimension)
    assert table.choices[:4] == (5, 2, 0, 3)
    assert table.lengths == DESIGN.lengths
    assert [table.members(place) for place in range(3)] == [4, 1, 1]
    assert table.score(0, 1, 2) == pytest.approx(0.2)
    assert [table.score(0, 3, rung) for rung in range(3)] == pytest.approx([0.1, 0.15, 0.0])
    assert table.true_score(0) == pytest.approx(3 * 0.45 / 4)
    assert table.seconds.tolist() == [30.0] * 3
    assert table.descriptors.shape == (3, 15)
    assert table.feasible().all()
    fewer = load_own(tmp_path / "table.jsonl.gz", rungs=(3, 5, 7))
    assert fewer.lengths == (1.5**-4, 1.5**-2, 1.0)
    assert fewer.score(1, 0, 0) == pytest.approx(0.25)

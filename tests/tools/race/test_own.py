import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from autokd.core.codec import save_record
from autokd.search.strategies import STRATEGIES
from tests.tools.table.made_up import DESIGN, FakeSpace, make_row, make_setup
from tools.race.catalogue import OWN, OWN_NAMES, load_table
from tools.race.own import FILE, load_own
from tools.race.replay import replay
from tools.race.tables import Table
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
    pack(tmp_path, tmp_path / FILE)
    table = load_own(tmp_path, "own", rungs=range(8))
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
    fewer = load_own(tmp_path, "own", rungs=(3, 5, 7))
    assert fewer.lengths == (1.5**-4, 1.5**-2, 1.0)
    assert fewer.score(1, 0, 0) == pytest.approx(0.25)


SHIPPED = Path(__file__).parents[2] / "data" / FILE


@pytest.fixture(scope="module")
def families() -> dict[int, list[dict]]:
    """Read the rows of each family as plain JSON."""
    found: dict[int, list[dict]] = {}
    with gzip.open(SHIPPED, "rt", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            row = json.loads(line)
            if row["origin"] != "twin":
                found.setdefault(row["family_number"], []).append(row)
    return found


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    """Load the shipped table by all its names, from a folder that has none of its own."""
    return {name: load_table(tmp_path_factory.mktemp("empty"), name) for name in OWN_NAMES}


@pytest.mark.parametrize("name", OWN_NAMES)
def test_the_shipped_students_are_a_table_for_each_of_three_devices(
    tables: dict[str, Table], families: dict[int, list[dict]], name: str
) -> None:
    table = tables[name]
    device = name.removeprefix(OWN).removeprefix("-") or "raspberry-pi-zero-2w"
    assert table.name == name
    assert len(table.points) == len(families)
    for place, (_, rows) in enumerate(sorted(families.items())):
        assert table.costs[place].latency_ms == rows[0]["devices"][device]["latency_ms"]
        accuracies = [row["rungs"][-1]["accuracy"] for row in rows]
        assert table.true_score(place) == pytest.approx(np.mean(accuracies))
        assert table.score(place, 0, 0) == rows[0]["rungs"][1]["accuracy"]
        assert table.seconds_until(place, 0) == pytest.approx(rows[0]["rungs"][1]["seconds"])
    feasible = int(table.feasible().sum())
    wanted = len(families) if name == OWN else len(families) / 2
    assert feasible == pytest.approx(wanted, abs=1)


def test_short_lengths_of_the_shipped_students_tell_of_the_full_one(
    tables: dict[str, Table],
) -> None:
    table = tables[OWN]
    assert table.lengths == pytest.approx((1.5**-6, 1.5**-3, 1.0))
    first = table.scores[:, 0, :]
    assert spearmanr(first[:, 0], first[:, 2]).statistic > 0.8
    assert np.ptp(table.true_scores) > 0.1


def test_a_search_finds_its_way_on_the_shipped_students(tables: dict[str, Table]) -> None:
    table = tables[OWN]
    trace = replay(STRATEGIES["evolution"], table, seed=0, evaluations=60)
    assert trace.evaluations[-1] == 60
    assert trace.seconds[-1] == pytest.approx(60 * 30.0)
    assert trace.true_score[-1] > np.quantile(table.true_scores, 0.9)

import gzip
from pathlib import Path

import pytest

from autokd.core.codec import save_record
from autokd.errors import DataError
from tests.tools.table.made_up import DEVICE, make_row, make_setup
from tools.table.journal import Journal, journal_path, pack, read_journal, read_table
from tools.table.points import Design, Point


def test_a_half_line_is_cut_off_and_its_student_trained_again(
    points: tuple[Point, ...], tmp_path: Path
) -> None:
    path = journal_path(tmp_path, 0)
    with Journal(path) as journal:
        journal.append(make_row(points[0]))
        journal.append(make_row(points[1]))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert [row.point_id for row in read_journal(path)] == [0]
    with Journal(path) as journal:
        assert journal.done == {0}
        journal.append(make_row(points[1]))
    assert path.read_bytes() == whole


def test_a_journal_that_is_one_half_line_is_empty(tmp_path: Path) -> None:
    path = journal_path(tmp_path, 0)
    path.write_bytes(b'{"point_id": 0, "fam')
    with Journal(path) as journal:
        assert journal.done == set()
    assert path.read_bytes() == b""


def test_a_damaged_line_is_told_by_its_number(points: tuple[Point, ...], tmp_path: Path) -> None:
    path = journal_path(tmp_path, 0)
    path.write_bytes(make_row(points[0]).model_dump_json().encode() + b"\nrubbish\n")
    with pytest.raises(DataError, match="line 2"):
        read_journal(path)


def test_two_processes_do_not_write_one_journal(tmp_path: Path) -> None:
    path = journal_path(tmp_path, 0)
    with Journal(path), pytest.raises(DataError, match="another process"):
        Journal(path)


def test_packing_twice_gives_the_same_bytes_sorted_by_id(
    points: tuple[Point, ...], tmp_path: Path
) -> None:
    save_record(make_setup(points), tmp_path / "setup.json")
    for worker in (0, 1):
        with Journal(journal_path(tmp_path, worker)) as journal:
            for point in reversed(points[worker:20:2]):
                journal.append(make_row(point))
    table, again = tmp_path / "table.jsonl.gz", tmp_path / "again.jsonl.gz"
    assert pack(tmp_path, table) == 20
    first = table.read_bytes()
    assert pack(tmp_path, table) == 20
    assert pack(tmp_path, again) == 20
    assert table.read_bytes() == again.read_bytes() == first
    setup, rows = read_table(table)
    assert setup == make_setup(points)
    assert rows == [make_row(point) for point in points[:20]]
    assert rows[3].candidate(DEVICE) == points[3].candidate


def test_a_packed_row_is_never_replaced(points: tuple[Point, ...], tmp_path: Path) -> None:
    save_record(make_setup(points), tmp_path / "setup.json")
    table = tmp_path / "table.jsonl.gz"
    with Journal(journal_path(tmp_path, 0)) as journal:
        journal.append(make_row(points[0], first=0.2))
    pack(tmp_path, table)
    journal_path(tmp_path, 0).unlink()
    with Journal(journal_path(tmp_path, 0)) as journal:
        journal.append(make_row(points[0], first=0.3))
        journal.append(make_row(points[1]))
    assert pack(tmp_path, table) == 2
    assert read_table(table)[1][0].rungs[0].accuracy == 0.2


def test_a_table_of_another_build_is_not_added_to(
    points: tuple[Point, ...], tmp_path: Path
) -> None:
    table = tmp_path / "table.jsonl.gz"
    save_record(make_setup(points), tmp_path / "setup.json")
    pack(tmp_path, table)
    save_record(make_setup(points, Design(full_seconds=2)), tmp_path / "setup.json")
    with pytest.raises(DataError, match="another setup"):
        pack(tmp_path, table)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--pack"):
        read_table(tmp_path / "none.jsonl.gz")
    (tmp_path / "text.jsonl.gz").write_bytes(gzip.compress(b"text\n"))
    with pytest.raises(DataError, match="no JSON object"):
        read_table(tmp_path / "text.jsonl.gz")

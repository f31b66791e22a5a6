from pathlib import Path

import pytest

from autokd.core.record import Record
from autokd.core.record_lines import append_line, read_lines
from autokd.errors import StorageError


class Point(Record):
    x: int


def test_lines_come_back_in_order_and_a_half_one_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "points.jsonl"
    assert read_lines(path, Point) == []
    append_line(path, Point(x=1))
    with path.open("a") as stream:
        stream.write('{"x": 2')  # as a kill leaves it
    append_line(path, Point(x=3))
    assert read_lines(path, Point) == [Point(x=1), Point(x=3)]


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"points\.jsonl"):
        append_line(tmp_path / "file" / "points.jsonl", Point(x=1))

"""Finished students on disk: a journal for each worker, and one packed file in the end.

A journal is lines of JSON, each on the disk before the next student begins. What a kill leaves of a
line is cut off when the journal is opened again.
"""

import fcntl
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from autokd.core.closing import Closing
from autokd.core.codec import load_record, parse_record, write_atomically
from autokd.errors import DataError
from tools.table.rows import Row, TableSetup

SETUP_FILE = "setup.json"


class Journal(Closing):
    """Lines of one worker; one process at a time writes to it.

    Attributes:
        done: Ids of the students that it holds.
    """

    def __init__(self, path: Path) -> None:
        """Open for appending, and cut off a half line.

        Raises:
            DataError: Another process writes to it, or a line of it cannot be read.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = path.open("a+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._stream.close()
            msg = f"{path}: another process writes to it; give this worker another number."
            raise DataError(msg) from None
        self._stream.seek(0)
        whole, _, _ = self._stream.read().rpartition(b"\n")
        self._stream.truncate(len(whole) + 1 if whole else 0)
        self.done = {row.point_id for row in read_journal(path)}

    def append(self, row: Row) -> None:
        """Add a line that is on the disk when this returns."""
        self._stream.write(row.model_dump_json().encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self.done.add(row.point_id)

    def close(self) -> None:
        """Let other processes write to it."""
        self._stream.close()


def journal_path(out: Path, worker: int) -> Path:
    """Give the journal of a worker."""
    return out / f"points-{worker}.jsonl"


def read_journal(path: Path) -> list[Row]:
    """Give the whole lines of a journal, without what a kill left of the last.

    Raises:
        DataError: A line cannot be read.
    """
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [_row(line, f"{path}, line {n}") for n, line in enumerate(whole.splitlines(), start=1)]


def read_journals(out: Path) -> list[Row]:
    """Give the lines of all journals of a build, in the order of the files' names."""
    return [row for path in sorted(out.glob("points-*.jsonl")) for row in read_journal(path)]


def pack(out: Path, table: Path) -> int:
    """Write all finished students, by id, into one compressed file.

    What the file holds already stays as it is, so that a build can be spread over machines. The
    same students give the same bytes.

    Returns:
        How many students it holds.

    Raises:
        DataError: The file is of another build, or a line cannot be read.
    """
    setup = load_record(TableSetup, out / SETUP_FILE, error=DataError)
    rows: dict[int, Row] = {}
    if table.is_file():
        packed_setup, packed = read_table(table)
        if packed_setup != setup:
            msg = f"{table}: was built with another setup than {out / SETUP_FILE}; name a new file."
            raise DataError(msg)
        rows = {row.point_id: row for row in packed}
    for row in read_journals(out):
        rows.setdefault(row.point_id, row)
    write_atomically(table, _compressed(setup, [rows[key] for key in sorted(rows)]))
    return len(rows)


def read_table(table: Path) -> tuple[TableSetup, list[Row]]:
    """Read a packed table: what all students have in common, and the students by id.

    Raises:
        DataError: There is no such file, or it cannot be read.
    """
    try:
        lines = gzip.decompress(table.read_bytes()).splitlines()
    except (OSError, EOFError, zlib.error) as fault:
        msg = (
            f"{table}: cannot be read ({fault}); it is made by "
            "'python tools/build_table.py --pack OUT TABLE.jsonl.gz'."
        )
        raise DataError(msg) from None
    if not lines:
        msg = f"{table}: is empty; pack it again."
        raise DataError(msg)
    setup = parse_record(TableSetup, _json(lines[0], str(table)), where=str(table), error=DataError)
    return setup, [_row(line, f"{table}, line {n}") for n, line in enumerate(lines[1:], start=2)]


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Wait until no other process is in here with the same ``file``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _compressed(setup: TableSetup, rows: Iterable[Row]) -> bytes:
    target = io.BytesIO()
    # Neither a name nor a time of day in the header, so that packing twice gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0, compresslevel=9) as stream:
        for record in (setup, *rows):
            stream.write(record.model_dump_json().encode() + b"\n")
    return target.getvalue()


def _row(line: bytes, where: str) -> Row:
    return parse_record(Row, _json(line, where), where=where, error=DataError)


def _json(line: bytes, where: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = f"{where}: is no JSON object; the file was changed or damaged."
        raise DataError(msg)
    return found

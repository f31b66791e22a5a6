"""Records as lines of JSON in a file that only grows: what is finished stays, whoever is killed."""

import os
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import ValidationError

from autokd.core.codec import storage_error
from autokd.core.record import Record

R = TypeVar("R", bound=Record)


def read_lines(path: Path, cls: type[R]) -> list[R]:
    """Give what is written there, nothing where there is no file.

    A line that is no such record is left out, as the half last one of a session that was killed.
    """
    found = []
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return []
    for line in text.splitlines():
        try:
            found.append(cls.model_validate_json(line))
        except ValidationError:
            continue
    return found


def append_line(path: Path, record: Record) -> None:
    """Add a record as a line of its own, behind a half line, too.

    Raises:
        StorageError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as stream:
            if stream.tell() and not _ends_a_line(stream):
                stream.write(b"\n")
            stream.write(record.model_dump_json().encode() + b"\n")
    except OSError as fault:
        raise storage_error(path, fault) from fault


def _ends_a_line(stream: BinaryIO) -> bool:
    stream.seek(-1, os.SEEK_END)
    return stream.read(1) == b"\n"

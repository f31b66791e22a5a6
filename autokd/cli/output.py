"""What a person or a machine reads: results on stdout, notes on stderr, tables 80 columns wide."""

import json
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from pydantic import BaseModel

WIDTH = 80


class Output:
    """Where a command's answer goes. One for each call of `autokd.cli.main.main`.

    Attributes:
        as_json: Whether ``--json`` was given: stdout then gets one JSON document and nothing else.
        run: The run folder, once there is one that ``autokd resume`` can go on with.
        signal: Number of the signal that ends the command, once one came.
        partial: What a failed command found out; it goes beside the error in the JSON.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.run: Path | None = None
        self.signal: int | None = None
        self.partial: dict[str, Any] = {}

    def text(self, text: str) -> None:
        """Write a result for people; nothing with ``--json``."""
        if not self.as_json:
            self._write(text)

    def record(self, record: "BaseModel") -> None:
        """Write a record for machines; nothing without ``--json``."""
        if self.as_json:
            self._write(record.model_dump_json(indent=1))

    def data(self, data: object) -> None:
        """Write plain data for machines; nothing without ``--json``."""
        if self.as_json:
            self._write(json.dumps(data, indent=1, ensure_ascii=False))

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding or "ascii"
            sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        except BrokenPipeError:
            # The reader, such as head, has seen enough. The work itself goes on.
            close_quietly(sys.stdout)


def note(text: str) -> None:
    """Write a line for people to stderr. Never fails: a note is not worth a run."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except UnicodeEncodeError:
        sys.stderr.write(ascii(text) + "\n")
    except OSError:
        close_quietly(sys.stderr)


def note_error(message: str) -> None:
    """Write an error to stderr: in lines of 80 columns for a person, in one line for a log."""
    text = f"autokd: error: {message}"
    note(wrap(text) if sys.stderr is not None and sys.stderr.isatty() else text)


def is_watched(stream: TextIO | None) -> bool:
    """Whether ``stream`` is a terminal before a person, on which lines can be drawn anew."""
    is_ci = os.environ.get("CI", "").lower() not in {"", "0", "false"}
    is_dumb = os.environ.get("TERM", "") == "dumb"
    return stream is not None and stream.isatty() and not is_ci and not is_dumb


def close_quietly(stream: Any) -> None:
    """Point a stream that cannot be written to nowhere, so that the last flush does not fail."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    except (OSError, ValueError):
        return


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table in plain text, 80 columns wide at most; the last column is wrapped.

    Args:
        header: A title for each column; all empty for a table without a head.
        rows: As many cells each.
    """
    head = [list(header)] if any(header) else []
    cells = [*head, *[list(row) for row in rows]]
    if not cells:
        return ""
    widths = [max(len(row[i]) for row in cells) for i in range(len(header) - 1)]
    indent = sum(widths) + 2 * len(widths)
    lines = []
    for row in cells:
        left = "".join(f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths, strict=True))
        last = textwrap.wrap(row[-1], max(WIDTH - indent, 20), break_on_hyphens=False) or [""]
        lines += [left + last[0], *(" " * indent + line for line in last[1:])]
    return "\n".join(line.rstrip() for line in lines)


def wrap(text: str) -> str:
    """Break a sentence into lines of 80 columns; words, such as paths, stay whole."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def current_output() -> Output:
    """Give the output of the command that runs now."""
    output = click.get_current_context().find_object(Output)
    assert output is not None  # noqa: S101 - main() passes one to every command
    return output

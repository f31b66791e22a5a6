import io
import sys

import pytest

from autokd.cli.output import Output, note, render_table, wrap


def test_columns_line_up_and_nothing_hangs_over():
    text = render_table(("a", "long title"), [("xxx", "1"), ("y", "2")])
    assert text == "a    long title\nxxx  1\ny    2"


def test_the_last_column_is_wrapped_at_80():
    lines = render_table(("", ""), [("key", "word " * 40)]).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.startswith("     word") for line in lines[1:])


def test_a_table_without_rows_or_head_is_empty():
    assert render_table(("", ""), []) == ""


def test_a_path_is_never_broken():
    path = "/" + "x" * 120
    assert path in wrap(f"see {path} there").splitlines()


@pytest.mark.parametrize("as_json", [True, False])
def test_people_and_machines_never_share_stdout(capsys, as_json):
    output = Output(as_json=as_json)
    output.text("text")
    output.data({"a": 1})
    assert capsys.readouterr().out == ('{\n "a": 1\n}\n' if as_json else "text\n")


def test_a_terminal_that_knows_ascii_only_gets_what_it_can_show(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    Output(as_json=False).text("café")
    note("café")
    sys.stdout.flush()
    sys.stderr.flush()
    assert sys.stdout.buffer.getvalue() == b"caf?\n"
    assert sys.stderr.buffer.getvalue() == b"'caf\\xe9'\n"

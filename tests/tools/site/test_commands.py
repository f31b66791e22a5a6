"""The page of commands has what people see."""

from autokd.cli.main import cli
from tests.docs.blocks import ROOT
from tools.site.commands import COLUMNS, render_commands


def test_every_command_stands_there_as_its_help():
    text = render_commands(ROOT)
    for name in cli.list_commands(None):
        assert f"## `autokd {name}`\n" in text
        assert f"Usage: autokd {name} " in text
    assert "## `autokd devices list`" in text
    assert "--max-latency-ms X" in text


def test_it_is_no_wider_than_a_terminal():
    assert max(len(line) for line in render_commands(ROOT).splitlines()) <= COLUMNS

"""The page of all commands: what ``--help`` prints, at 80 columns."""

from collections.abc import Iterator
from pathlib import Path

import click

from autokd.cli.main import cli

COLUMNS = 80


def render_commands(root: Path) -> str:  # noqa: ARG001 - as each page that is made
    """Give a heading and the help of each command, in markdown."""
    parts = [f"## `{name}`\n\n```text\n{text}\n```" for name, text in _helps(cli, "autokd", None)]
    return "\n\n".join(parts)


def _helps(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    settings = {**command.context_settings, "terminal_width": COLUMNS}
    context = click.Context(command, parent, name.rpartition(" ")[2], **settings)
    yield name, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from _helps(found, f"{name} {below}", context)

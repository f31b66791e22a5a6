"""``autokd report``."""

import click

from autokd.cli.compress import existing_run
from autokd.cli.output import current_output


@click.command()
@click.argument("run", metavar="RUN")
def report(run: str) -> None:
    """Write the report of a finished run once more, from its results.json."""
    from autokd.cli.result import render_result
    from autokd.report.write import load_report, write_report

    folder = existing_run(run)
    content = load_report(folder)
    write_report(content, folder)
    current_output().text(render_result(content, folder))

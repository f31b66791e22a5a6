"""``autokd export-optuna``."""

from pathlib import Path

import click

from autokd.cli.compress import existing_run
from autokd.cli.output import current_output


@click.command("export-optuna")
@click.argument("run", metavar="RUN")
@click.argument("file", metavar="FILE")
def export_optuna(run: str, file: str) -> None:
    """Write the search of a run as a journal file that Optuna and its dashboard open."""
    folder = existing_run(run)
    from autokd import pipeline

    written = Path(file)
    pipeline.export_optuna(folder, written)
    current_output().text(str(written))

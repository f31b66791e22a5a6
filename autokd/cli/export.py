"""``autokd export``."""

import click

from autokd.cli.compress import existing_run
from autokd.cli.output import current_output, note


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--device", metavar="D", required=True, help="See 'autokd devices list'.")
@click.option(
    "--winner",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="K",
    help="Rank in the report; 1 is the best.",
)
def export(run: str, *, winner: int, device: str) -> None:
    """Write a winner of a finished run once more, in the form that another device loads."""
    from autokd.core.device import load_profile

    folder = existing_run(run)
    load_profile(device)
    note("loading torch ...")
    from autokd import pipeline

    written = pipeline.export_winner_for(folder, winner=winner, device=device)
    current_output().text(str(written))

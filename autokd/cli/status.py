"""``autokd status``."""

import click

from autokd.cli.compress import existing_run
from autokd.cli.options import json_option
from autokd.cli.output import current_output
from autokd.cli.status_text import render_status
from autokd.cli.watch import open_screen, watch
from autokd.core.run_status import RunStatus
from autokd.errors import InterruptedRunError, StoppedError


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--watch", "follow", is_flag=True, help="Follow the run, and end as it ends.")
@json_option
def status(run: str, *, follow: bool) -> None:
    """Say where a run stands; it may be going on.

    With --watch it ends with the run, and with its exit code: 75 for one that was stopped.
    """
    folder = existing_run(run)
    from autokd import pipeline

    output = current_output()
    if not follow:
        found = pipeline.read_status(folder)
        output.text(render_status(found))
        output.record(found)
        return
    reader = pipeline.RunReader(folder)
    try:
        with open_screen(output) as screen:
            found = watch(reader.read, screen)
    except KeyboardInterrupt:
        # Nothing of the run is interrupted, so there is nothing to say.
        raise click.exceptions.Exit(InterruptedRunError.exit_code) from None
    except InterruptedRunError as end:
        raise click.exceptions.Exit(end.exit_code) from None
    output.record(found)
    raise click.exceptions.Exit(_exit_code(found))


def _exit_code(found: RunStatus) -> int:
    return found.exit.code if found.exit else StoppedError.exit_code

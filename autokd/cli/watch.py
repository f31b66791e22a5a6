"""A run as it goes on: drawn anew in place on a terminal, a line now and then anywhere else."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autokd.cli.output import Output, is_watched
from autokd.cli.status_text import render_status, status_line
from autokd.core.run_status import RunStatus

READ_EVERY_SECONDS = 1.0
LINE_EVERY_SECONDS = 10.0
# Takes each state of a run, the last one as well.
Screen = Callable[[RunStatus], None]
_HINT = "Ctrl-C leaves this view; the run goes on."


def watch(
    read: Callable[[], RunStatus], screen: Screen, *, sleep: Callable[[float], None] = time.sleep
) -> RunStatus:
    """Show a run until no process works on it any more, and give how it stands then."""
    while True:
        status = read()
        screen(status)
        if status.state != "running":
            return status
        sleep(READ_EVERY_SECONDS)


@contextmanager
def open_screen(output: Output) -> Iterator[Screen]:
    """Give a screen that suits stdout; with ``--json`` one that shows nothing."""
    if output.as_json or not is_watched(sys.stdout):
        yield LineScreen(output.text)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False) as live:

        def draw(status: RunStatus) -> None:
            text = render_status(status)
            text += f"\n\n{_HINT}" if status.state == "running" else ""
            live.update(Text(text), refresh=True)

        yield draw


class LineScreen:
    """A line for each step and, at most every ten seconds, for new results; all at the end.

    Attributes:
        write: Takes a finished text.
        clock: Gives seconds that only grow.
    """

    def __init__(
        self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.write = write
        self.clock = clock
        self._stage: str | None = None
        self._results: object = None
        self._written = 0.0

    def __call__(self, status: RunStatus) -> None:
        """Write what is new, if it is time for it."""
        if status.state != "running":
            self.write(render_status(status))
            return
        now = self.clock()
        results = (status.rungs, status.trials_by_state.get("failed", 0))
        is_due = results != self._results and now - self._written >= LINE_EVERY_SECONDS
        if status.stage != self._stage or is_due:
            self._stage, self._results, self._written = status.stage, results, now
            self.write(status_line(status))

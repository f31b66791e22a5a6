"""Progress on stderr: bars with time left on a terminal, a line now and then anywhere else."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from autokd.cli.output import is_watched, note
from autokd.core.closing import Closing
from autokd.core.units import format_duration

if TYPE_CHECKING:
    from rich.progress import TaskID

LINE_EVERY_SECONDS = 10.0
REDRAW_EVERY_SECONDS = 0.1
WORTH_A_LINE_SECONDS = 2.0


class Display(Protocol):
    """Draws what goes on; ``progress`` is an `autokd.core.progress.Progress`."""

    def progress(self, what: str, done: float, total: float) -> None:
        """Show that ``done`` of ``total`` of the step ``what`` is finished."""
        ...

    def say(self, text: str) -> None:
        """Show a note of one line."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def make_display() -> Display:
    """Give bars when stderr is a terminal that a person watches, lines when not."""
    return BarDisplay() if is_watched(sys.stderr) else LineDisplay()


class LineDisplay(Closing):
    """One plain line when a step begins, at most one every ten seconds, and one when it is done.

    Attributes:
        clock: Gives seconds that only grow.
        write: Takes a finished line.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str], None] = note,
    ) -> None:
        self.clock = clock
        self.write = write
        self._written: dict[str, float] = {}
        self._pace: dict[str, _Pace] = {}

    def progress(self, what: str, done: float, total: float) -> None:
        """Write the line of a step when it is due."""
        now = self.clock()
        pace = self._pace.get(what)
        if pace is None or done < pace.done:
            pace = self._pace[what] = _Pace(now, done)
        pace.done = done
        if done >= total:
            if not pace.ended:
                self.write(f"{what}: done")
            pace.ended = True
            return
        last = self._written.get(what)
        if last is None or now - last >= LINE_EVERY_SECONDS:
            self._written[what] = now
            self.write(_line(what, done / total, pace.seconds_left(now, total)))

    def say(self, text: str) -> None:
        """Write a note."""
        self.write(text)

    def close(self) -> None:
        """Leave what was written."""


class BarDisplay(Closing):
    """A bar for each step that goes on; a finished step leaves one line if it took a while."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeftColumn

        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeLeftColumn(elapsed_when_finished=True),
            TextColumn("left"),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._drawn: dict[str, float] = {}
        self._begun: dict[str, float] = {}

    def progress(self, what: str, done: float, total: float) -> None:
        """Move the bar of a step."""
        now = time.monotonic()
        finished = done >= total
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total)
            self._begun[what] = now
        elif not finished and now - self._drawn.get(what, 0.0) < REDRAW_EVERY_SECONDS:
            return
        self._drawn[what] = now
        self._bars.update(self._tasks[what], completed=done, total=total)
        if finished:
            self._finish(what, now - self._begun[what])

    def say(self, text: str) -> None:
        """Write a note above the bars."""
        self._bars.console.print(text, markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def close(self) -> None:
        """Take the bars away, so that an error stands alone."""
        self._bars.stop()

    def _finish(self, what: str, seconds: float) -> None:
        self._bars.remove_task(self._tasks.pop(what))
        if seconds >= WORTH_A_LINE_SECONDS:
            self.say(f"{what}: done in {format_duration(seconds)}")


class _Pace:
    """Time left of one step, from its mean speed since it was first seen."""

    def __init__(self, begun: float, done: float) -> None:
        self.begun = begun
        self.first = done
        self.done = done
        self.ended = False

    def seconds_left(self, now: float, total: float) -> float | None:
        gained = self.done - self.first
        if gained <= 0 or now <= self.begun:
            return None
        return max(total - self.done, 0.0) * (now - self.begun) / gained


def _line(what: str, share: float, seconds_left: float | None) -> str:
    left = "" if seconds_left is None else f", {format_duration(seconds_left)} left"
    return f"{what}: {min(100.0 * share, 99.0):.0f} %{left}"

"""How long work tells a person that it goes on, and what it found; the command line draws it."""

from collections.abc import Callable
from typing import Protocol

# Takes a line of text for a person.
Say = Callable[[str], None]


class Progress(Protocol):
    """Called as work goes on; must be cheap and must not raise."""

    def __call__(self, what: str, done: float, total: float) -> None:
        """Say that ``done`` of ``total`` of the work named ``what`` is finished."""
        ...


def silent(what: str, done: float, total: float) -> None:
    """Say nothing."""

"""How long work tells a person that it goes on; the command line draws it."""

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on; must be cheap and must not raise."""

    def __call__(self, what: str, done: float, total: float) -> None:
        """Say that ``done`` of ``total`` of the work named ``what`` is finished."""
        ...


def silent(what: str, done: float, total: float) -> None:
    """Say nothing."""

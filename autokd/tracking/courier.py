"""Takes what a run says to one tracker, in a thread of its own.

A tracker may hang on a network, and may break at any moment. A run neither waits for it nor ends
with it: whatever fails is said once, and that tracker is told nothing more.
"""

import queue
import threading
from collections.abc import Callable

from autokd.tracking.tracker import Tracker

Call = Callable[[Tracker], None]


class Courier:
    """Carries calls to a tracker, in their order.

    Attributes:
        name: Of the tracker, for people.
    """

    def __init__(self, name: str, tracker: Tracker) -> None:
        self.name = name
        self._tracker = tracker
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._fault: str | None = None
        self._said = False
        # A daemon: a process that ends does not wait for a server that never answers.
        self._thread = threading.Thread(target=self._carry, name=f"track-{name}", daemon=True)
        self._thread.start()

    def send(self, call: Call) -> None:
        """Have the tracker called, at once or after what was sent before; never waits."""
        self._calls.put(call)

    def close(self, *, seconds: float) -> None:
        """Wait until all is delivered, but no longer than ``seconds``."""
        self._calls.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive() and self._fault is None:
            self._fault = f"it did not answer within {seconds:g} s, so not all has reached it"

    def complaint(self) -> str | None:
        """Say what broke, the first time that this is asked after it broke."""
        if self._fault is None or self._said:
            return None
        self._said = True
        return (
            f"--track {self.name}: is given up ({self._fault}). The run itself is not affected; "
            "'autokd resume' sends what is missing."
        )

    def _carry(self) -> None:
        while (call := self._calls.get()) is not None:
            if self._fault is not None:
                continue
            try:
                call(self._tracker)
            except Exception as fault:  # noqa: BLE001 - the one place: a run outlives any tracker
                self._fault = _in_one_line(fault)


def _in_one_line(fault: Exception) -> str:
    lines = str(fault).strip().splitlines()
    first = lines[0].rstrip(". ") if lines else ""
    return f"{type(fault).__name__}: {first}" if first else type(fault).__name__

"""What a tracker is told, and the one Protocol that all trackers follow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autokd.core.config import RunConfig
from autokd.core.cost import Limits
from autokd.core.results import Report
from autokd.core.trial import Candidate, Failure, Observation


@dataclass(frozen=True, slots=True)
class Opening:
    """The run that begins, or goes on.

    Attributes:
        run: Its folder.
        config: Its settings.
        limits: That all students keep.
    """

    run: Path
    config: RunConfig
    limits: Limits


@dataclass(frozen=True, slots=True)
class Told:
    """One result of one student.

    Attributes:
        number: Of this result among all results of the run, from 1, in the order of the ledger. It
            is the same each time that the run is read.
        at_seconds: When it was recorded, in seconds since 1970.
        trial_id: Of the student.
        candidate: What was trained.
        result: What came of it.
    """

    number: int
    at_seconds: float
    trial_id: int
    candidate: Candidate
    result: Observation | Failure


class Tracker(Protocol):
    """Writes a run where people look at it.

    A run that goes on tells all its results anew, from the first. A tracker leaves out what it
    holds already, so that nothing is there twice; what it holds is asked of its own store, because
    a kill may have come between the store and any note of ours.

    All methods are called from one thread, and may raise anything: the run goes on without the
    tracker then.
    """

    def open(self, opening: Opening) -> None:
        """Begin, or go on where an earlier session of the same run ended."""
        ...

    def tell(self, told: Told) -> None:
        """Take a result; they come in the order of their numbers."""
        ...

    def finish(self, report: Report) -> None:
        """Take the report, whose files are written, and end."""
        ...

    def stop(self, *, interrupted: bool) -> None:
        """End without a report; the run may be gone on with."""
        ...

"""Follows the ledger of a run as it is written, and tells the trackers of the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from autokd.core.config import RunConfig
from autokd.core.cost import Limits
from autokd.core.progress import Say
from autokd.core.results import Report
from autokd.core.trial import Candidate, Failure, Observation
from autokd.errors import InterruptedRunError
from autokd.search.events import StoredEvent
from autokd.search.ledger import Job, Ledger
from autokd.tracking.choice import make_couriers
from autokd.tracking.courier import Call, Courier
from autokd.tracking.tracker import Opening, Told

# What a run waits at its end for trackers that are behind.
SECONDS_AT_THE_END = 60.0
SECONDS_WHEN_STOPPED = 5.0


class Follower:
    """Reads what is new in a ledger and hands the results on; it never waits and never fails."""

    def __init__(self, ledger: Ledger, couriers: tuple[Courier, ...], say: Say) -> None:
        self._ledger = ledger
        self._couriers = couriers
        self._say = say
        self._seq = 0
        self._results = 0
        self._candidates: dict[int, Candidate] = {}

    def follow(self) -> None:
        """Tell the results that came since this was last called.

        Raises:
            StorageError: The ledger cannot be read.
        """
        if not self._couriers:
            return
        for event in self._ledger.events(after=self._seq):
            self._seq = event.seq
            told = self._told(event)
            if told is not None:
                self._send(lambda tracker, told=told: tracker.tell(told))  # type: ignore[misc]
        self._complain()

    def finish(self, report: Report) -> None:
        """Tell the report, whose files are written, and wait until all is delivered."""
        self.follow()
        self._send(lambda tracker: tracker.finish(report))
        self._close(SECONDS_AT_THE_END)

    def stop(self, *, interrupted: bool) -> None:
        """Say that the run ends before its report."""
        self._send(lambda tracker: tracker.stop(interrupted=interrupted))
        self._close(SECONDS_WHEN_STOPPED)

    def _told(self, event: StoredEvent) -> Told | None:
        if event.kind == "asked":
            self._candidates[event.trial_id] = Job.model_validate_json(event.body).candidate
        if event.kind not in ("observed", "failed"):
            return None
        self._results += 1
        record = Observation if event.kind == "observed" else Failure
        return Told(
            number=self._results,
            at_seconds=datetime.fromisoformat(event.at).timestamp(),
            trial_id=event.trial_id,
            candidate=self._candidates[event.trial_id],
            result=record.model_validate_json(event.body),
        )

    def _send(self, call: Call) -> None:
        for courier in self._couriers:
            courier.send(call)

    def _close(self, seconds: float) -> None:
        for courier in self._couriers:
            courier.close(seconds=seconds)
        self._complain()

    def _complain(self) -> None:
        for courier in self._couriers:
            complaint = courier.complaint()
            if complaint is not None:
                self._say(complaint)


@contextmanager
def tracked(
    config: RunConfig, limits: Limits, run: Path, ledger: Ledger, *, say: Say
) -> Iterator[Follower]:
    """Open the trackers of a run; they are told all that the ledger holds already.

    Whatever ends the block is told them, too. Without trackers nothing is read.
    """
    opening = Opening(run=run, config=config, limits=limits)
    couriers = make_couriers(config.track)
    for courier in couriers:
        courier.send(lambda tracker: tracker.open(opening))
    follower = Follower(ledger, couriers, say)
    try:
        follower.follow()
        yield follower
    except BaseException as fault:
        by_hand = isinstance(fault, (KeyboardInterrupt, InterruptedRunError))
        follower.stop(interrupted=by_hand)
        raise

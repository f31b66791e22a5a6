"""What the events of a ledger say: which trials there are, and which jobs are open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autokd.core.record import Record
from autokd.core.trial import (
    BoardTiming,
    Candidate,
    Failure,
    Fidelity,
    Observation,
    Trial,
    TrialState,
)


class Job(Record):
    """One candidate to be trained up to one rung."""

    trial_id: int
    candidate: Candidate
    fidelity: Fidelity

    @property
    def key(self) -> tuple[int, int]:
        """Trial and rung: what is never run again once finished."""
        return self.trial_id, self.fidelity.rung


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the ledger holds it.

    Attributes:
        seq: Its number; later ones are larger.
        kind: ``timed``, ``asked``, ``started``, ``observed`` or ``failed``.
        body: The record that goes with the kind, as JSON.
        at: When it was written, in ISO 8601 with the offset of UTC.
    """

    seq: int
    kind: str
    trial_id: int
    rung: int
    body: str
    at: str


class Fold:
    """Trials, open jobs and timings, as the events up to ``seq`` leave them."""

    def __init__(self) -> None:
        self.seq = 0
        self.trials: dict[int, Trial] = {}
        self.unfinished: dict[tuple[int, int], Job] = {}
        self.timings: list[BoardTiming] = []

    def add(self, seq: int, kind: str, trial_id: int, rung: int, body: str) -> None:
        """Go on by one event.

        Raises:
            ValidationError: Its body is not a record of its kind.
            KeyError: Events that must have come before it are missing.
        """
        if kind == "asked":
            self._ask(Job.model_validate_json(body))
        elif kind == "timed":
            self.timings.append(BoardTiming.model_validate_json(body))
        elif kind == "started":
            self._change(trial_id, state=TrialState.RUNNING)
        elif kind == "observed":
            observation = Observation.model_validate_json(body)
            earlier = self.trials[trial_id].observations
            self._change(trial_id, state=TrialState.PAUSED, observations=(*earlier, observation))
            del self.unfinished[trial_id, rung]
        else:
            failure = Failure.model_validate_json(body)
            self._change(trial_id, state=TrialState.FAILED, failure=failure)
            del self.unfinished[trial_id, rung]
        self.seq = seq

    def _ask(self, job: Job) -> None:
        self.unfinished[job.key] = job
        if job.trial_id in self.trials:
            self._change(job.trial_id, state=TrialState.RUNNING)
        else:
            self.trials[job.trial_id] = Trial(
                trial_id=job.trial_id, candidate=job.candidate, state=TrialState.ASKED
            )

    def _change(self, trial_id: int, **changes: Any) -> None:
        self.trials[trial_id] = self.trials[trial_id].model_copy(update=changes)


def in_flight(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Give the trials that were handed out and have not come back."""
    return tuple(t for t in trials if t.state in (TrialState.ASKED, TrialState.RUNNING))

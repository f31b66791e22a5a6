"""Where a run stands, as ``autokd status`` gives it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from autokd.core.record import Record
from autokd.core.results import ExitStatus

Stage = Literal["preflight", "search", "finalists", "export"]
STAGE_WORDS: Mapping[Stage, str] = {
    "preflight": "looking at teacher and data",
    "search": "searching",
    "finalists": "training finalists at full length",
    "export": "exporting and timing",
}


class RungStatus(Record):
    """How far one rung of a search is.

    Attributes:
        finished: Trials with a result at this rung.
        best_accuracy: Highest validation accuracy among them; None before the first.
    """

    rung: int = Field(ge=0)
    finished: int = Field(ge=0)
    best_accuracy: float | None


class Leader(Record):
    """One of the best students so far.

    Attributes:
        rung: The highest that it finished.
        accuracy: On validation images, at that rung.
        latency_ms: Believed, or measured before training; None where nobody can know.
        input_px: Side of the image that it sees.
    """

    trial_id: int = Field(ge=0)
    rung: int = Field(ge=0)
    accuracy: float = Field(ge=0, le=1)
    params: int = Field(ge=0)
    memory_bytes: int = Field(ge=0)
    latency_ms: float | None
    block: str
    input_px: int


class RunStatus(Record):
    """Where a run stands, read from its folder while it goes on or after it ended.

    Attributes:
        run: The run folder.
        state: ``running``: a process works on it. ``stopped``: none does, and ``autokd resume``
            goes on from here. ``done``: the report is written.
        stage: The step that is not finished; ``export`` of a run that is done.
        exit: How it ended; None unless it is done.
        trials_by_state: Number of trials by the value of their `TrialState`.
        planned_trials: Students of the search; None when the run goes by a budget.
        rungs: The first rung first.
        leaders: At most five, the highest rung first, and the most accurate of a rung.
        best_accuracy: Highest validation accuracy at the highest rung that has one.
        spent_seconds: Of the budget, over all sessions.
        budget_seconds: None when the run goes by a number of trials.
    """

    run: str
    state: Literal["running", "stopped", "done"]
    stage: Stage = "preflight"
    exit: ExitStatus | None = None
    trials_by_state: dict[str, int]
    planned_trials: int | None = None
    rungs: tuple[RungStatus, ...]
    leaders: tuple[Leader, ...] = ()
    best_accuracy: float | None
    spent_seconds: float = Field(ge=0)
    budget_seconds: float | None

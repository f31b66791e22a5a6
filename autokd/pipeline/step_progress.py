"""How far a step of a run is: events turned into progress, and into a line for each result."""

from collections.abc import Callable

from autokd.core.progress import Progress, Say
from autokd.core.trial import Failure, Observation
from autokd.search.events import Job
from autokd.search.loop import Event

# What is left for the jobs that take longer than was foreseen.
MOST_BEFORE_THE_END = 0.99


class StepProgress:
    """Turns events into progress and notes.

    Jobs still run when the time is over that they were meant to take, and when the last student
    has left the first rung: a step is done only when `end` says so.
    """

    def __init__(
        self, progress: Progress, say: Say, on_result: Callable[[], None] = lambda: None
    ) -> None:
        self.say = say
        self._progress = progress
        self._on_result = on_result
        self._what = ""
        self._total = 1.0
        self._since: float | None = None  # None: students are counted, not seconds
        self._done = 0

    def begin_seconds(self, what: str, seconds: float, *, since: float) -> None:
        """Begin a step of ``seconds``, counted from when ``since`` were spent."""
        self._what, self._total, self._since = what, seconds, since

    def begin_trials(self, what: str, trials: int, *, done: int) -> None:
        """Begin a step of ``trials`` students, of which ``done`` are through their first rung."""
        self._what, self._total, self._since, self._done = what, float(trials), None, done

    def end(self) -> None:
        """Say that the step is done."""
        self._progress(self._what, self._total, self._total)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if event.job is not None and event.result is not None:
            self._done += event.job.fidelity.rung == 0
            self.say(_line(event.job, event.result))
            self._on_result()
        done = self._done if self._since is None else event.spent_seconds - self._since
        self._progress(self._what, min(done, MOST_BEFORE_THE_END * self._total), self._total)


def _line(job: Job, result: Observation | Failure) -> str:
    if isinstance(result, Failure):
        return f"student {job.trial_id} failed: {result.message}"
    family, cost = job.candidate.family, job.candidate.cost
    return (
        f"student {job.trial_id:>3}  rung {job.fidelity.rung}  {result.accuracy:6.2%}  "
        f"{cost.params / 1e3:7.1f} k params  {cost.macs / 1e6:6.1f} M MACs  "
        f"{family.block} {family.input_px} px"
    )

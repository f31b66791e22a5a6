"""From a plan to trained students: the search, new members of the best families, the full length.

All of it is jobs in one ledger, so that every step can be killed and gone on with. Which students
are finalists follows from the ledger alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from autokd.core.codec import load_record, save_record
from autokd.core.config import RunConfig
from autokd.core.progress import Progress
from autokd.core.record import Record
from autokd.core.seeds import derive_seed
from autokd.core.trial import COMPARED, Candidate, Failure, Observation, Trial, searched
from autokd.distill.evaluator import StudentEvaluator, WorkerSetup
from autokd.errors import AutoKDError, ConfigError, StoppedError
from autokd.pipeline.hardware import screening
from autokd.pipeline.kd_gain import Pair, gain_candidates
from autokd.pipeline.plan import (
    ETA,
    FINAL_RUNG,
    FINALISTS,
    LAST_SEARCH_RUNG,
    RUNGS,
    SEARCH_SHARE,
    RunPlan,
)
from autokd.pipeline.preflight import Inputs, make_space
from autokd.search.executors import ProcessExecutor
from autokd.search.joblist import JobList
from autokd.search.ledger import Job, Ledger
from autokd.search.loop import Event, run_search
from autokd.search.ranking import by_accuracy, in_turns
from autokd.search.rungs import Ladder
from autokd.search.strategies import Strategy, strategy_named
from autokd.search.study import Screen, Study
from autokd.space.phases import REUSED_TIME
from autokd.space.students import StudentSpace

# What is left for the jobs that take longer than was foreseen.
MOST_BEFORE_THE_END = 0.99

Say = Callable[[str], None]


class SearchEnd(Record):
    """Written when the search is over; what follows is not searched any more.

    Attributes:
        trials: Trials of the search; later ones are members and the twin.
        seconds: Wall time that the search took, all sessions together.
    """

    trials: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it.

    Attributes:
        trials: All of them, by id.
        finalists: Trained at full length, best first.
        pairs: The winner with its teacher and without, with each seed; none when not compared.
        search_seconds: Wall time of the search.
        finalists_seconds: Wall time of what came after it.
    """

    trials: tuple[Trial, ...]
    finalists: tuple[Trial, ...]
    pairs: tuple[Pair, ...]
    search_seconds: float
    finalists_seconds: float

    @property
    def twin(self) -> Trial | None:
        """The winner without its teacher, if it was trained."""
        return self.pairs[0][1] if self.pairs else None


@dataclass(frozen=True, slots=True)
class _Stage:
    """What every step needs."""

    config: RunConfig
    plan: RunPlan
    space: StudentSpace
    setup: WorkerSetup
    ledger: Ledger
    watch: "_Watch"

    def screening(
        self, hold_back: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> AbstractContextManager[Screen]:
        """Give what sees each new candidate, see `autokd.pipeline.hardware`."""
        return screening(
            self.config.target,
            self.space,
            self.plan,
            self.ledger,
            say=self.watch.say,
            hold_back=hold_back,
        )

    def job(self, trial_id: int, candidate: Candidate, rung: int) -> Job:
        fidelity = self.plan.lengths.fidelity(self.space.program(candidate), rung)
        return Job(trial_id=trial_id, candidate=candidate, fidelity=fidelity)

    def run(self, jobs: Sequence[Job], what: str) -> None:
        """Run jobs side by side; a single one gets all the threads."""
        if not jobs:
            return
        cores = self.plan.workers * self.plan.threads
        workers = min(len(jobs), self.plan.workers)
        seconds = max(job.fidelity.seconds for job in jobs)
        self.watch.begin_seconds(what, seconds, since=self.ledger.spent_seconds)
        with ProcessExecutor(
            StudentEvaluator(self.setup), workers=workers, threads=max(1, cores // workers)
        ) as executor:
            run_search(
                JobList(self.ledger, jobs),
                executor,
                deadline_seconds=float("inf"),
                on_event=self.watch,
            )
        self.watch.end()


def train_students(  # noqa: PLR0913 - who is told of what is three of them
    inputs: Inputs,
    plan: RunPlan,
    setup: WorkerSetup,
    ledger: Ledger,
    *,
    run: Path,
    progress: Progress,
    say: Say,
    on_result: Callable[[], None] = lambda: None,
) -> Trained:
    """Search, draw new members of the best families, and train finalists at full length.

    Args:
        inputs: Of the run.
        plan: Of the run.
        setup: What a worker reads.
        ledger: Open for writing.
        run: The run folder.
        progress: Told of each step.
        say: Told of each result.
        on_result: Called when the ledger holds a new one.

    Raises:
        StoppedError: No student could be trained.
        ConfigError: The budget ended before one was.
        StorageError: The disk is full.
    """
    config, space = inputs.config, make_space(inputs, plan.limits, starts=plan.starts)
    stage = _Stage(config, plan, space, setup, ledger, _Watch(progress, say, on_result))
    end = _search(stage, run)
    slower = _slowdown(ledger.trials()[: end.trials])
    plan = plan.model_copy(update={"lengths": plan.lengths.slowed_by(slower)})
    stage = replace(stage, plan=plan)
    _train_members(stage, end)
    finalists = _train_finalists(stage)
    # Without labels every student learns from the teacher alone, so there is nothing to compare.
    compared = config.search.kd_gain and plan.data.labelled
    pairs = _train_pairs(stage, finalists[0]) if compared else ()
    return Trained(
        trials=ledger.trials(),
        finalists=finalists,
        pairs=pairs,
        search_seconds=end.seconds,
        finalists_seconds=ledger.spent_seconds - end.seconds,
    )


def _search(stage: _Stage, run: Path) -> SearchEnd:
    path = run / "search.json"
    if path.is_file():
        return load_record(SearchEnd, path)
    config, plan = stage.config, stage.plan
    deadline = None
    if config.search.trials is None:
        deadline = SEARCH_SHARE * config.budget_seconds
        stage.watch.begin_seconds("searching", deadline, since=0.0)
    else:
        through = sum(
            t.rung >= 0 or (t.failure is not None and not t.too_slow) for t in stage.ledger.trials()
        )
        stage.watch.begin_trials("searching", config.search.trials, done=through)
    with (
        _one_thread(),
        ProcessExecutor(
            StudentEvaluator(stage.setup), workers=plan.workers, threads=plan.threads
        ) as executor,
        stage.screening(executor.held_back) as screen,
    ):
        study = Study(
            stage.ledger,
            _strategy(stage),
            fidelity_of=lambda candidate, rung: plan.lengths.fidelity(
                stage.space.program(candidate), rung
            ),
            max_trials=config.search.trials,
            screen=screen,
        )
        run_search(study, executor, deadline_seconds=deadline, on_event=stage.watch)
    stage.watch.end()
    if not by_accuracy(stage.ledger.trials(), LAST_SEARCH_RUNG):
        raise _nothing_trained(stage.ledger.trials(), config)
    end = SearchEnd(trials=len(stage.ledger.trials()), seconds=stage.ledger.spent_seconds)
    save_record(end, path)
    return end


def _strategy(stage: _Stage) -> Strategy:
    config = stage.config
    return strategy_named(config.search.strategy)(
        stage.space,
        seed=derive_seed(config.seed, "strategy"),
        ladder=Ladder(rungs=RUNGS, eta=ETA, reused=REUSED_TIME),
    )


def _train_members(stage: _Stage, end: SearchEnd) -> None:
    """Draw a second member of each of the best families, and bring it to the last search rung.

    Members differ: a family that was lucky in its first draw shows it here. Which families are the
    best is the strategy's word.
    """
    members = []
    # As the search left them: in a run that goes on, finalists have results at full length already.
    left = searched(stage.ledger.trials()[: end.trials], full_rung=FINAL_RUNG)
    ranking = _strategy(stage).ranking(left, LAST_SEARCH_RUNG)
    for number, trial in enumerate(_first_in_turns(ranking)):
        old = trial.candidate
        member = stage.space.member(
            old.family,
            old.distill,
            member_seed=derive_seed(stage.config.seed, "member", trial.trial_id),
            origin="member",
        )
        if member is not None:
            members.append((end.trials + number, member))
    with stage.screening() as screen:
        seen = [(trial_id, screen(trial_id, member)) for trial_id, member in members]
    jobs = [
        stage.job(trial_id, member, LAST_SEARCH_RUNG)
        for trial_id, member in seen
        if not isinstance(member, Failure)
    ]
    stage.run(jobs, "training new members of the best families")


def _train_finalists(stage: _Stage) -> tuple[Trial, ...]:
    candidates = [t for t in stage.ledger.trials() if t.candidate.origin not in COMPARED]
    best = _first_in_turns(by_accuracy(candidates, LAST_SEARCH_RUNG))
    jobs = [stage.job(trial.trial_id, trial.candidate, FINAL_RUNG) for trial in best]
    stage.run(jobs, "training finalists at full length")
    chosen = {trial.trial_id for trial in best}
    done = by_accuracy([t for t in stage.ledger.trials() if t.trial_id in chosen], FINAL_RUNG)
    if not done:
        msg = (
            "no finalist could be trained at full length; 'autokd status' has the reasons. Remove "
            "them, then go on with 'autokd resume'."
        )
        raise StoppedError(msg)
    return done


def _train_pairs(stage: _Stage, winner: Trial) -> tuple[Pair, ...]:
    """Train the winner with alpha = 0, and more such pairs with other seeds if they are planned."""
    pairs = gain_candidates(winner.candidate, max(1, stage.plan.kd_gain_seeds))
    trials = stage.ledger.trials()
    free = trials[-1].trial_id + 1
    jobs = []
    for candidate in [one for pair in pairs for one in pair][1:]:  # the first is the winner
        begun = next((t.trial_id for t in trials if t.candidate == candidate), None)
        jobs.append(stage.job(free if begun is None else begun, candidate, FINAL_RUNG))
        free += begun is None
    stage.run(jobs, "training the winner without its teacher")
    trials = stage.ledger.trials()
    order = [winner, *(next(t for t in trials if t.trial_id == job.trial_id) for job in jobs)]
    trained = zip(order[::2], order[1::2], strict=True)
    return tuple(pair for pair in trained if not any(trial.failure for trial in pair))


def _first_in_turns(order: Sequence[Trial]) -> tuple[Trial, ...]:
    """Give as many as there are finalists: the first of all, and the first of the slower half."""
    return in_turns(order, LAST_SEARCH_RUNG)[:FINALISTS]


def _slowdown(trials: Sequence[Trial]) -> float:
    """Give the time that training took in the search over the time that it was meant to take.

    Other work on the machine goes on after the search, too. It is read from what the search itself
    recorded, so that a run that goes on finds the same.
    """
    meant = taken = 0.0
    for trial in trials:
        before = 0.0
        for seen in trial.observations:
            if seen.fidelity.rung <= LAST_SEARCH_RUNG:
                meant += seen.fidelity.seconds - REUSED_TIME * before
                taken += seen.train_seconds
                before = seen.fidelity.seconds
    return taken / meant if meant > 0 else 1.0


def _nothing_trained(trials: Sequence[Trial], config: RunConfig) -> AutoKDError:
    failures = [t.failure for t in trials if t.failure]
    if failures and len(failures) == len(trials):
        return StoppedError(
            f"all {len(failures)} students failed, the last with: {failures[-1].message} Remove "
            "the cause, then go on with 'autokd resume'."
        )
    return ConfigError(
        f"--budget {config.budget}: ended before one student reached the last rung; begin a new "
        "run with a longer budget, or with smaller students (--max-params)."
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold this process to one thread: the workers have the cores, and spinning threads starve."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Watch:
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

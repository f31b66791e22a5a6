"""From a plan to trained students: the search, new members of the best families, the full length.

All of it is jobs in one ledger, so that every step can be killed and gone on with. Which students
are finalists follows from the ledger alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autokd.core.progress import Progress, Say
from autokd.core.seeds import derive_seed
from autokd.core.trial import COMPARED, Failure, Trial, searched
from autokd.distill.evaluator import WorkerSetup
from autokd.errors import StoppedError
from autokd.pipeline.inputs import Inputs
from autokd.pipeline.kd_gain import Pair, gain_candidates
from autokd.pipeline.plan import FINAL_RUNG, FINALISTS, LAST_SEARCH_RUNG, RunPlan
from autokd.pipeline.searching import LADDER, SearchEnd, search_students, strategy_of
from autokd.pipeline.stage import Stage
from autokd.pipeline.step_progress import StepProgress
from autokd.pipeline.survey import make_space
from autokd.search.ledger import Ledger
from autokd.search.ranking import by_accuracy, in_turns
from autokd.search.slowdown import slowdown


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
    stage = Stage(config, plan, space, setup, ledger, StepProgress(progress, say, on_result))
    end = search_students(stage, run)
    # Other work on the machine goes on after the search, too. It is read from what the search
    # recorded, so that a run that goes on finds the same.
    slower = slowdown(ledger.trials()[: end.trials], LADDER)
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


def _train_members(stage: Stage, end: SearchEnd) -> None:
    """Draw a second member of each of the best families, and bring it to the last search rung.

    Members differ: a family that was lucky in its first draw shows it here. Which families are the
    best is the strategy's word.
    """
    members = []
    # As the search left them: in a run that goes on, finalists have results at full length already.
    left = searched(stage.ledger.trials()[: end.trials], full_rung=FINAL_RUNG)
    ranking = strategy_of(stage).ranking(left, LAST_SEARCH_RUNG)
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


def _train_finalists(stage: Stage) -> tuple[Trial, ...]:
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


def _train_pairs(stage: Stage, winner: Trial) -> tuple[Pair, ...]:
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

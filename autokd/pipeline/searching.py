"""The search of a run: its strategy, its deadline, and the record of its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autokd.core.codec import load_record, save_record
from autokd.core.config import RunConfig
from autokd.core.record import Record
from autokd.core.seeds import derive_seed
from autokd.core.trial import Trial
from autokd.distill.evaluator import StudentEvaluator
from autokd.errors import AutoKDError, ConfigError, StoppedError
from autokd.pipeline.plan import ETA, LAST_SEARCH_RUNG, RUNGS, SEARCH_SHARE
from autokd.pipeline.stage import Stage
from autokd.search.executors import ProcessExecutor
from autokd.search.loop import run_search
from autokd.search.ranking import by_accuracy
from autokd.search.rungs import Ladder
from autokd.search.strategies import Strategy, strategy_named
from autokd.search.study import Study
from autokd.space.phases import REUSED_TIME

LADDER = Ladder(rungs=RUNGS, eta=ETA, reused=REUSED_TIME)


class SearchEnd(Record):
    """Written when the search is over; what follows is not searched any more.

    Attributes:
        trials: Trials of the search; later ones are members and the twin.
        seconds: Wall time that the search took, all sessions together.
    """

    trials: int
    seconds: float


def search_students(stage: Stage, run: Path) -> SearchEnd:
    """Search until time or trials are over; a search that has ended is read.

    Raises:
        StoppedError: All students failed.
        ConfigError: The budget ended before one was trained.
        StorageError: The disk is full.
    """
    path = run / "search.json"
    if path.is_file():
        return load_record(SearchEnd, path)
    config, plan = stage.config, stage.plan
    deadline = None
    if config.search.trials is None:
        deadline = SEARCH_SHARE * config.budget_seconds
        stage.steps.begin_seconds("searching", deadline, since=0.0)
    else:
        through = sum(
            t.rung >= 0 or (t.failure is not None and not t.too_slow) for t in stage.ledger.trials()
        )
        stage.steps.begin_trials("searching", config.search.trials, done=through)
    with (
        _one_thread(),
        ProcessExecutor(
            StudentEvaluator(stage.setup), workers=plan.workers, threads=plan.threads
        ) as executor,
        stage.screening(executor.held_back) as screen,
    ):
        study = Study(
            stage.ledger,
            strategy_of(stage),
            fidelity_of=lambda candidate, rung: plan.lengths.fidelity(
                stage.space.program(candidate), rung
            ),
            max_trials=config.search.trials,
            screen=screen,
        )
        run_search(study, executor, deadline_seconds=deadline, on_event=stage.steps)
    stage.steps.end()
    if not by_accuracy(stage.ledger.trials(), LAST_SEARCH_RUNG):
        raise _nothing_trained(stage.ledger.trials(), config)
    end = SearchEnd(trials=len(stage.ledger.trials()), seconds=stage.ledger.spent_seconds)
    save_record(end, path)
    return end


def strategy_of(stage: Stage) -> Strategy:
    """Give the strategy of the run, on its rungs."""
    config = stage.config
    return strategy_named(config.search.strategy)(
        stage.space,
        seed=derive_seed(config.seed, "strategy"),
        ladder=LADDER,
    )


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

"""The runs of a race: which are missing, and how each is made.

This is no part of the command, because processes that are spawned do not import that.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from autokd.errors import ConfigError
from autokd.search.strategies import STRATEGIES
from tools.race.ablations import ABLATIONS
from tools.race.ablations import NEED_LENGTHS as ABLATIONS_NEED_LENGTHS
from tools.race.catalogue import has_lengths, load_table
from tools.race.peers import NEED_LENGTHS, PEERS
from tools.race.replay import eta_for, replay, replay_peer
from tools.race.tables import Table
from tools.race.traces import Rules, Run, read_runs

_AUTOKD = {**{str(name): factory for name, factory in STRATEGIES.items()}, **ABLATIONS}
SEARCHERS = (*_AUTOKD, *PEERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A run to be."""

    data: Path
    table: str
    strategy: str
    seed: int
    rules: Rules

    @property
    def key(self) -> tuple[str, str, int]:
        """As `tools.race.traces.Run.key`."""
        return self.table, self.strategy, self.seed


def can_run(strategy: str, table: str) -> bool:
    """Tell whether a strategy that lives by several lengths of training has them on a table."""
    return has_lengths(table) or strategy not in NEED_LENGTHS | ABLATIONS_NEED_LENGTHS


def missing_tasks(tasks: Sequence[Task], out: Path) -> list[Task]:
    """Give the tasks that have no run in ``out``.

    Raises:
        ConfigError: A run is there that was made under other rules.
    """
    there = {run.key: run.rules for run in read_runs(out)}
    for task in tasks:
        if there.get(task.key, task.rules) != task.rules:
            msg = f"{out}: {task.key} was run with {there[task.key]}; use another file."
            raise ConfigError(msg)
    return [task for task in tasks if task.key not in there]


@lru_cache(maxsize=1)  # tasks come table by table
def load(data: Path, name: str) -> Table:
    """Give a table, the last one from memory."""
    return load_table(data, name)


def run_task(task: Task) -> Run:
    """Race one strategy on one table with one seed."""
    table = load(task.data, task.table)
    limit = np.inf if task.rules.full_trainings is None else task.rules.seconds(table)
    if task.strategy in _AUTOKD:
        trace = replay(
            _AUTOKD[task.strategy],
            table,
            seed=task.seed,
            evaluations=task.rules.evaluations,
            eta=eta_for(task.strategy, table),
            free_infeasible=task.rules.free_infeasible,
            max_seconds=limit,
        )
    else:
        free = task.rules.free_infeasible
        trace = replay_peer(
            PEERS[task.strategy](table, seed=task.seed, free_infeasible=free),
            table,
            seed=task.seed,
            evaluations=task.rules.evaluations,
            free_infeasible=free,
            max_seconds=limit,
        )
    return Run(
        table=task.table, strategy=task.strategy, seed=task.seed, rules=task.rules, trace=trace
    )


def run_all(tasks: Sequence[Task], jobs: int) -> Iterator[Run]:
    """Give the runs as they finish, of ``jobs`` processes, or of this one alone when it is 1."""
    if jobs == 1:
        yield from map(run_task, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
        for done in as_completed([executor.submit(run_task, task) for task in tasks]):
            yield done.result()

"""The runs of a file, fit to be compared: of like rules, each once, of tables as they are now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autokd.errors import DataError
from tools.race.tables import Table
from tools.race.traces import NONE_YET, Rules, Run, read_runs

_SIX_DIGITS = 2e-5  # relative; a file holds no more


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """All runs of a file.

    Attributes:
        rules: Of each of them, but that strategies may have been let run longer than this.
        caps: Evaluations of a run, by the strategy; the fewest are those of ``rules``.
        runs: At least one, in the order of the file.
    """

    path: Path
    rules: Rules
    caps: Mapping[str, int]
    runs: tuple[Run, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """Name the tables, in the order of their first runs."""
        return tuple(dict.fromkeys(run.table for run in self.runs))

    @property
    def strategies(self) -> tuple[str, ...]:
        """Name the strategies, by the alphabet: the order of runs depends on who finished first."""
        return tuple(sorted({run.strategy for run in self.runs}))

    def runs_on(self, table: Table) -> tuple[Run, ...]:
        """Give the runs on a table.

        Raises:
            DataError: A run was not made on this table.
        """
        runs = tuple(run for run in self.runs if run.table == table.name)
        for run in runs:
            _check_scores(self.path, run, table)
        return runs


def read_field(path: Path) -> Field:
    """Read a file of runs.

    Raises:
        DataError: It has no runs, a line that is none, a run twice, or runs whose rules differ in
            more than the evaluations of strategies.
    """
    runs = tuple(read_runs(path))
    if not runs:
        msg = f"{path}: holds no runs; race first."
        raise DataError(msg)
    _check_rules(path, runs)
    keys = set()
    for run in runs:
        if run.key in keys:
            msg = f"{path}: {_named(run)} is there twice; each run counts once, remove a line."
            raise DataError(msg)
        keys.add(run.key)
    caps = {run.strategy: run.rules.evaluations for run in runs}
    return Field(path, replace(runs[0].rules, evaluations=min(caps.values())), caps, runs)


def _check_rules(path: Path, runs: Sequence[Run]) -> None:
    firsts: dict[str, Run] = {}
    for run in runs:
        own = firsts.setdefault(run.strategy, run)
        differs_from = None
        if run.rules != own.rules:
            differs_from = own
        elif replace(run.rules, evaluations=runs[0].rules.evaluations) != runs[0].rules:
            differs_from = runs[0]
        if differs_from is not None:
            msg = (
                f"{path}: {_named(differs_from)} had {differs_from.rules}, "
                f"{_named(run)} had {run.rules}; a miss "
                "counts as the cap, so all runs of a strategy have the same rules, and those of "
                "two differ in evaluations alone. Race them again under one of them, in a file of "
                "their own."
            )
            raise DataError(msg)


def _check_scores(path: Path, run: Run, table: Table) -> None:
    """Refuse a run whose rows are no longer those of the table, so that judging it means nothing.

    Raises:
        DataError: It has other true scores, or fewer rows or lengths.
    """
    trace = run.trace
    known = trace.recommended != NONE_YET
    rows, lengths = len(table.points), len(table.lengths)
    fits = (
        bool(((trace.place >= 0) & (trace.place < rows)).all())
        and bool(((trace.length_index >= 0) & (trace.length_index < lengths)).all())
        and bool((trace.recommended < rows).all())
        and np.allclose(
            trace.true_score[known],
            table.true_scores[trace.recommended[known]],
            rtol=_SIX_DIGITS,
            atol=0,
        )
    )
    if not fits:
        msg = (
            f"{path}: {_named(run)} has rows, lengths or true scores that the table does not have; "
            "the table has changed since, so race on it again."
        )
        raise DataError(msg)


def _named(run: Run) -> str:
    return f"{run.strategy} on {run.table} with seed {run.seed}"

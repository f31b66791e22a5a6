"""Race strategies on tables, print who arrives when, and write a report.

    python -m tools.race DATA --table NAME... --strategy NAME... --evaluations N --out OUT
    python -m tools.race DATA --out OUT --report FOLDER

DATA is the folder of the tables. Names of tables may hold wildcards. Each finished run is a line of
JSON in OUT; one that is there already is not run again, so the same command goes on where it was
stopped. Strategies are those of autokd, the default one with a part taken away, and the peers:

    pip install optuna smac syne-tune statsmodels ax-platform

A strategy may be let run longer than the others, to see when it arrives: --longer random=1500.
Those that live by several lengths of training are left out on tables of one.

The report is of all runs in OUT, with or without a race before it: FOLDER/races.md and two figures.

Proposals that break the limits are free for all: a library is told of them, or they are hidden from
it, before anything is counted; tools/race/replay.py holds all to it. With --pay-infeasible they are
evaluations of score 0 for all; such runs are raced into a file, and reported into a folder, of
their own.
"""

import argparse
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from autokd.errors import AutoKDError, DataError
from tools.race.catalogue import NAMES
from tools.race.cells import number_text, ratio_text
from tools.race.comparable import read_field
from tools.race.comparisons import compare
from tools.race.heats import SEARCHERS, Task, can_run, load, missing_tasks, run_all
from tools.race.report import REFERENCE, write_report
from tools.race.standings import TableStandings, judge_table
from tools.race.tables import Table
from tools.race.traces import Rules, append_run, read_runs

_RACE = ("table", "strategy", "evaluations")
SEEDS = 30


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing and print the table of it; write the report if asked.

    Raises:
        SystemExit: Something that was given is wrong, or data or a library is missing.
    """
    given = _parse(arguments)
    # A race of processes gains nothing from threads; set before a strategy imports torch.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        if given.table:
            _race(given)
        if given.report:
            write_report(
                read_field(given.out),
                lambda name: _load_known(given.data, name, given.out),
                given.report,
                reference=given.against or REFERENCE,
                after=given.after,
            )
    except AutoKDError as fault:
        raise SystemExit(str(fault)) from None


def _race(given: argparse.Namespace) -> None:
    """Run what is missing, and print a table for each of those that were given."""
    rules = {
        strategy: Rules(
            evaluations=given.longer.get(strategy, given.evaluations),
            full_trainings=given.full_trainings,
            free_infeasible=not given.pay_infeasible,
        )
        for strategy in given.strategy
    }
    pairs = [(table, strategy) for table in given.table for strategy in given.strategy]
    for table, strategy in pairs:
        if not can_run(strategy, table):
            print(f"{strategy} is left out on {table}, which has one length of training")
    tasks = [
        Task(data=given.data, table=table, strategy=strategy, seed=seed, rules=rules[strategy])
        for table, strategy in pairs
        if can_run(strategy, table)
        for seed in range(SEEDS if given.seeds is None else given.seeds)
    ]
    missing = missing_tasks(tasks, given.out)
    for number, run in enumerate(run_all(missing, given.jobs or 1), start=1):
        append_run(given.out, run)
        print(f"{number}/{len(missing)} {' '.join(map(str, run.key))}", flush=True)
    wanted = {task.key for task in tasks}
    runs = [run for run in read_runs(given.out) if run.key in wanted]
    for name in dict.fromkeys(run.table for run in runs):
        on_table = [run for run in runs if run.table == name]
        _print_table(judge_table(load(given.data, name), on_table, after=given.evaluations))


def _print_table(table: TableStandings) -> None:
    """Print a line for each strategy; the ratio is of its median to that of the first."""
    first = table.standings[0].strategy
    comparisons = compare(table, first)
    print(f"\n{table.table}")
    print(
        f"{'strategy':<18}{'runs':>5}{'evaluations':>12}{'missed':>8}{'seconds':>12}"
        f"{'area':>7}{'own s':>9}   ratio to {first}"
    )
    for standing in table.standings:
        ratio = comparisons[standing.strategy].evaluations
        area = float(np.median(standing.areas[standing.cap])) if standing.areas else float("nan")
        print(
            f"{standing.strategy:<18}{len(standing.seeds):>5}"
            f"{standing.evaluations.median().counted:>12.1f}{standing.missed:>8.0%}"
            f"{standing.seconds.median().counted:>12.4g}{number_text(area):>7}"
            f"{standing.suggestion_seconds:>9.2g}   {ratio_text(ratio) if ratio else ''}"
        )


def _load_known(data: Path, name: str, out: Path) -> Table:
    if name not in NAMES:
        msg = f"{out}: has runs on {name}, which is none of {', '.join(NAMES)}."
        raise DataError(msg)
    return load(data, name)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools.race", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    race = parser.add_argument_group("race", "the first three together; none for a report alone")
    race.add_argument("--table", nargs="+", metavar="NAME")
    race.add_argument("--strategy", nargs="+", choices=SEARCHERS)
    race.add_argument("--evaluations", type=int, help="trials of a run, at most")
    race.add_argument("--seeds", type=int, help=f"seeds are 0 to N - 1; {SEEDS} if not given")
    race.add_argument(
        "--longer",
        nargs="+",
        type=_longer,
        metavar="STRATEGY=N",
        help="trials of a strategy that is let run longer",
    )
    race.add_argument("--full-trainings", type=float, help="simulated seconds of a run, at most")
    race.add_argument("--pay-infeasible", action="store_true", help="infeasible rows count")
    race.add_argument("--jobs", type=int, help="processes; 1 if not given")
    report = parser.add_argument_group("report", "of all runs in OUT")
    report.add_argument("--report", type=Path, metavar="FOLDER", help="where it is written")
    report.add_argument("--against", metavar="STRATEGY", help="the reference; autokd if not given")
    report.add_argument(
        "--after",
        type=int,
        help="evaluations of random search whose best the others are timed to; 100 if not given",
    )
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    _check(parser, given)
    given.table = given.table and _tables(parser, given.table)
    given.longer = dict(given.longer or ())
    for strategy, evaluations in given.longer.items():
        if strategy not in given.strategy or evaluations <= given.evaluations:
            parser.error(
                f"--longer {strategy}={evaluations}: name a --strategy, and more evaluations than "
                f"the {given.evaluations} of the others"
            )
    return given


def _longer(text: str) -> tuple[str, int]:
    """Read a strategy and its evaluations.

    Raises:
        ArgumentTypeError: It is not of that form.
    """
    strategy, _, evaluations = text.partition("=")
    if not evaluations.isdecimal():
        msg = f"{text}: give a strategy and a number, as random=1500"
        raise argparse.ArgumentTypeError(msg)
    return strategy, int(evaluations)


def _check(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse options that would not be read."""
    missing = [name for name in _RACE if getattr(given, name) is None]
    if missing and (len(missing) < len(_RACE) or not given.report):
        needed = ", ".join(f"--{name}" for name in _RACE)
        parser.error(f"--{missing[0]} is missing; a race needs {needed}")
    of_race = {"full-trainings": given.full_trainings, "jobs": given.jobs}
    of_race |= {"pay-infeasible": given.pay_infeasible or None}
    of_race |= {"seeds": given.seeds, "longer": given.longer}
    of_report = {"against": given.against, "after": given.after}
    for options, other, is_there in (
        (of_race, "table", not missing),
        (of_report, "report", bool(given.report)),
    ):
        unread = [name for name, value in options.items() if value is not None and not is_there]
        if unread:
            parser.error(f"--{unread[0]} has no effect without --{other}")


def _tables(parser: argparse.ArgumentParser, patterns: Sequence[str]) -> list[str]:
    """Give the names that were meant, in the order of the catalogue."""
    unknown = [p for p in patterns if not any(fnmatchcase(n, p) for n in NAMES)]
    if unknown:
        parser.error(f"--table {unknown[0]}: no such table; there are {', '.join(NAMES)}")
    return [name for name in NAMES if any(fnmatchcase(name, p) for p in patterns)]


if __name__ == "__main__":
    main()

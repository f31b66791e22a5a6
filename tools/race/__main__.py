"""Race strategies on tables, and print who arrives when.

    python -m tools.race DATA --table NAME... --strategy NAME... --seeds N --evaluations N --out OUT

DATA is the folder of the tables. Names of tables may hold wildcards. Each finished run is a line of
JSON in OUT; one that is there already is not run again, so the same command goes on where it was
stopped. Strategies are those of autokd and the peers, whose libraries must be installed.
"""

import argparse
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from autokd.errors import AutoKDError
from tools.race.catalogue import NAMES
from tools.race.heats import SEARCHERS, Task, load, missing_tasks, run_all
from tools.race.judge import Arrival, arrival_of, hypervolume, ratio_of_medians
from tools.race.tables import Table
from tools.race.traces import Rules, Run, append_run, read_runs


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, and print the table.

    Raises:
        SystemExit: Something that was given is wrong, or data or a library is missing.
    """
    given = _parse(arguments)
    # A race of processes gains nothing from threads; set before a strategy imports torch.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rules = Rules(
        evaluations=given.evaluations,
        full_trainings=given.full_trainings,
        free_infeasible=not given.pay_infeasible,
    )
    tasks = [
        Task(data=given.data, table=table, strategy=strategy, seed=seed, rules=rules)
        for table in given.table
        for strategy in given.strategy
        for seed in range(given.seeds)
    ]
    try:
        missing = missing_tasks(tasks, given.out)
        for number, run in enumerate(run_all(missing, given.jobs), start=1):
            append_run(given.out, run)
            print(f"{number}/{len(missing)} {' '.join(map(str, run.key))}", flush=True)
        wanted = {task.key for task in tasks}
        runs = [run for run in read_runs(given.out) if run.key in wanted]
        for name in given.table:
            _print_table(load(given.data, name), [r for r in runs if r.table == name])
    except AutoKDError as fault:
        raise SystemExit(str(fault)) from None


def _print_table(table: Table, runs: Sequence[Run]) -> None:
    """Print a line for each strategy; the ratio is of its median to that of the first."""
    names = list(dict.fromkeys(run.strategy for run in runs))
    arrivals = {n: [arrival_of(r, table) for r in runs if r.strategy == n] for n in names}
    print(f"\n{table.name}")
    print(
        f"{'strategy':<18}{'runs':>5}{'evaluations':>12}{'missed':>8}{'seconds':>12}"
        f"{'area':>7}{'own s':>8}   ratio to {names[0] if names else 'the first'}"
    )
    for name in names:
        traces = [run.trace for run in runs if run.strategy == name]
        evaluations, missed, seconds = _columns(arrivals[name])
        ratio = ratio_of_medians(evaluations, _columns(arrivals[names[0]])[0])
        area = np.median([hypervolume(t, table)[-1] for t in traces if len(t.place)])
        own = np.mean(np.concatenate([t.optimiser_seconds for t in traces]))
        print(
            f"{name:<18}{len(traces):>5}{np.median(evaluations):>12.1f}{missed:>8.0%}"
            f"{np.median(seconds):>12.4g}{area:>7.3f}{own:>8.3f}"
            f"   {ratio.ratio:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
        )


def _columns(arrivals: Sequence[Arrival]) -> tuple[np.ndarray, float, np.ndarray]:
    """Give evaluations, the share of misses, and seconds."""
    evaluations = np.array([a.evaluations for a in arrivals], dtype=np.float64)
    seconds = np.array([a.seconds for a in arrivals])
    return evaluations, float(np.mean([a.missed for a in arrivals])), seconds


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools.race", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--table", nargs="+", required=True, metavar="NAME")
    parser.add_argument("--strategy", nargs="+", required=True, choices=SEARCHERS)
    parser.add_argument("--seeds", type=int, required=True, help="seeds are 0 to N - 1")
    parser.add_argument("--evaluations", type=int, required=True, help="trials of a run, at most")
    parser.add_argument("--full-trainings", type=float, help="simulated seconds of a run, at most")
    parser.add_argument("--pay-infeasible", action="store_true", help="infeasible rows count")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args(arguments)
    wanted = [n for n in NAMES if any(fnmatchcase(n, pattern) for pattern in given.table)]
    unknown = [p for p in given.table if not any(fnmatchcase(n, p) for n in NAMES)]
    if unknown:
        parser.error(f"--table {unknown[0]}: no such table; there are {', '.join(NAMES)}")
    given.table = wanted
    return given


if __name__ == "__main__":
    main()

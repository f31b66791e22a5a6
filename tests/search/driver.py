"""A search in a process of its own, for tests that kill it: RUN STRATEGY TRIALS WORKERS SECONDS."""

import sys
from pathlib import Path

from autokd.search.executors import InlineExecutor, ProcessExecutor
from autokd.search.ledger import Ledger
from autokd.search.loop import run_search
from autokd.search.rungs import Ladder
from autokd.search.strategies import STRATEGIES
from autokd.search.study import Study
from tests.search.fakes import FakeEvaluator, FakeSpace, fidelity_of


def main(run: str, strategy: str, trials: str, workers: str, seconds: str) -> None:
    ladder = Ladder(rungs=2, min_last=3)
    evaluator = FakeEvaluator(Path(run) / "log", float(seconds))
    with Ledger.open(Path(run) / "ledger.sqlite") as ledger:
        study = Study(
            ledger,
            STRATEGIES[strategy](FakeSpace(), seed=1, ladder=ladder),
            fidelity_of=fidelity_of,
            max_trials=int(trials),
        )
        sys.stdout.write("open\n")
        sys.stdout.flush()
        if workers == "0":
            run_search(study, InlineExecutor(evaluator))
        else:
            with ProcessExecutor(evaluator, workers=int(workers), threads=1) as executor:
                run_search(study, executor)


if __name__ == "__main__":
    main(*sys.argv[1:])

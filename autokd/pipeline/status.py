"""Where a run stands, read beside it while it goes on."""

from collections import Counter
from pathlib import Path
from typing import Literal

from autokd.core.codec import load_record
from autokd.core.config import RunConfig
from autokd.core.results import RungStatus, RunStatus
from autokd.core.trial import COMPARED, Trial
from autokd.errors import ConfigError
from autokd.search.ledger import Ledger, is_in_use


def read_status(run: Path) -> RunStatus:
    """Give the state of the run in ``run``.

    Raises:
        ConfigError: ``run`` is no run folder.
    """
    path = run / "config.toml"
    if not path.is_file():
        msg = f"{run}: is no run folder (it has no config.toml); give the --out of 'compress'."
        raise ConfigError(msg)
    config = load_record(RunConfig, path)
    trials: tuple[Trial, ...] = ()
    spent = 0.0
    ledger_file = run / "ledger.sqlite"
    if ledger_file.is_file():
        with Ledger.open_read_only(ledger_file) as ledger:
            trials, spent = ledger.trials(), ledger.spent_seconds
    rungs = _rungs([t for t in trials if t.candidate.origin not in COMPARED])
    return RunStatus(
        run=str(run),
        state=_state(run, ledger_file),
        trials_by_state=dict(Counter(trial.state.value for trial in trials)),
        rungs=rungs,
        best_accuracy=rungs[-1].best_accuracy if rungs else None,
        spent_seconds=spent,
        budget_seconds=None if config.search.trials else config.budget_seconds,
    )


def _state(run: Path, ledger_file: Path) -> Literal["running", "stopped", "done"]:
    if (run / "results.json").is_file():
        return "done"
    return "running" if is_in_use(ledger_file) else "stopped"


def _rungs(trials: list[Trial]) -> tuple[RungStatus, ...]:
    scores: dict[int, list[float]] = {}
    for trial in trials:
        for seen in trial.observations:
            scores.setdefault(seen.fidelity.rung, []).append(seen.accuracy)
    return tuple(
        RungStatus(rung=rung, finished=len(found), best_accuracy=max(found))
        for rung, found in sorted(scores.items())
    )

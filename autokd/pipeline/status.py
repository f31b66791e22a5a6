"""Where a run stands, read beside it while it goes on."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from autokd.core.codec import load_record
from autokd.core.config import RunConfig
from autokd.core.results import Report
from autokd.core.run_status import Leader, RungStatus, RunStatus, Stage
from autokd.core.trial import COMPARED, Trial
from autokd.errors import ConfigError
from autokd.search.ledger import Ledger, is_in_use
from autokd.search.ranking import by_accuracy

CONFIG_FILE = "config.toml"
LEDGER_FILE = "ledger.sqlite"
PLAN_FILE = "plan.json"
RESULTS_FILE = "results.json"
LEADERS = 5


def read_status(run: Path) -> RunStatus:
    """Give the state of the run in ``run``.

    Raises:
        ConfigError: ``run`` is no run folder, or a file of it is damaged.
    """
    return RunReader(run).read()


class RunReader:
    """Reads a run again and again, and its trials only when there is something new.

    The files are opened for each reading and closed after it: a reader that kept the ledger open
    would keep a run that ends from folding its write-ahead log into the file.

    Attributes:
        config: Of the run.
        trials: As the last reading found them, by id.
        report: Once the run is done.
    """

    def __init__(self, run: Path) -> None:
        """Prepare to read.

        Raises:
            ConfigError: ``run`` is no run folder.
        """
        path = run / CONFIG_FILE
        if not path.is_file():
            msg = (
                f"{run}: is no run folder (it has no {CONFIG_FILE}); give the --out of 'compress'."
            )
            raise ConfigError(msg)
        self.config = load_record(RunConfig, path)
        self.trials: tuple[Trial, ...] = ()
        self.report: Report | None = None
        self._run = run
        self._last_event = 0
        self._spent_seconds = 0.0
        self._results_ns = 0

    def read(self) -> RunStatus:
        """Give how the run stands now.

        Raises:
            ConfigError: A file of the run is damaged, or not one of this version.
            StorageError: The ledger cannot be read at this moment.
        """
        # Asked before the files are read: a run that ends meanwhile is found done, not stopped.
        running = is_in_use(self._run / LEDGER_FILE)
        self._read_ledger()
        self._read_results()
        trials = [t for t in self.trials if t.candidate.origin not in COMPARED]
        rungs = _rungs(trials)
        config = self.config
        return RunStatus(
            run=str(self._run),
            state="done" if self.report else "running" if running else "stopped",
            stage=_stage(self._run),
            exit=self.report.exit if self.report else None,
            trials_by_state=dict(Counter(trial.state.value for trial in self.trials)),
            planned_trials=config.search.trials,
            rungs=rungs,
            leaders=_leaders(trials, rungs),
            best_accuracy=rungs[-1].best_accuracy if rungs else None,
            spent_seconds=self._spent_seconds,
            budget_seconds=None if config.search.trials else config.budget_seconds,
        )

    def version(self, status: RunStatus) -> str:
        """Give a word that changes whenever more than the time spent has changed."""
        return f"{status.state}-{status.stage}-{self._last_event}-{self._results_ns:x}"

    def _read_ledger(self) -> None:
        path = self._run / LEDGER_FILE
        if not path.is_file():
            return
        with Ledger.open_read_only(path) as ledger:
            last = ledger.last_event
            if last != self._last_event:
                self.trials, self._last_event = ledger.trials(), last
            self._spent_seconds = ledger.spent_seconds

    def _read_results(self) -> None:
        path = self._run / RESULTS_FILE
        if not path.is_file():
            self.report, self._results_ns = None, 0
            return
        written_ns = path.stat().st_mtime_ns
        if written_ns != self._results_ns:
            self.report, self._results_ns = load_record(Report, path), written_ns


def _stage(run: Path) -> Stage:
    """Give the step that is not finished, by the files that the steps leave."""
    if (run / "winners").is_dir() or (run / RESULTS_FILE).is_file():
        return "export"
    if not (run / PLAN_FILE).is_file():
        return "preflight"
    return "finalists" if (run / "search.json").is_file() else "search"


def _rungs(trials: Sequence[Trial]) -> tuple[RungStatus, ...]:
    scores: dict[int, list[float]] = {}
    for trial in trials:
        for seen in trial.observations:
            scores.setdefault(seen.fidelity.rung, []).append(seen.accuracy)
    return tuple(
        RungStatus(rung=rung, finished=len(found), best_accuracy=max(found))
        for rung, found in sorted(scores.items())
    )


def _leaders(trials: Sequence[Trial], rungs: Sequence[RungStatus]) -> tuple[Leader, ...]:
    living = [trial for trial in trials if trial.failure is None]
    order: dict[int, Trial] = {}
    for row in reversed(rungs):
        for trial in by_accuracy(living, row.rung):
            order.setdefault(trial.trial_id, trial)
    return tuple(_leader(trial) for trial in list(order.values())[:LEADERS])


def _leader(trial: Trial) -> Leader:
    cost, family = trial.candidate.cost, trial.candidate.family
    return Leader(
        trial_id=trial.trial_id,
        rung=trial.rung,
        accuracy=trial.accuracy,
        params=cost.params,
        memory_bytes=cost.memory_bytes,
        latency_ms=cost.latency_ms,
        block=family.block,
        input_px=family.input_px,
    )

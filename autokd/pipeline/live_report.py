"""The report of a run that goes on, as far as it is known, read from its folder alone."""

from datetime import UTC, datetime
from pathlib import Path

import autokd
from autokd.core.codec import load_record
from autokd.core.config import RunConfig
from autokd.core.results import ExitStatus, Report, StageSeconds
from autokd.core.run_status import STAGE_WORDS, RunStatus
from autokd.core.trial import COMPARED, Trial, searched
from autokd.errors import StoppedError
from autokd.pipeline.plan import FINAL_RUNG, RunPlan
from autokd.pipeline.status import PLAN_FILE, RunReader
from autokd.pipeline.surroundings import machine_facts, tool_versions
from autokd.report.live_page import LiveView
from autokd.search.front import pareto_front


class LiveRun:
    """Reads a run again and again; its report is made anew only when something changed."""

    def __init__(self, run: Path) -> None:
        """Prepare to read.

        Raises:
            ConfigError: ``run`` is no run folder.
        """
        self._run = run
        self._reader = RunReader(run)
        self._plan: RunPlan | None = None
        self._view: LiveView | None = None

    def read(self) -> LiveView:
        """Give what there is to show now.

        Raises:
            ConfigError: A file of the run is damaged, or not one of this version.
            StorageError: The ledger cannot be read at this moment.
        """
        status = self._reader.read()
        version = self._reader.version(status)
        report = self._view.report if self._view else None
        if self._view is None or version != self._view.version:
            report = self._reader.report or self._unfinished(status)
        self._view = LiveView(status, report, version)
        return self._view

    def _unfinished(self, status: RunStatus) -> Report | None:
        path = self._run / PLAN_FILE
        if self._plan is None and path.is_file():  # it is written once
            self._plan = load_record(RunPlan, path)
        if self._plan is None:
            return None
        return unfinished_report(self._reader.config, self._plan, self._reader.trials, status)


def unfinished_report(
    config: RunConfig, plan: RunPlan, trials: tuple[Trial, ...], status: RunStatus
) -> Report:
    """Give the report of a run that has no winner yet.

    What only the end of a run knows is left out: winners, the test split, what the teacher gave.
    """
    return Report(
        autokd_version=autokd.__version__,
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=tool_versions(),
        machine=machine_facts(plan),
        # As a command would end that was stopped here: nobody is to take this for a whole run.
        exit=ExitStatus(code=StoppedError.exit_code, name=status.state),
        verdict=_verdict(status, trials, labelled=plan.data.labelled),
        config=config,
        device=plan.profile.id,
        device_name=plan.profile.name,
        limits=plan.limits,
        feasibility=plan.feasibility,
        teacher=plan.teacher,
        data=plan.data,
        trials=trials,
        front=pareto_front(searched(trials, full_rung=FINAL_RUNG), plan.limits),
        winners=(),
        full_rung=FINAL_RUNG,
        kd_gain=None,
        seconds=StageSeconds(
            preflight=plan.preflight_seconds,
            teach=plan.teach_seconds,
            search=status.spent_seconds,
        ),
        warnings=plan.warnings,
    )


def _verdict(status: RunStatus, trials: tuple[Trial, ...], *, labelled: bool) -> str:
    doing = STAGE_WORDS[status.stage]
    begin = f"Still running, {doing}" if status.state == "running" else f"Stopped while {doing}"
    if not status.leaders:
        return f"{begin}: no student has a result yet."
    through = sum(bool(t.observations) and t.candidate.origin not in COMPARED for t in trials)
    count = "one student has" if through == 1 else f"{through} students have"
    best = status.leaders[0].accuracy
    of_what = (
        "gets {:.2%} of the validation images right"
        if labelled
        else "names the teacher's class for {:.2%} of the validation images"
    )
    return f"{begin}: {count} a result, and the best so far {of_what.format(best)}."

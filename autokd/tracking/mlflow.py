"""A run in MLflow: curves and settings in one MLflow run, each student in a run nested in it.

The MLflow run is found again by a tag that is written down in the run folder before MLflow is asked
for the first time, so a kill at any moment leaves one run that is gone on with.
"""

import os
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autokd.core.codec import load_record, save_record
from autokd.core.record import Record
from autokd.core.results import Report
from autokd.core.track_choice import has_password
from autokd.core.trial import Failure
from autokd.tracking.metrics import (
    Param,
    Tally,
    report_values,
    run_name,
    run_params,
    student_params,
    student_values,
)
from autokd.tracking.tracker import Opening, Told

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LINK_FILE = "mlflow.json"
EXPERIMENT = "autokd"  # unless MLFLOW_EXPERIMENT_NAME names another
REPORT_FILES = ("results.json", "report.html", "summary.md", "trials.csv", "config.toml")
KEY_TAG, STUDENT_TAG, PARENT_TAG = "autokd.key", "autokd.student", "mlflow.parentRunId"
_PAGE = 1000
_BATCH = 100  # MLflow's limit of parameters in one call
_LONGEST_TEXT = 500  # that servers before 2.8 take
_SQLITE = "sqlite:///"
_QUIET = {
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class MLflowLink(Record):
    """``mlflow.json``: where a run is found in MLflow.

    Attributes:
        uri: Of the tracking server; None is what MLflow finds in its environment.
        experiment: Its name.
        key: Value of the tag ``autokd.key`` of its MLflow run.
    """

    uri: str | None
    experiment: str
    key: str


class MLflowTracker:
    """Writes to an MLflow server or store; see `autokd.tracking.tracker.Tracker`."""

    def __init__(self, uri: str | None = None) -> None:
        """Take the address; None is what MLflow finds in its environment."""
        self._uri = uri

    def open(self, opening: Opening) -> None:
        """Find the MLflow run of an earlier session, or begin one."""
        _quiet()
        from mlflow import MlflowClient

        link = _link(opening.run / LINK_FILE, self._uri)
        self._run = opening.run
        self._tally = Tally(opening.limits)
        self._client: MlflowClient = MlflowClient(tracking_uri=link.uri)
        self._experiment_id = _experiment_id(self._client, link.experiment)
        found = self._search(KEY_TAG, link.key)
        self._is_whole = False
        self._held: set[tuple[str, int]] = set()
        self._students: dict[int, Run] = {}
        self._held_by_student: dict[int, set[tuple[str, int]]] = {}
        if found:
            self._run_id = found[0].info.run_id
            self._held = self._held_of(found[0], found[0].data.metrics)
            children = self._search(PARENT_TAG, self._run_id)
            self._students = {int(one.data.tags[STUDENT_TAG]): one for one in children}
            self._is_whole = found[0].info.status == "FINISHED"
            if not self._is_whole:
                self._client.update_run(self._run_id, status="RUNNING")
        else:
            tags = {KEY_TAG: link.key, "mlflow.runName": run_name(opening)}
            self._run_id = self._client.create_run(self._experiment_id, tags=tags).info.run_id
        # The same parameters again are no fault, so that a kill in between is mended.
        self._log_params(self._run_id, run_params(opening))

    def tell(self, told: Told) -> None:
        """Write the points of a result, and its student's run."""
        if self._is_whole:
            return
        values = self._new_values(self._tally.add(told), step=told.number)
        self._log(self._run_id, values, step=told.number, at_seconds=told.at_seconds)
        self._student(told)

    def finish(self, report: Report) -> None:
        """Write what the winner reached, the verdict, the files of the report and the winners."""
        if self._is_whole:
            return
        values = self._new_values(report_values(report), step=0)
        self._log(self._run_id, values, step=0, at_seconds=time.time())
        self._client.set_tag(self._run_id, "mlflow.note.content", report.verdict)
        for name in REPORT_FILES:
            self._client.log_artifact(self._run_id, str(self._run / name))
        self._client.log_artifacts(self._run_id, str(self._run / "winners"), "winners")
        self._client.set_terminated(self._run_id, "FINISHED")

    def stop(self, *, interrupted: bool) -> None:
        """End the MLflow run as killed or failed; a session that goes on opens it again."""
        self._client.set_terminated(self._run_id, "KILLED" if interrupted else "FAILED")

    def _student(self, told: Told) -> None:
        """Write a result of a student in its own run, and what it was drawn from at the first."""
        run = self._students.get(told.trial_id)
        is_new = run is None
        if run is None:
            run = self._students[told.trial_id] = self._new_student(told)
        run_id = run.info.run_id
        params = student_params(told.candidate)
        if is_new or not params.keys() <= run.data.params.keys():
            self._log_params(run_id, params)
        if isinstance(told.result, Failure):
            self._client.set_tag(run_id, "autokd.failure", told.result.message[:_LONGEST_TEXT])
            self._client.set_terminated(run_id, "FAILED", _milliseconds(told.at_seconds))
            return
        if told.trial_id not in self._held_by_student:
            held = set() if is_new else self._held_of(run, ["accuracy"])
            self._held_by_student[told.trial_id] = held
        step = told.result.fidelity.images
        if ("accuracy", step) not in self._held_by_student[told.trial_id]:
            self._log(run_id, student_values(told), step=step, at_seconds=told.at_seconds)
        self._client.set_terminated(run_id, "FINISHED", _milliseconds(told.at_seconds))

    def _new_student(self, told: Told) -> "Run":
        tags = {
            PARENT_TAG: self._run_id,
            STUDENT_TAG: str(told.trial_id),
            "mlflow.runName": f"student {told.trial_id}",
        }
        began = _milliseconds(told.at_seconds)
        return self._client.create_run(self._experiment_id, start_time=began, tags=tags)

    def _log(
        self, run_id: str, values: Mapping[str, float], *, step: int, at_seconds: float
    ) -> None:
        """Write values in one call, so that a kill leaves all of them or none."""
        from mlflow.entities import Metric

        at_ms = _milliseconds(at_seconds)
        metrics = [Metric(name, value, at_ms, step) for name, value in values.items()]
        if metrics:
            self._client.log_batch(run_id, metrics=metrics)

    def _log_params(self, run_id: str, params: Mapping[str, Param]) -> None:
        from mlflow.entities import Param as Entry

        entries = [Entry(name, str(value)[:_LONGEST_TEXT]) for name, value in params.items()]
        for start in range(0, len(entries), _BATCH):
            self._client.log_batch(run_id, params=entries[start : start + _BATCH])

    def _new_values(self, values: Mapping[str, float], *, step: int) -> dict[str, float]:
        """Give the values of the whole run that an earlier session has not written."""
        return {name: value for name, value in values.items() if (name, step) not in self._held}

    def _held_of(self, run: "Run", names: Iterable[str]) -> set[tuple[str, int]]:
        """Give name and step of each point of a run."""
        run_id = run.info.run_id
        return {
            (name, point.step)
            for name in names
            for point in self._client.get_metric_history(run_id, name)
        }

    def _search(self, tag: str, value: str) -> list["Run"]:
        found: list[Run] = []
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id],
                f"tags.`{tag}` = '{value}'",
                max_results=_PAGE,
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found


def _link(path: Path, uri: str | None) -> MLflowLink:
    """Give where this run is found in MLflow; the first session writes it down."""
    if path.is_file():
        return load_record(MLflowLink, path)
    from mlflow import get_tracking_uri

    found = uri or get_tracking_uri()
    link = MLflowLink(
        # A password stays in the environment, where it came from.
        uri=None if has_password(found) else _from_anywhere(found),
        experiment=os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT,
        key=secrets.token_hex(16),
    )
    save_record(link, path)
    return link


def _from_anywhere(uri: str) -> str:
    """Give an address that means the same in another working folder."""
    if uri.startswith(_SQLITE) and not uri.startswith(f"{_SQLITE}/"):
        return f"{_SQLITE}{Path(uri.removeprefix(_SQLITE)).absolute()}"
    return uri if ":" in uri or uri == "databricks" else str(Path(uri).absolute())


def _experiment_id(client: "MlflowClient", name: str) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException:  # another run may have made it in this moment
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def _quiet() -> None:
    """Have MLflow write nothing of its own between the lines of a run."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)

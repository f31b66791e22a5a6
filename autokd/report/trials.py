"""``trials.csv``: every trial as a row of plain numbers, for a notebook."""

import csv
import io

from autokd.core.results import Report
from autokd.core.trial import Trial


def trials_csv(report: Report) -> str:
    """Give one line a trial, failed and unfinished ones included; units end the names."""
    stream = io.StringIO()
    rows = [_csv_row(report, trial) for trial in report.trials]
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["trial_id"])
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _csv_row(report: Report, trial: Trial) -> dict[str, object]:
    candidate = trial.candidate
    last = trial.observations[-1] if trial.observations else None
    return {
        "trial_id": trial.trial_id,
        "state": trial.state.value,
        "origin": candidate.origin,
        "on_front": trial.trial_id in report.front,
        "rung": last.fidelity.rung if last else None,
        "images": last.fidelity.images if last else None,
        "validation_accuracy": last.accuracy if last and report.data.labelled else None,
        "validation_agreement": last.agreement if last else None,
        "validation_loss": last.loss if last else None,
        "train_seconds": sum(o.train_seconds for o in trial.observations),
        "images_per_second": last.images_per_second if last else None,
        **candidate.distill.model_dump(),
        **candidate.family.values(),
        "base_width": candidate.base_width,
        "member_seed": candidate.member_seed,
        **candidate.cost.model_dump(),
        "utilisation": report.limits.utilisation(candidate.cost),
        "failure": f"{trial.failure.kind}: {trial.failure.message}" if trial.failure else None,
    }

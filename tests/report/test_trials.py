"""``trials.csv``."""

import csv
import io

from autokd.report.trials import trials_csv


def read(report):
    return list(csv.DictReader(io.StringIO(trials_csv(report))))


def test_numbers_come_back_as_they_were(report) -> None:
    rows = read(report)
    assert [int(row["trial_id"]) for row in rows] == [t.trial_id for t in report.trials]
    trial = report.trials[3]
    assert float(rows[3]["latency_ms"]) == trial.candidate.cost.latency_ms
    assert float(rows[3]["validation_accuracy"]) == trial.accuracy
    assert float(rows[3]["temperature"]) == trial.candidate.distill.temperature
    assert rows[3]["loss"] == trial.candidate.distill.loss == "logit-std"
    assert float(rows[3]["utilisation"]) == report.limits.utilisation(trial.candidate.cost)


def test_a_failed_trial_has_a_reason_and_no_accuracy(report) -> None:
    row = read(report)[9]
    assert row["failure"] == "TrainingError: the loss is not finite"
    assert row["validation_accuracy"] == row["rung"] == ""


def test_the_front_is_marked(report) -> None:
    marked = tuple(int(row["trial_id"]) for row in read(report) if row["on_front"] == "True")
    assert marked == tuple(sorted(report.front))


def test_without_trials_there_is_only_a_head(make_report) -> None:
    assert read(make_report(count=0, winners=make_report().winners)) == []

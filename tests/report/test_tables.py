"""Tables of cells."""

import pytest

from autokd.core.cost import Limits
from autokd.report import tables
from autokd.report.cells import DASH, Cell


def rows_of(report):
    return {row.label: row for row in tables.compare_with_teacher(report, report.winners[0])}


def test_a_bar_is_the_value_over_its_limit_and_reaches_to_the_upper_end(report) -> None:
    cost = report.winners[0].cost
    bar = rows_of(report)["Latency on Raspberry Pi Zero 2 W"].bar
    assert bar.used == pytest.approx(cost.latency_ms / 61.5)
    assert bar.upper == pytest.approx(cost.latency_high_ms / 61.5)
    assert not bar.over
    assert rows_of(report)["Parameters"].bar.used == pytest.approx(cost.params / 150_000)


def test_a_limit_that_is_exceeded_says_so(make_report) -> None:
    row = rows_of(make_report(limits=Limits(max_params=1_000)))["Parameters"]
    assert row.bar.over
    assert row.limit == Cell("1,000", "exceeded")


def test_a_latency_between_median_and_upper_end_of_the_limit_is_over(make_report) -> None:
    cost = make_report().winners[0].cost
    between = (cost.latency_ms + cost.latency_high_ms) / 2
    row = rows_of(make_report(limits=Limits(max_latency_ms=between)))[
        "Latency on Raspberry Pi Zero 2 W"
    ]
    assert row.bar.used < 1 < row.bar.upper
    assert row.bar.over


def test_a_dash_always_has_a_reason(report) -> None:
    shown = [c for row in rows_of(report).values() for c in (row.student, row.teacher, row.limit)]
    for table in (tables.winners_table(report), tables.trials_table(report)):
        shown += [cell for row in table.rows for cell in row]
    dashes = [cell for cell in shown if cell.text == DASH]
    assert len(dashes) > 5
    assert all(cell.note for cell in dashes)


def test_rows_are_as_long_as_the_head(report) -> None:
    for make in (
        tables.winners_table,
        tables.trials_table,
        tables.feasibility_table,
        tables.failures_table,
    ):
        table = make(report)
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_how_a_student_was_taught_stands_in_both_tables(report) -> None:
    for table, taught in (
        (tables.winners_table(report), [winner.distill for winner in report.winners]),
        (tables.trials_table(report), [trial.candidate.distill for trial in report.trials]),
    ):
        place = [table.head.index(name) for name in ("Loss", "Temperature", "Alpha")]
        assert [[row[p].text for p in place] for row in table.rows] == [
            ["logit-std", f"{d.temperature:.2f}", f"{d.alpha:.2f}"] for d in taught
        ]


def test_every_trial_has_a_row_and_every_failure_one_more(report) -> None:
    assert len(tables.trials_table(report).rows) == len(report.trials) == 22
    assert [row[0].text for row in tables.failures_table(report).rows] == ["9"]


def test_images_without_labels_are_compared_by_agreement(make_report) -> None:
    base = make_report()
    data = base.data.model_copy(update={"labelled": False})
    winner = base.winners[0].model_copy(update={"validation_accuracy": None})
    report = make_report(data=data, winners=(winner,))
    rows = rows_of(report)
    assert rows["Accuracy, validation"].student == Cell(DASH, "the images have no labels")
    assert rows["Agreement with the teacher, validation"].student.text == "72.13 %"
    assert "Agreement with the teacher" in tables.trials_table(report).head
    assert "Agreement with the teacher, validation" not in rows_of(base)

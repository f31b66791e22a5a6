"""Values as text."""

import pytest

from autokd.report import cells


@pytest.mark.parametrize(
    ("value_ms", "text"),
    [
        (0.0412, "0.041 ms"),
        (3.214, "3.21 ms"),
        (9.996, "10.0 ms"),
        (48.04, "48.0 ms"),
        (312.4, "312 ms"),
    ],
)
def test_a_time_has_about_three_digits(value_ms, text) -> None:
    assert cells.milliseconds(value_ms) == text


def test_a_fraction_becomes_percent_with_two_decimals() -> None:
    assert cells.percent(0.81084) == "81.08 %"


def test_a_difference_is_given_by_its_size_in_points() -> None:
    assert cells.points(-0.0123) == "1.23 points"


@pytest.mark.parametrize(
    ("limit", "value", "text"),
    [
        ("max_params", 150_000, "150,000"),
        ("max_size_bytes", 2 * 2**20, "2 MiB"),
        ("max_memory_bytes", 201 * 2**20, "201 MiB"),
        ("max_latency_ms", 61.5, "61.5 ms"),
    ],
)
def test_a_limit_has_the_unit_of_its_name(limit, value, text) -> None:
    assert cells.limit_value(limit, value) == text
    assert limit in cells.LIMIT_NAMES


def test_an_estimate_says_so_and_shows_its_interval(report) -> None:
    cost = report.winners[0].cost
    cell = cells.latency_cell(cost)
    assert cell.text == cells.milliseconds(cost.latency_ms)
    assert cell.note == (
        f"estimate, 80 % interval {cells.milliseconds(cost.latency_low_ms)} "
        f"to {cells.milliseconds(cost.latency_high_ms)}"
    )


def test_a_measured_latency_is_not_called_an_estimate(report) -> None:
    cost = report.winners[0].cost.model_copy(update={"is_measured": True})
    cell = cells.latency_cell(cost)
    assert cell.text == cells.milliseconds(cost.latency_ms)
    assert cell.note == "measured on the target with random weights"


def test_a_latency_that_is_not_claimed_is_no_number(report) -> None:
    none = {"latency_ms": None, "latency_low_ms": None, "latency_high_ms": None}
    cell = cells.latency_cell(report.winners[0].cost.model_copy(update=none))
    assert cell.text == "no claim"
    assert not any(sign.isdigit() for sign in cell.text + cell.note)


def test_a_missing_accuracy_says_why(make_report) -> None:
    bare = make_report().data
    unlabelled = make_report(data=bare.model_copy(update={"labelled": False}))
    untested = make_report(data=bare.model_copy(update={"test_images": 0}))
    assert cells.validation_cell(unlabelled, None).note == "the images have no labels"
    assert cells.test_cell(unlabelled, None).note == "the images have no labels"
    assert cells.test_cell(untested, None).note == "there are no test images"
    assert cells.test_cell(make_report(), None) == cells.Cell(cells.DASH, "not scored")


def test_a_local_measurement_is_never_called_the_board(report) -> None:
    local = report.winners[0].measurement
    board = local.model_copy(update={"is_device": True})
    assert cells.measured_where(report, local) == "on this host, not the board"
    assert cells.measured_where(report, None) == "on this host, not the board"
    assert cells.measured_where(report, board) == "on Raspberry Pi Zero 2 W"


def test_a_measurement_that_does_not_count_says_so(report) -> None:
    measurement = report.winners[0].measurement
    bad = measurement.model_copy(update={"valid": False, "reason": "fewer than 64 samples"})
    assert cells.measured_cell(bad).note == "INVALID: fewer than 64 samples"
    assert cells.measured_cell(None) == cells.Cell(cells.DASH, "not measured")
    assert f"p99 {cells.DASH} (412 samples are too few)" in cells.measured_cell(measurement).note

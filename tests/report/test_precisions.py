"""The table of precisions."""

import pytest

from autokd.core.precision import Int8Form
from autokd.core.results import VariantResult
from autokd.report.html import render_html
from autokd.report.precisions import precision_sentence, precisions_table, ratio_cell
from autokd.report.ready_code import run_code
from autokd.report.summary import render_summary

FORM = Int8Form(activation="uint8", per_channel=True, reduce_range=True)


def variant(precision: str, **fields: object) -> VariantResult:
    given = {
        "file": f"winners/1/student.{precision}.onnx",
        "sha256": "0" * 64,
        "size_bytes": 200_000,
        "validation_images": 5_000,
        "validation_accuracy": 0.7,
        "agreement": 0.98,
        "drop": 0.0,
        "passed": True,
    }
    return VariantResult.model_validate({"precision": precision, **given, **fields})


@pytest.fixture
def measured(report):
    """A report whose best student was tried in INT8, once in vain, and is delivered in it."""
    slower = {"ratio": 1.3, "ratio_low": 1.25, "ratio_high": 1.35}
    variants = (
        variant("fp32", file="winners/1/student.onnx"),
        variant("int8", form=FORM, method="minmax", file=None, sha256=None, drop=0.02,
                passed=False, excluded=("stem", "c0n0")),
        variant("int8", form=FORM, method="entropy", drop=0.004, test_accuracy=0.6911,
                validation_accuracy=0.696, **slower),
    )  # fmt: skip
    best = report.winners[0].model_copy(
        update={"variants": variants, "chosen": "int8", "chosen_reason": "int8 was asked for."}
    )
    return report.model_copy(update={"winners": (best, *report.winners[1:])})


def test_every_try_is_a_row_with_how_what_and_why(measured) -> None:
    table = precisions_table(measured, measured.winners[0])
    assert all(len(row) == len(table.head) for row in table.rows)
    fp32, tried, chosen = ([cell.text for cell in row] for row in table.rows)
    assert fp32[:2] == ["fp32", "as trained"]
    assert tried[1] == (
        "uint8 activations, a scale for each channel, minmax ranges, 7-bit weights, "
        "2 nodes in floats: stem, c0n0"
    )
    assert tried[4] == "2.00 points lost"
    assert chosen[3:5] == ["69.60 %", "0.40 points lost"]
    assert chosen[7] == "69.11 %"
    assert table.rows[2][0].note == "chosen"
    assert table.rows[1][2].note == "not kept"
    assert table.rows[1][4].note == "more than the 1.00 points allowed"


def test_slower_is_said_plainly() -> None:
    cell = ratio_cell(variant("int8", ratio=1.3, ratio_low=1.25, ratio_high=1.35))
    assert (cell.text, cell.note) == ("1.30", "1.25 to 1.35, timed in turns, slower")
    cell = ratio_cell(variant("int8", ratio=0.5, ratio_low=0.5, ratio_high=0.51))
    assert (cell.text, cell.note) == ("0.50", "0.50 to 0.51, timed in turns")
    assert ratio_cell(variant("int8")).note == "not compared"


def test_page_and_summary_show_table_and_sentence(measured) -> None:
    sentence = "For the board: winners/1/student.int8.onnx. Int8 was asked for."
    assert precision_sentence(measured.winners[0]) == sentence
    for text in (render_html(measured), render_summary(measured).replace("\\", "")):
        assert sentence in text
        assert "entropy ranges" in text
        assert "1.25 to 1.35, timed in turns, slower" in text


def test_the_code_runs_the_file_that_was_chosen(measured) -> None:
    assert "    'winners/1/student.int8.onnx', " in run_code(measured.winners[0])


def test_a_report_without_variants_says_nothing_of_precisions(report) -> None:
    assert precision_sentence(report.winners[0]) == ""
    assert precisions_table(report, report.winners[0]).rows == ()
    assert "For the board" not in render_summary(report)
    assert 'aria-label="Precisions"' not in render_html(report)

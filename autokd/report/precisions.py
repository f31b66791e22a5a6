"""The precisions of a winner as a table, and in a sentence."""

from autokd.core.results import Report, VariantResult, Winner
from autokd.core.units import format_bytes
from autokd.report.cells import DASH, Cell, measured_cell, percent, points, test_cell, whole
from autokd.report.tables import Table


def precisions_table(report: Report, winner: Winner) -> Table:
    """Give one row a precision that was tried, fp32 first; no rows where only fp32 was made."""
    head = (
        "Precision",
        "How",
        "File size",
        "Accuracy, validation" if report.data.labelled else "Agreement with fp32",
        "Loss against fp32",
        "p50 measured",
        "Time against fp32",
        "Accuracy, test",
        "Note",
    )
    if len(winner.variants) < 2:
        return Table(head, ())
    return Table(head, tuple(_row(report, winner, variant) for variant in winner.variants))


def precision_sentence(winner: Winner) -> str:
    """Say which file is for the board and why; empty where no precisions were tried."""
    chosen = winner.chosen_variant
    if chosen is None:
        return ""
    return f"For the board: {chosen.file}. {_capital(winner.chosen_reason)}"


def ratio_cell(variant: VariantResult) -> Cell:
    """Give the time over that of fp32 with its spread."""
    if variant.precision == "fp32":
        return Cell("1.00")
    if variant.ratio is None or variant.ratio_low is None or variant.ratio_high is None:
        return Cell(DASH, "not compared")
    slower = ", slower" if variant.ratio_low >= 1 else ""
    spread = f"{variant.ratio_low:.2f} to {variant.ratio_high:.2f}, timed in turns{slower}"
    return Cell(f"{variant.ratio:.2f}", spread)


def _row(report: Report, winner: Winner, variant: VariantResult) -> tuple[Cell, ...]:
    is_chosen = variant == winner.chosen_variant
    accuracy = variant.validation_accuracy
    return (
        Cell(variant.precision, "chosen" if is_chosen else ""),
        Cell(_how(variant)),
        Cell(format_bytes(variant.size_bytes), "" if variant.file else "not kept"),
        Cell(
            percent(variant.agreement if accuracy is None else accuracy),
            f"on {whole(variant.validation_images)} images",
        ),
        _loss(report, variant),
        measured_cell(variant.measurement),
        ratio_cell(variant),
        test_cell(report, variant.test_accuracy) if is_chosen else Cell(DASH, "not read"),
        Cell(variant.note),
    )


def _loss(report: Report, variant: VariantResult) -> Cell:
    if variant.precision == "fp32":
        return Cell(points(0))
    allowed = points(report.config.export.max_accuracy_drop)
    side = "gained" if variant.drop < 0 else "lost"
    judged = "within" if variant.passed else "more than"
    return Cell(f"{points(variant.drop)} {side}", f"{judged} the {allowed} allowed")


def _how(variant: VariantResult) -> str:
    form = variant.form
    if form is None:
        return "as trained" if variant.precision == "fp32" else "half precision inside"
    weights = "a scale for each channel" if form.per_channel else "one scale a weight"
    ranges = "trained with integers" if variant.method == "trained" else f"{variant.method} ranges"
    parts = [f"{form.activation} activations", weights, ranges]
    if form.reduce_range:
        parts.append("7-bit weights")
    if variant.excluded:
        parts.append(f"{len(variant.excluded)} nodes in floats: {', '.join(variant.excluded)}")
    return ", ".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

"""``summary.md``: the verdict and one table, short enough for a CI job's page."""

import math

from autokd.core.results import KdGain, Report, Winner
from autokd.core.units import format_bytes
from autokd.report.cells import (
    DASH,
    LIMIT_NAMES,
    Cell,
    latency_cell,
    limit_value,
    measured_cell,
    measured_where,
    percent,
    points,
    test_cell,
    validation_cell,
    whole,
)
from autokd.report.precisions import precision_sentence, precisions_table
from autokd.report.tables import NO_ESTIMATE

# GitHub drops a step's summary above 1 MiB. These keep ours some hundred times below.
MOST_WINNERS = 10
MOST_WARNINGS = 10
LONGEST_TEXT = 500


def render_summary(report: Report) -> str:
    """Give the summary as Markdown, always far below 1 MiB."""
    blocks = [
        f"## {_plain(report.verdict)}",
        _table(report),
        _limits_line(report),
        _precisions(report),
        _gain_line(report),
        _rest_line(report),
        _warnings(report),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def kd_gain_missing(report: Report) -> str:
    """Say why a run has no comparison with and without the teacher."""
    if not report.data.labelled:
        return "without labels there is nothing to learn from but the teacher"
    if not report.config.search.kd_gain:
        return "switched off by search.kd_gain = false"
    return "the comparison was not run"


def kd_gain_effect(gain: KdGain) -> str:
    """Say what the teacher did, a loss as plainly as a gain."""
    if gain.gain > 0:
        return "the teacher helps"
    return "the teacher does not help, it costs accuracy" if gain.gain < 0 else "no difference"


def kd_gain_noise(gain: KdGain, images: int) -> float:
    """Give the difference below which two accuracies on ``images`` images may differ by chance.

    Two standard errors of the difference of two proportions, taken as independent, and of the
    mean over the seeds, where there are several.
    """
    variance = sum(p * (1 - p) for p in (gain.with_teacher, gain.without_teacher)) / images
    return 2 * math.sqrt(variance + (gain.gain_std or 0.0) ** 2 / gain.seeds)


def kd_gain_seeds(gain: KdGain) -> str:
    """Say how many seeds there were, and how much the gain differed from one to another."""
    if gain.gain_std is None:
        return "1 seed" if gain.seeds == 1 else f"{gain.seeds} seeds"
    return f"{gain.seeds} seeds, whose gains have a standard deviation of {points(gain.gain_std)}"


def _table(report: Report) -> str:
    where = measured_where(report, report.winners[0].measurement)
    head = [
        "Model",
        "Accuracy, validation",
        "Accuracy, test",
        "Parameters",
        "File size",
        "Memory, estimate",
        f"Latency on {report.device_name}, estimate",
        f"p50 measured {where}",
    ]
    winners = report.winners[:MOST_WINNERS]
    rows = [_winner(report, winner) for winner in winners] + [_teacher(report)]
    lines = [_line(head), "|---|" + "---:|" * (len(head) - 1), *map(_line, rows)]
    return "\n".join(lines)


def _winner(report: Report, winner: Winner) -> list[str]:
    cells = (
        Cell(f"Student {winner.rank}"),
        validation_cell(report, winner.validation_accuracy),
        test_cell(report, winner.test_accuracy),
        Cell(whole(winner.cost.params)),
        Cell(format_bytes(winner.file_bytes)),
        Cell(format_bytes(winner.cost.memory_bytes)),
        latency_cell(winner.cost),
        measured_cell(winner.measurement),
    )
    return [_text(cell) for cell in cells]


def _teacher(report: Report) -> list[str]:
    teacher = report.teacher
    cells = (
        Cell("Teacher"),
        validation_cell(report, teacher.validation_accuracy),
        test_cell(report, teacher.test_accuracy),
        Cell(DASH, "not counted") if teacher.params is None else Cell(whole(teacher.params)),
        Cell(format_bytes(teacher.size_bytes)),
        Cell(DASH, NO_ESTIMATE),
        Cell(DASH, NO_ESTIMATE),
        Cell(DASH, "not measured"),
    )
    return [_text(cell) for cell in cells]


def _limits_line(report: Report) -> str:
    given = report.limits.model_dump(exclude_none=True)
    if not given:
        return "Limits: none were set."
    parts = [f"{LIMIT_NAMES[name]} {limit_value(name, value)}" for name, value in given.items()]
    exceeded = [LIMIT_NAMES[n] for n, v in report.winners[0].violations.items() if v > 0]
    kept = f"student 1 exceeds: {', '.join(exceeded)}" if exceeded else "student 1 keeps all"
    return f"Limits on {_plain(report.device_name)}: {', '.join(parts)}; {kept}."


def _precisions(report: Report) -> str:
    """Give the sentence on the precision of the best student, and the table where there is one."""
    winner = report.winners[0]
    table = precisions_table(report, winner)
    lines = [_plain(precision_sentence(winner))]
    if table.rows:
        head, *rows = (list(table.head), *([_text(c) for c in row] for row in table.rows))
        lines += ["", _line(head), "|---|---|" + "---:|" * (len(head) - 3) + "---|"]
        lines += map(_line, rows)
    return "\n".join(lines).strip()


def _gain_line(report: Report) -> str:
    gain = report.kd_gain
    if gain is None:
        return f"KD gain: {DASH} ({kd_gain_missing(report)})."
    noise = kd_gain_noise(gain, report.data.validation_images)
    chance = ", which may be chance" if 0 < abs(gain.gain) < noise else ""
    return (
        f"KD gain, same student and length: {percent(gain.with_teacher)} with the teacher, "
        f"{percent(gain.without_teacher)} without, on validation, {kd_gain_seeds(gain)}: "
        f"{kd_gain_effect(gain)}{chance}."
    )


def _rest_line(report: Report) -> str:
    failed = sum(trial.failure is not None for trial in report.trials)
    more = len(report.winners) - MOST_WINNERS
    parts = [f"{len(report.trials)} trials, {failed} failed"]
    if more > 0:
        parts.append(f"{more} more students in report.html")
    parts.append(f"exit code {report.exit.code} ({_plain(report.exit.name)})")
    return f"{'; '.join(parts)}."


def _warnings(report: Report) -> str:
    shown = [f"- Warning: {_plain(text)}" for text in report.warnings[:MOST_WARNINGS]]
    more = len(report.warnings) - len(shown)
    if more > 0:
        shown.append(f"- {more} more warnings in report.html")
    unreadable = len(report.data.unreadable)
    if unreadable:
        shown.append(f"- Warning: {unreadable} unreadable images, named in report.html")
    return "\n".join(shown)


def _text(cell: Cell) -> str:
    return f"{cell.text} ({cell.note})" if cell.note else cell.text


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Take from text what Markdown, or a page around it, would read as markup."""
    short = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
    for sign in "\\`*_|[]":
        short = short.replace(sign, "\\" + sign)
    return " ".join(short.replace("<", "&lt;").split())

"""The key figures of the first screen: the student beside the teacher and the limits."""

from dataclasses import dataclass

from autokd.core.results import Report, Winner
from autokd.core.trial import COMPARED
from autokd.core.units import format_bytes, format_count
from autokd.report.cells import Cell, latency_cell, limit_value, milliseconds, percent, points
from autokd.report.certificate import board_measurement
from autokd.report.figures import has_result
from autokd.report.tables import Bar


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure.

    Attributes:
        note: It beside the teacher, or what kind of number it is.
        limit: How much of the limit it uses, in words; empty where there is no limit.
    """

    label: str
    value: str
    note: str
    bar: Bar | None = None
    limit: str = ""


@dataclass(frozen=True, slots=True)
class AccuracyTile:
    """Accuracy, or agreement where images have no labels.

    Attributes:
        bars: Name, percent and text, the student first; one bar where there is no other.
    """

    label: str
    value: str
    note: str
    bars: tuple[tuple[str, float, str], ...]


def accuracy_tile(report: Report) -> AccuracyTile | None:
    """Give the accuracy of the best student, or in a run that goes on of the best trial so far."""
    if not report.winners:
        return _best_so_far(report)
    winner, teacher = report.winners[0], report.teacher
    for label, student_score, teacher_score in (
        ("Accuracy, test", winner.test_accuracy, teacher.test_accuracy),
        ("Accuracy, validation", winner.validation_accuracy, teacher.validation_accuracy),
    ):
        if student_score is None:
            continue
        bars = [_bar("Student", student_score)]
        note = "the teacher was not scored"
        if teacher_score is not None:
            bars.append(_bar("Teacher", teacher_score))
            difference = student_score - teacher_score
            side = "above" if difference > 0 else "below"
            note = f"{points(difference)} {side} the teacher's {percent(teacher_score)}"
            note = note if difference else f"the same as the teacher's {percent(teacher_score)}"
        return AccuracyTile(label, percent(student_score), note, tuple(bars))
    agreement = winner.validation_agreement
    note = "on validation images, without labels"
    bars = [_bar("Student", agreement)]
    return AccuracyTile("Agreement with the teacher", percent(agreement), note, tuple(bars))


def cost_tiles(report: Report) -> tuple[Tile, ...]:
    """Give latency, memory, file size and parameters; none before there is a student."""
    if not report.winners:
        return ()
    winner, teacher = report.winners[0], report.teacher
    cost, size = winner.cost, winner.file_bytes
    peak = _peak_memory(winner)
    memory = Cell(format_bytes(cost.memory_bytes), "estimate")
    if peak is not None:
        memory = Cell(memory.text, f"estimate; {format_bytes(peak)} measured there")
    return (
        _latency_tile(report, winner),
        Tile(
            "Memory",
            memory.text,
            memory.note,
            *_limit(report, "max_memory_bytes", cost.memory_bytes, cost.memory_bytes),
        ),
        Tile(
            "File size",
            format_bytes(size),
            _ratio(size, teacher.size_bytes, "smaller", "larger"),
            *_limit(report, "max_size_bytes", size, size),
        ),
        Tile(
            "Parameters",
            format_count(cost.params),
            _ratio(cost.params, teacher.params, "fewer", "more"),
            *_limit(report, "max_params", cost.params, cost.params),
        ),
    )


def _latency_tile(report: Report, winner: Winner) -> Tile:
    found = board_measurement(winner)
    if found is not None and found.is_device and found.valid:
        value = Cell(milliseconds(found.p50_ms), f"median, measured on {report.device_name}")
        bar = _limit(report, "max_latency_ms", found.p50_ms, found.p50_ms)
        return Tile("Latency", value.text, value.note, *bar)
    cell = latency_cell(winner.cost)
    interval = winner.cost.latency_interval_ms
    note = f"on {report.device_name}, {cell.note}"
    if interval is None:
        return Tile("Latency", cell.text, note)
    return Tile(
        "Latency", cell.text, note, *_limit(report, "max_latency_ms", interval[1], interval[2])
    )


def _peak_memory(winner: Winner) -> int | None:
    found = board_measurement(winner)
    return found.peak_memory_bytes if found is not None and found.is_device else None


def _limit(report: Report, name: str, value: float, upper: float) -> tuple[Bar | None, str]:
    limit: float | None = getattr(report.limits, name)
    if limit is None:
        return None, "no limit"
    bar = Bar(value / limit, upper / limit)
    share = f"{100 * bar.used:.0f} %" if bar.used >= 0.01 else "below 1 %"
    end = f", up to {100 * bar.upper:.0f} %" if bar.upper > bar.used + 0.005 else ""
    return bar, f"{share}{end} of the limit, {limit_value(name, limit)}"


def _bar(name: str, score: float) -> tuple[str, float, str]:
    return name, round(100 * score, 2), percent(score)


def _best_so_far(report: Report) -> AccuracyTile | None:
    trials = [t for t in report.trials if has_result(t) and t.candidate.origin not in COMPARED]
    if not trials:
        return None
    best = max(trials, key=lambda trial: (trial.rung, trial.accuracy))
    label = "Accuracy, validation" if report.data.labelled else "Agreement with the teacher"
    bars = [_bar("Best so far", best.accuracy)]
    if report.data.labelled and report.teacher.validation_accuracy is not None:
        bars.append(_bar("Teacher", report.teacher.validation_accuracy))
    is_full = best.rung == report.full_rung
    length = "at full length" if is_full else f"rung {best.rung}, not at full length"
    note = f"trial {best.trial_id}, {length}"
    return AccuracyTile(label, percent(best.accuracy), note, tuple(bars))


def _ratio(student: float, teacher: float | None, fewer: str, more: str) -> str:
    if teacher is None:
        return "the teacher's are not counted"
    if student == teacher:
        return "as the teacher's"
    factor = max(student, teacher) / min(student, teacher)
    text = f"{factor:.3g}" if factor < 1000 else f"{factor:,.0f}"
    return f"{text} times {fewer if student < teacher else more} than the teacher's"

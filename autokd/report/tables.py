"""The tables of a report as cells of text."""

from dataclasses import dataclass

from autokd.core.cost import Cost
from autokd.core.results import Report, Winner
from autokd.core.trial import DistillParams, Trial
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
    test_cell,
    validation_cell,
    whole,
)

NO_ESTIMATE = "estimated for students only"
EMPTY = Cell("")  # where no value makes sense, which is not the same as a missing one
_TEACHING = ("Loss", "Temperature", "Alpha")  # of `_teaching`


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of a limit is used, as fractions of it.

    Attributes:
        used: At the value itself.
        upper: At the upper end of its interval, which is what must keep the limit.
    """

    used: float
    upper: float

    @property
    def over(self) -> bool:
        """Whether the limit is exceeded."""
        return self.upper > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row of student against teacher."""

    label: str
    student: Cell
    teacher: Cell
    limit: Cell = EMPTY
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A head and its rows, all of one length."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def compare_with_teacher(report: Report, winner: Winner) -> tuple[Comparison, ...]:
    """Give the winner beside the teacher and the limits, one row for each property."""
    return (*_accuracies(report, winner), *_costs(report, winner), _measured(report, winner))


def winners_table(report: Report) -> Table:
    """Give one row a winner, the best first."""
    head = (
        "Rank",
        "Trial",
        "Accuracy, validation",
        "Accuracy, test",
        "Agreement with the teacher",
        "Parameters",
        "File size",
        "Memory, estimate",
        f"Latency on {report.device_name}, estimate",
        f"p50 measured {measured_where(report, report.winners[0].measurement)}",
        *_TEACHING,
        "Epochs",
    )
    return Table(head, tuple(_winner_row(report, winner) for winner in report.winners))


def trials_table(report: Report) -> Table:
    """Give one row a trial, in the order in which they were asked for."""
    score = "Accuracy, validation" if report.data.labelled else "Agreement with the teacher"
    head = (
        "Trial",
        "State",
        "Rung",
        score,
        "Parameters",
        "Memory, estimate",
        "Latency",
        "Use of the limits",
        "Operator",
        "Input",
        *_TEACHING,
        "Proposed by",
    )
    return Table(head, tuple(_trial_row(report, trial) for trial in report.trials))


def feasibility_table(report: Report) -> Table:
    """Give one row a limit: its value, how many drawn members keep it, the nearest of them."""
    rows = tuple(
        (
            Cell(LIMIT_NAMES.get(row.limit, row.limit)),
            Cell(limit_value(row.limit, row.value)),
            Cell(f"{whole(row.fitting)} of {whole(report.feasibility.drawn)}"),
            Cell(limit_value(row.limit, row.nearest)),
        )
        for row in report.feasibility.limits
    )
    return Table(("Limit", "Value", "Members that fit", "Smallest cost found"), rows)


def failures_table(report: Report) -> Table:
    """Give one row a failed trial."""
    rows = tuple(
        (
            Cell(str(trial.trial_id)),
            Cell(str(trial.failure.rung)),
            Cell(trial.failure.kind),
            Cell(trial.failure.message),
        )
        for trial in report.trials
        if trial.failure is not None
    )
    return Table(("Trial", "Rung", "Kind", "Message"), rows)


def _accuracies(report: Report, winner: Winner) -> list[Comparison]:
    teacher = report.teacher
    rows = [
        Comparison(
            "Accuracy, validation",
            validation_cell(report, winner.validation_accuracy),
            validation_cell(report, teacher.validation_accuracy),
        ),
        Comparison(
            "Accuracy, test",
            test_cell(report, winner.test_accuracy),
            test_cell(report, teacher.test_accuracy),
        ),
    ]
    if not report.data.labelled:
        agreement = Cell(percent(winner.validation_agreement))
        itself = Cell(DASH, "it would be compared with itself")
        rows.append(Comparison("Agreement with the teacher, validation", agreement, itself))
    return rows


def _costs(report: Report, winner: Winner) -> list[Comparison]:
    teacher, cost, size = report.teacher, winner.cost, winner.file_bytes
    uncounted = Cell(DASH, "not counted for this kind of file")
    return [
        Comparison(
            "Parameters",
            Cell(whole(cost.params)),
            uncounted if teacher.params is None else Cell(whole(teacher.params)),
            *_limit(report, "max_params", cost.params, cost.params),
        ),
        Comparison(
            "File size",
            Cell(format_bytes(size)),
            Cell(format_bytes(teacher.size_bytes)),
            *_limit(report, "max_size_bytes", size, size),
        ),
        Comparison(
            "Multiply-accumulates an image",
            Cell(whole(cost.macs)),
            uncounted if teacher.macs is None else Cell(whole(teacher.macs)),
        ),
        Comparison(
            f"Memory on {report.device_name}",
            Cell(format_bytes(cost.memory_bytes), "estimate"),
            Cell(DASH, NO_ESTIMATE),
            *_limit(report, "max_memory_bytes", cost.memory_bytes, cost.memory_bytes),
        ),
        Comparison(
            f"Latency on {report.device_name}",
            latency_cell(cost),
            Cell(DASH, NO_ESTIMATE),
            *_latency_limit(report, cost),
        ),
    ]


def _measured(report: Report, winner: Winner) -> Comparison:
    where = measured_where(report, winner.measurement)
    return Comparison(
        f"Latency measured {where}",
        measured_cell(winner.measurement),
        Cell(DASH, "not measured"),
    )


def _latency_limit(report: Report, cost: Cost) -> tuple[Cell, Bar | None]:
    if cost.latency_interval_ms is None:  # then there is no limit either
        return Cell(DASH, "no limit"), None
    _, middle, high = cost.latency_interval_ms
    return _limit(report, "max_latency_ms", middle, high)


def _limit(report: Report, name: str, value: float, upper: float) -> tuple[Cell, Bar | None]:
    limit: float | None = getattr(report.limits, name)
    if limit is None:
        return Cell(DASH, "no limit"), None
    note = "kept by the upper end" if name == "max_latency_ms" and upper <= limit else ""
    if upper > limit:
        note = "exceeded"
    return Cell(limit_value(name, limit), note), Bar(value / limit, upper / limit)


def _winner_row(report: Report, winner: Winner) -> tuple[Cell, ...]:
    return (
        Cell(str(winner.rank)),
        Cell(str(winner.trial_id)),
        validation_cell(report, winner.validation_accuracy),
        test_cell(report, winner.test_accuracy),
        Cell(percent(winner.validation_agreement)),
        Cell(whole(winner.cost.params)),
        Cell(format_bytes(winner.file_bytes)),
        Cell(format_bytes(winner.cost.memory_bytes)),
        latency_cell(winner.cost),
        measured_cell(winner.measurement),
        *_teaching(winner.distill),
        Cell(f"{winner.epochs:.1f}"),
    )


def _trial_row(report: Report, trial: Trial) -> tuple[Cell, ...]:
    candidate = trial.candidate
    cost, family = candidate.cost, candidate.family
    missing = Cell(DASH, "failed" if trial.failure else "no rung was finished")
    return (
        Cell(str(trial.trial_id)),
        Cell(trial.state.value),
        Cell(str(trial.rung)) if trial.observations else missing,
        missing if trial.failure or not trial.observations else Cell(percent(trial.accuracy)),
        Cell(whole(cost.params)),
        Cell(format_bytes(cost.memory_bytes)),
        latency_cell(cost),
        Cell(percent(report.limits.utilisation(cost))),
        Cell(family.block),
        Cell(f"{family.input_px} px"),
        *_teaching(candidate.distill),
        Cell(candidate.origin),
    )


def _teaching(distill: DistillParams) -> tuple[Cell, ...]:
    return Cell(distill.loss), Cell(f"{distill.temperature:.2f}"), Cell(f"{distill.alpha:.2f}")

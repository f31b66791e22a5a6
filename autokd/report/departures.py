"""Where the best student departs from its teacher: class by class, and image by image."""

import base64
import math
import struct
from dataclasses import dataclass
from pathlib import Path

from autokd.core.departures import ClassScore
from autokd.core.results import Report, Winner
from autokd.report.axes import Axis, make_axis
from autokd.report.cells import DASH, Cell, percent, whole
from autokd.report.tables import Table

FIRST_CLASSES = 8
FEW_CLASSES = 12
# Of the strip as a file. The whole page is to stay below 1.5 MB as a mail attachment.
LARGEST_STRIP_BYTES = 900_000
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class; ``student`` and ``teacher`` are percent of its images.

    Attributes:
        change: In points, a loss below zero.
        may_be_chance: Whether two standard errors of the difference are more than it.
    """

    name: str
    images: int
    student: float
    teacher: float
    change: float
    may_be_chance: bool
    confused_with: str


@dataclass(frozen=True, slots=True)
class ClassFigure:
    """Classes as pairs of points.

    Attributes:
        rows: All classes where there are few, else those that lost most.
        caption: Which those are.
        sentence: On all classes.
        places: Student and teacher of each row on the axis, in percent.
    """

    axis: Axis
    rows: tuple[ClassRow, ...]
    places: tuple[tuple[float, float], ...]
    caption: str
    sentence: str
    is_all: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """Images where student and teacher differ.

    Attributes:
        data: The PNG with all of them side by side, in base64.
        captions: For each image its class, what the student takes it for and what the teacher does.
    """

    data: str
    image_px: int
    captions: tuple[tuple[str | None, str, str], ...]
    sentence: str


def class_figure(winner: Winner | None) -> ClassFigure | None:
    """Give the classes that lost most; None for images without labels."""
    every = class_rows(winner)
    if not every:
        return None
    is_all = len(every) <= FEW_CLASSES
    rows = every if is_all else tuple(row for row in every if row.change < 0)[:FIRST_CLASSES]
    caption = "All classes, the one that lost most first."
    if not is_all:
        caption = "The classes that lost most. Of many classes some lose much by chance alone."
    values = [value for row in rows for value in (row.student, row.teacher)]
    axis = make_axis("right", values, lambda value: f"{value:g} %", zero=False)
    places = tuple((axis.place(row.student), axis.place(row.teacher)) for row in rows)
    return ClassFigure(axis, rows, places, caption, classes_sentence(every), is_all)


def class_rows(winner: Winner | None) -> tuple[ClassRow, ...]:
    """Give one row a class that has images, the one that lost most against the teacher first."""
    scores = [score for score in (winner.classes if winner else ()) if score.images]
    return tuple(sorted(map(_class_row, scores), key=lambda row: (row.change, row.student)))


def classes_sentence(rows: tuple[ClassRow, ...]) -> str:
    """Say on how many classes the student is behind, level and ahead, and what may be chance."""
    if not rows:
        return ""
    behind = sum(row.change < 0 for row in rows)
    ahead = sum(row.change > 0 for row in rows)
    level = len(rows) - behind - ahead
    sure = sum(row.change < 0 and not row.may_be_chance for row in rows)
    most, least = max(row.images for row in rows), min(row.images for row in rows)
    images = f"{least} to {most}" if most > least else f"{most}"
    if sure:
        verdict = f"{sure} of the losses {'is' if sure == 1 else 'are'} more than chance explains"
    else:
        verdict = "no loss is more than chance explains" if behind else "there is no loss"
    return (
        f"Of {len(rows)} classes the student is behind the teacher on {behind}, level on {level} "
        f"and ahead on {ahead}; with {images} validation images a class {verdict}."
    )


def classes_table(winner: Winner | None) -> Table:
    """Give one row a class, in their order."""
    head = ("Class", "Images", "Student", "Teacher", "Change", "Most often taken for")
    scores = winner.classes if winner else ()
    return Table(head, tuple(map(_table_row, scores)))


def read_strip(report: Report, folder: Path | None) -> Strip | None:
    """Give the strip of the best student from the run ``folder``.

    None where there is none, or where its file is not what the results say: a picture is no reason
    to lose a report.
    """
    found = report.winners[0].strip if report.winners else None
    if found is None or folder is None or not found.images:
        return None
    try:
        data = (folder / found.file).read_bytes()
    except (OSError, ValueError):
        return None
    size = (found.image_px * len(found.images), found.image_px)
    if len(data) > LARGEST_STRIP_BYTES or _png_size(data) != size:
        return None
    share = found.differing / found.validation_images
    return Strip(
        base64.b64encode(data).decode("ascii"),
        found.image_px,
        tuple((one.label, one.student, one.teacher) for one in found.images),
        f"Student and teacher name {whole(found.differing)} of {whole(found.validation_images)} "
        f"validation images differently ({percent(share)}). These are the ones of which the "
        "student is most certain, those first where the teacher is right.",
    )


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Give width and height of a PNG; None for anything else."""
    if data[:8] != _PNG or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _class_row(score: ClassScore) -> ClassRow:
    student, teacher = (n / score.images for n in (score.student_right, score.teacher_right))
    noise = 2 * math.sqrt(sum(p * (1 - p) for p in (student, teacher)) / score.images)
    return ClassRow(
        score.name,
        score.images,
        round(100 * student, 2),
        round(100 * teacher, 2),
        round(100 * (student - teacher), 2),
        abs(student - teacher) <= noise,
        score.confused_with or "",
    )


def _table_row(score: ClassScore) -> tuple[Cell, ...]:
    if not score.images:
        none = Cell(DASH, "no validation image")
        return (Cell(score.name), Cell("0"), none, none, none, Cell(DASH))
    row = _class_row(score)
    change = f"{row.change:+.2f}".replace("-", "−")  # noqa: RUF001 - a minus, as wide as a plus
    return (
        Cell(row.name),
        Cell(whole(row.images)),
        Cell(f"{row.student:.2f} %"),
        Cell(f"{row.teacher:.2f} %"),
        Cell(f"{change} points", "may be chance" if row.change and row.may_be_chance else ""),
        Cell(row.confused_with or DASH),
    )

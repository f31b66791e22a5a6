"""Whether the table is sane: numbers that say what there is to be found in it, and how noisy it is.

Accuracies are those on validation images. Students whose training failed are left out.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from tools.table.rows import Row, TableSetup

FloatArray = NDArray[np.float64]

# The students that a search is after.
BEST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Variance:
    """Of accuracy, by the table's own families.

    Attributes:
        families: How many had all their members.
        between: Variance of the families' expected accuracy; below 0 when there is less of it than
            noise.
        within: Variance between members of one family.
    """

    families: int
    between: float
    within: float

    @property
    def intraclass(self) -> float:
        """Share of the variance that the family explains."""
        return self.between / (self.between + self.within)


@dataclass(frozen=True, slots=True)
class Gain:
    """Of accuracy by the teacher: students less their twins.

    Attributes:
        pairs: How many there are.
        mean: Of the differences.
        standard_error: Of that mean.
    """

    pairs: int
    mean: float
    standard_error: float


def describe_table(setup: TableSetup, rows: Sequence[Row]) -> Iterator[str]:
    """Give the figures as lines of text."""
    whole = [row for row in rows if row.failure is None]
    students = [row for row in whole if row.origin != "twin"]
    twins = len(whole) - len(students)
    failed = len(rows) - len(whole)
    yield f"{len(rows)} rows: {len(students)} students, {twins} twins, {failed} failed"
    if len(students) < 3:
        yield "too few students for figures"
        return
    yield from _describe_accuracy(setup, students)
    yield from _describe_rungs(setup, students)
    groups = member_groups(rows, setup.design.members)
    if len(groups) > 1:
        for rung in (*range(0, setup.design.rungs - 1, 3), setup.design.rungs - 1):
            found = family_variance(groups[:, :, rung])
            yield (
                f"rung {rung}: standard deviation between {found.families} families "
                f"{math.sqrt(max(found.between, 0)):.2%}, within {math.sqrt(found.within):.2%}, "
                f"intraclass correlation {found.intraclass:.2f}"
            )
    pairs = twin_pairs(rows)
    if len(pairs) > 1:
        for rung in (*range(0, setup.design.rungs - 1, 3), setup.design.rungs - 1):
            gain = twin_gain(pairs[:, :, rung])
            yield (
                f"rung {rung}: the teacher adds {gain.mean:+.2%} "
                f"(standard error {gain.standard_error:.2%}, {gain.pairs} pairs)"
            )


def accuracies(rows: Sequence[Row]) -> FloatArray:
    """Give accuracies, (rows, rungs)."""
    return np.array([[rung.accuracy for rung in row.rungs] for row in rows])


def rank_correlation(first: FloatArray, second: FloatArray) -> float:
    """Give Spearman's coefficient; NaN when one side never changes."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(spearmanr(first, second).statistic)


def family_variance(groups: FloatArray) -> Variance:
    """Estimate variances from accuracies (families, members) by one-way analysis of variance.

    The mean square between families is expected to be ``within + members * between``.
    """
    families, members = groups.shape
    means = groups.mean(axis=1)
    within = float(((groups - means[:, None]) ** 2).sum() / (families * (members - 1)))
    of_means = float(((means - means.mean()) ** 2).sum() * members / (families - 1))
    return Variance(families, (of_means - within) / members, within)


def twin_gain(pairs: FloatArray) -> Gain:
    """Compare students with their twins, accuracies (pairs, 2)."""
    gained = pairs[:, 0] - pairs[:, 1]
    error = float(gained.std(ddof=1) / math.sqrt(len(gained)))
    return Gain(len(gained), float(gained.mean()), error)


def member_groups(rows: Sequence[Row], members: int) -> FloatArray:
    """Give accuracies (families, members, rungs) of the families whose members are all there."""
    by_family: dict[int, list[Row]] = {}
    for row in rows:
        if row.origin != "twin" and row.failure is None:
            by_family.setdefault(row.family_number, []).append(row)
    full = [group for group in by_family.values() if len(group) == members > 1]
    return np.array([accuracies(group) for group in full])


def twin_pairs(rows: Sequence[Row]) -> FloatArray:
    """Give accuracies (pairs, 2, rungs) of students and their twins where both are there."""
    students = {
        row.family_number: row
        for row in rows
        if row.origin != "twin" and row.member == 0 and row.failure is None
    }
    pairs = [
        (students[row.family_number], row)
        for row in rows
        if row.origin == "twin" and row.failure is None and row.family_number in students
    ]
    return np.array([accuracies(pair) for pair in pairs])


def share_of_best_that_are_fast(scores: FloatArray, images: FloatArray) -> float:
    """Give the share of the best students that belong to the faster half.

    Args:
        scores: Accuracies, (n,).
        images: Images seen in the same time, (n,); faster are those above the median.

    Returns:
        About 0.5 when speed says nothing about accuracy.
    """
    best = np.argsort(-scores, kind="stable")[: max(1, round(BEST_SHARE * len(scores)))]
    return float((images > np.median(images))[best].mean())


def _describe_accuracy(setup: TableSetup, students: Sequence[Row]) -> Iterator[str]:
    last = accuracies(students)[:, -1]
    test = np.array([row.test_accuracy for row in students], dtype=np.float64)
    low, middle, high = np.quantile(last, [0.0, 0.5, 1.0])
    yield f"validation accuracy {low:.2%} to {high:.2%}, median {middle:.2%}"
    # How well the two agree is all that is said of test images: figures steer work on the search.
    yield f"validation against test images: Spearman {rank_correlation(last, test):.3f}"
    yield (
        f"teacher: {setup.teacher_validation_accuracy:.2%} on validation images, which it was "
        f"trained on, and {setup.teacher_test_accuracy:.2%} on test images"
    )
    meant = setup.design.full_seconds
    taken = [sum(rung.train_seconds for rung in row.rungs) for row in students]
    yield (
        f"full length {meant:g} s; all rungs of a student took {np.median(taken):.1f} s by median, "
        f"{max(taken):.1f} s at most; pace fitted to {setup.pace.relative_error:.1%}"
    )


def _describe_rungs(setup: TableSetup, students: Sequence[Row]) -> Iterator[str]:
    scores = accuracies(students)
    images = np.array([row.rungs[-1].images for row in students], dtype=np.float64)
    known = {
        "log MACs": np.log([row.macs for row in students]),
        "log params": np.log([row.params for row in students]),
        "input px": np.array([row.family.input_px for row in students], dtype=np.float64),
        "alpha": np.array([row.distill.alpha for row in students]),
        "log T": np.log([row.distill.temperature for row in students]),
    }
    yield (
        f"rung  share  median  with last  {'  '.join(known)}  faster half's share of the best "
        f"{BEST_SHARE:.0%}"
    )
    for rung, share in enumerate(setup.design.lengths):
        here = scores[:, rung]
        with_known = "  ".join(
            f"{rank_correlation(here, values):{len(name)}.2f}" for name, values in known.items()
        )
        yield (
            f"{rung:4d}  {share:.3f}  {np.median(here):6.2%}  "
            f"{rank_correlation(here, scores[:, -1]):9.2f}  {with_known}  "
            f"{share_of_best_that_are_fast(here, images):.2f}"
        )

"""The report of a race: races.md, which holds one table of all that was raced, and two figures."""

from collections.abc import Callable, Mapping
from pathlib import Path

from autokd.core.codec import write_atomically
from autokd.errors import ConfigError
from tools.race.comparable import Field
from tools.race.comparisons import compare
from tools.race.figure import draw
from tools.race.regret_curves import Clock, Panel, panel_of
from tools.race.report_text import report_text
from tools.race.standings import RANDOM, judge_table
from tools.race.tables import Table

REFERENCE = "autokd"
REPORT_FILE = "races.md"
FIGURE_FILES: Mapping[Clock, str] = {
    "evaluations": "regret-evaluations.svg",
    "full trainings": "regret-seconds.svg",
}
_EFFORTS: Mapping[Clock, str] = {
    "evaluations": "evaluations, trials begun",
    "full trainings": "simulated training seconds, in full trainings of a mean feasible row",
}
_AFTER = 100


def write_report(
    field: Field, load: Callable[[str], Table], folder: Path, *, reference: str, after: int | None
) -> None:
    """Judge all runs of a file, and write what came out.

    Args:
        field: The runs.
        load: Gives a table by its name; each is asked for once.
        folder: Made if need be; files in it that are called as those of a report are replaced.
        reference: Strategy that all others are compared with.
        after: Evaluations of random search whose result the others are timed to; 100, or all that
            the runs have if fewer, when None.

    Raises:
        ConfigError: Nobody ran the reference, or runs are shorter than ``after``.
        DataError: Runs were not made on the tables as they are now.
        StorageError: A file cannot be written.
    """
    if reference not in field.strategies:
        there = ", ".join(field.strategies)
        msg = f"{field.path}: has no runs of {reference}; --against one of {there}."
        raise ConfigError(msg)
    cap = field.caps.get(RANDOM, field.rules.evaluations)
    after = min(_AFTER, cap) if after is None else after
    if not 1 <= after <= cap:
        msg = (
            f"--after {after}: the runs of random search in {field.path} have {cap} evaluations; "
            f"give 1 to {cap}."
        )
        raise ConfigError(msg)
    judged, panels = [], {clock: list[Panel]() for clock in FIGURE_FILES}
    for name in field.tables:
        table = load(name)
        runs = field.runs_on(table)
        standings = judge_table(table, runs, after=after)
        judged.append((standings, compare(standings, reference)))
        for clock, found in panels.items():
            found.append(panel_of(table, runs, clock))
    folder.mkdir(parents=True, exist_ok=True)
    for clock, file in FIGURE_FILES.items():
        figure = draw(
            panels[clock],
            strategies=field.strategies,
            reference=reference,
            effort=_EFFORTS[clock],
            title=f"Regret against {_EFFORTS[clock]}, {len(judged)} tables",
        )
        write_atomically(folder / file, figure)
    text = report_text(
        judged,
        rules=field.rules,
        caps=field.caps,
        reference=reference,
        after=after,
        figures=(FIGURE_FILES["evaluations"], FIGURE_FILES["full trainings"]),
    )
    write_atomically(folder / REPORT_FILE, text)

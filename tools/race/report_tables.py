"""The tables of races.md."""

from collections.abc import Mapping, Sequence

import numpy as np

from tools.race.cells import NONE, OPEN, bounded_text, number_text, ratio_text
from tools.race.comparisons import Comparison, best_peer, by_merit, overall
from tools.race.judge import TOP_SHARE
from tools.race.ratios import Bounded, Ratio, geometric_mean, middle_of
from tools.race.standings import LAST_SUGGESTIONS, Measure, Standing, TableStandings, area_ends

Judged = Sequence[tuple[TableStandings, Mapping[str, Comparison]]]

TOP = f"{100 * TOP_SHARE:g} %"
_MEASURES: tuple[Measure, ...] = ("evaluations", "seconds")


def overall_table(judged: Judged, *, reference: str, after: int) -> str:
    """Give a row for each strategy, the reference first."""
    names = {standing.strategy for table, _ in judged for standing in table.standings}
    head = ["strategy", "tables"]
    for measure in _MEASURES:
        head += [f"{measure}, ratio to {reference}", "better / level / worse"]
    rows = []
    for name in sorted(names, key=lambda name: (name != reference, name)):
        found = [comparisons[name] for _, comparisons in judged if name in comparisons]
        row = [name, f"{len(found)}"]
        for measure in _MEASURES:
            ratios = [ratio for c in found if (ratio := c.ratio(measure))]
            row += ["1", NONE] if name == reference else _overall_cells(ratios)
        for measure in _MEASURES:
            random = [ratio for c in found if (ratio := c.to_random(measure))]
            row.append(_mean_cell(geometric_mean(random)) if random else NONE)
        rows.append(row)
    head.append(f"times fewer than random, to its best after {after}")
    return _markdown([*head, "the same in seconds"], rows)


def best_peers_table(judged: Judged, *, reference: str) -> str:
    """Name the best of the others on each table, and say whether it is ahead of the reference."""
    words = {"above": "better", "level": "level", "below": "**worse**"}
    head = ["table"]
    for measure in _MEASURES:
        head += [f"best peer in {measure}", f"ratio to {reference}", f"{reference} is"]
    rows, behind = [], []
    for table, comparisons in judged:
        row = [table.table]
        for measure in _MEASURES:
            best = best_peer(table, comparisons, reference=reference, measure=measure)
            if best is None:
                row += [NONE] * 3
                continue
            row += [best.strategy, ratio_text(best.ratio), words[best.ratio.side]]
            if best.ratio.side == "below":
                behind.append(f"{table.table} in {measure}")
        rows.append(row)
    found = ", ".join(behind) if behind else "no table"
    return (
        f"{_markdown(head, rows)}\n\nBy more than the interval {reference} is worse than the best "
        f"peer on: {found}."
    )


def standings_table(judged: Judged, *, reference: str, after: int) -> str:
    """Give the one table of all tables and strategies, the reference first, then by median."""
    ends = area_ends(max(s.cap for table, _ in judged for s in table.standings))
    head = (
        "table",
        "strategy",
        "runs",
        f"evaluations to the top {TOP}",
        "missed",
        f"ratio to {reference}",
        f"training seconds to the top {TOP}",
        f"ratio to {reference}",
        f"evaluations to random's best after {after}",
        "times fewer than random",
        "the same in seconds",
        *(f"area after {end}" for end in ends),
        "area at the end",
        "CPU s a suggestion",
        f"the last {LAST_SUGGESTIONS}",
    )
    rows = []
    for table, comparisons in judged:
        for standing in by_merit(table, reference):
            compared = comparisons[standing.strategy]
            is_reference = standing.strategy == reference
            rows.append(
                (
                    table.table,
                    standing.strategy,
                    f"{len(standing.seeds)}",
                    bounded_text(standing.evaluations.median()),
                    f"{standing.missed:.0%}",
                    _ratio_cell(compared.evaluations, to_itself=is_reference),
                    bounded_text(standing.seconds.median()),
                    _ratio_cell(compared.seconds, to_itself=is_reference),
                    _like_random_cell(standing),
                    _ratio_cell(compared.random),
                    _ratio_cell(compared.random_seconds),
                    *(_area_cell(standing, end) for end in (*ends, standing.cap)),
                    number_text(standing.suggestion_seconds),
                    number_text(standing.last_suggestion_seconds),
                )
            )
    return _markdown(head, rows)


def tables_table(judged: Judged, after: int) -> str:
    """Say what was searched, a row for each table."""
    head = (
        "table",
        "rows",
        "within limits",
        "rows to find",
        "regret of the last of them",
        "lengths",
        "full training, s",
        f"regret of random's best after {after}",
    )
    rows = [
        (
            table.table,
            f"{table.rows:,}",
            f"{table.feasible_rows:,}",
            f"{table.top_rows}",
            f"{table.top_regret:.3f}",
            f"{table.lengths}",
            number_text(table.full_seconds),
            NONE if table.random_regret is None else f"{table.random_regret:.3f}",
        )
        for table, _ in judged
    ]
    return _markdown(head, rows)


def _ratio_cell(ratio: Ratio | None, *, to_itself: bool = False) -> str:
    if to_itself:
        return "1"
    return NONE if ratio is None else ratio_text(ratio)


def _like_random_cell(standing: Standing) -> str:
    waits = standing.like_random
    return bounded_text(waits[middle_of(len(waits))].median()) if waits else NONE


def _area_cell(standing: Standing, end: int) -> str:
    """Give the area after ``end`` evaluations; a dash where its runs were shorter."""
    if end not in standing.areas:
        return NONE
    low, middle, high = np.quantile(standing.areas[end], [0.25, 0.5, 0.75])
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _overall_cells(ratios: Sequence[Ratio]) -> list[str]:
    if not ratios:
        return [NONE, NONE]
    found = overall(ratios)
    return [_mean_cell(found.mean), f"{found.better} / {found.level} / {found.worse}"]


def _mean_cell(mean: Bounded) -> str:
    """Give a mean; where tables leave it open on both sides, with misses at the cap."""
    text = bounded_text(mean)
    return f"{text}; {number_text(mean.counted)} at the cap" if text == OPEN else text


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

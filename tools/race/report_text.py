"""What races.md says, in Markdown."""

from collections.abc import Mapping

from tools.race.ratios import CONFIDENCE
from tools.race.report_tables import (
    TOP,
    Judged,
    best_peers_table,
    overall_table,
    standings_table,
    tables_table,
)
from tools.race.standings import LAST_SUGGESTIONS
from tools.race.traces import Rules

_TEMPLATE = """\
# Races

{rules}
{seeds}

![Regret against evaluations]({evaluations_figure})

![Regret against simulated training seconds]({seconds_figure})

Regret of the recommended row: its distance to the best feasible row in true score, over that of the
median feasible row; before the first recommendation, that of the worst. Lines are medians over
seeds and end where half of the runs had ended. Bands are quartiles; where there are many strategies
only {reference} has one. Dots: the last row of the top {top}. What is off the scale stands at its
end, and so does a regret of 0.

## Over all tables

{overall}

Geometric means of the ratios below: above 1, {reference} needs less. Where misses leave one open it
is also given as if they had arrived at the cap. Then on how many tables a strategy is better, level
or worse than {reference}, by the interval.

## Best peers

{best_peers}

The best of many is partly lucky, so its interval flatters it.

## All tables and strategies

{standings}

- Evaluations and seconds: medians until a row of the top {top} in true score is first recommended.
  A miss counts as the cap of its strategy. Where it decides the median, only a bound is known, by
  what the runs had spent: at least, at most, or neither (open). Who is best is told by what all
  had time for.
- Ratios: of two medians, with a bootstrap interval of {confidence}; above 1, {reference} needs
  less.
- Random's best after {after}: the true score that half of its runs recommend after so many
  evaluations. How many times fewer the others need is {after} over their median, with an interval
  in which random's runs are drawn anew as well. In seconds it is what half of random's runs had
  spent by then, over the others' median.
- Area: the hypervolume of true score and use of the tightest limit, of all rows trained in full, as
  a share of what the rows of the table have; median and quartiles. Tables without limits have none.
- `autokd-` and a part that is taken away or changed: the default strategy so, which is nobody's
  peer.
- CPU seconds of a suggestion: median over new trials, and over the last {last} of each run.

## Tables

{tables}
"""


def report_text(
    judged: Judged,
    *,
    rules: Rules,
    caps: Mapping[str, int],
    reference: str,
    after: int,
    figures: tuple[str, str],
) -> str:
    """Give the whole text.

    Args:
        judged: Each table with its comparisons, one at least.
        rules: Of all runs, with the fewest evaluations that a strategy had.
        caps: Evaluations by the strategy.
        reference: Strategy that all others are compared with.
        after: Evaluations of random search whose result the others are timed to.
        figures: Files beside the text: against evaluations, and against seconds.
    """
    evaluations_figure, seconds_figure = figures
    return _TEMPLATE.format(
        rules=rules_line(rules, caps),
        seeds=seeds_line(judged, reference),
        evaluations_figure=evaluations_figure,
        seconds_figure=seconds_figure,
        reference=reference,
        top=TOP,
        overall=overall_table(judged, reference=reference, after=after),
        best_peers=best_peers_table(judged, reference=reference),
        standings=standings_table(judged, reference=reference, after=after),
        confidence=f"{CONFIDENCE:.0%}",
        after=after,
        last=LAST_SUGGESTIONS,
        tables=tables_table(judged, after),
    )


def rules_line(rules: Rules, caps: Mapping[str, int]) -> str:
    """Say under which rules the runs were made, and who was let run longer."""
    free = (
        "**Infeasible proposals are free**: limits are checked before training, so that a proposal "
        "that breaks them neither counts nor costs."
        if rules.free_infeasible
        else "**Infeasible proposals are paid for**: a proposal that breaks the limits is an "
        "evaluation of score 0."
    )
    also = "" if rules.full_trainings is None else f", {rules.full_trainings:g} full trainings"
    longer = ", ".join(
        f"{cap:,} of {name}" for name, cap in sorted(caps.items()) if cap > rules.evaluations
    )
    but = f" ({longer})" if longer else ""
    return f"{free} Caps of a run: {rules.evaluations:,} evaluations{but}{also}."


def seeds_line(judged: Judged, reference: str) -> str:
    """Say which seeds were run, and who ran others."""
    first = next(s for table, _ in judged for s in table.standings if s.strategy == reference).seeds
    others = [
        f"{standing.strategy} on {table.table} ({len(standing.seeds)})"
        for table, _ in judged
        for standing in table.standings
        if standing.seeds != first
    ]
    span = f"{first[0]} to {first[-1]} ({len(first)} runs)"
    if others:
        return f"**Not all had the same seeds**: {span}, but {', '.join(others)}."
    return f"Seeds of all: {span}."

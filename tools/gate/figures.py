"""Rates of alarms with their intervals, as lines of a table."""

from collections.abc import Sequence
from statistics import median, quantiles

import scipy.stats

from autokd.core.comparison import Outcome
from tools.gate.days import Day, Kind

HEAD = (
    "| what | days | failed | 95 % interval | too noisy to tell | change found, median | "
    "seconds a day, median (p90) |"
)
RULE = "|---|---:|---:|---:|---:|---:|---:|"
NAMES: dict[Kind, str] = {"same": "the same model", "slower": "a slower model"}


def table(days: Sequence[Day]) -> str:
    """Give one line a kind of day."""
    lines = [HEAD, RULE]
    for kind, name in NAMES.items():
        chosen = [day for day in days if day.kind == kind]
        if chosen:
            lines.append(row(name, chosen))
    return "\n".join(lines)


def row(name: str, days: Sequence[Day]) -> str:
    """Give one line of the table."""
    failed, invalid = (count(days, outcome) for outcome in ("failed", "invalid"))
    low, high = binomial_interval(failed, len(days))
    seconds = [day.seconds for day in days]
    took = "replayed"
    if any(seconds):
        tail = quantiles(seconds, n=10)[-1] if len(seconds) > 1 else seconds[0]
        took = f"{median(seconds):.1f} ({tail:.1f})"
    change = median(day.change[0] for day in days)
    return (
        f"| {name} | {len(days)} | {failed} ({failed / len(days):.1%}) | {low:.1%} to {high:.1%} | "
        f"{invalid} ({invalid / len(days):.1%}) | {change:+.1%} | {took} |"
    )


def count(days: Sequence[Day], outcome: Outcome) -> int:
    """Give the number of days that ended so."""
    return sum(day.outcome == outcome for day in days)


def binomial_interval(hits: int, tries: int, confidence: float = 0.95) -> tuple[float, float]:
    """Give the exact interval of a proportion, of Clopper and Pearson 1934."""
    found = scipy.stats.binomtest(hits, tries).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)

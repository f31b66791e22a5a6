"""How the strategies of a race compare with one of them, on each table and over all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.race.ablations import ABLATIONS
from tools.race.ratios import (
    Bounded,
    Ratio,
    Waits,
    geometric_mean,
    ratio_of_medians,
    ratio_to_effort,
)
from tools.race.standings import RANDOM, Measure, Standing, TableStandings


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One strategy on one table.

    Attributes:
        evaluations: Its median until arrival over the reference's; None where that did not race.
        seconds: The same of simulated training seconds.
        random: Evaluations that random search had, over those that this strategy needs to be as
            good as half of random's runs: how many times fewer. None where random did not race,
            and for random itself.
        random_seconds: The same of simulated training seconds, of which half of random's runs had
            spent more and half less.
    """

    evaluations: Ratio | None
    seconds: Ratio | None
    random: Ratio | None
    random_seconds: Ratio | None

    def to_random(self, measure: Measure) -> Ratio | None:
        """Give how many times less than random search it needs by a measure."""
        return self.random if measure == "evaluations" else self.random_seconds

    def ratio(self, measure: Measure) -> Ratio | None:
        """Give the ratio to the reference by a measure."""
        return self.evaluations if measure == "evaluations" else self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """One strategy over the tables where it and the reference raced, by one measure.

    Attributes:
        mean: Geometric, of its ratios to the reference.
        better: On how many tables the interval lies below 1: it needs less than the reference.
        level: On how many it holds 1.
        worse: On how many it lies above.
    """

    mean: Bounded
    better: int
    level: int
    worse: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPeer:
    """The best of the others on a table, by one measure, with its ratio to the reference."""

    strategy: str
    ratio: Ratio


def compare(table: TableStandings, reference: str) -> Mapping[str, Comparison]:
    """Give the comparison of each strategy on a table, by its name."""
    base = table.of(reference)
    return {
        standing.strategy: Comparison(
            evaluations=_ratio(standing.evaluations, base.evaluations if base else None),
            seconds=_ratio(standing.seconds, base.seconds if base else None),
            random=_to_random(standing, table.random_after, standing.like_random),
            random_seconds=_to_random(
                standing, table.random_after_seconds, standing.like_random_seconds
            ),
        )
        for standing in table.standings
    }


def overall(ratios: Sequence[Ratio]) -> Overall:
    """Sum up the ratios of one strategy, one of each table, one at least."""
    sides = [ratio.side for ratio in ratios]
    return Overall(
        mean=geometric_mean(ratios),
        better=sides.count("below"),
        level=sides.count("level"),
        worse=sides.count("above"),
    )


def by_merit(table: TableStandings, reference: str) -> list[Standing]:
    """Give the reference, then the others by their medians of evaluations."""

    def key(standing: Standing) -> tuple[bool, tuple[float, float, float]]:
        return standing.strategy != reference, _rank(table, standing, "evaluations")

    return sorted(table.standings, key=key)


def best_peer(
    table: TableStandings,
    comparisons: Mapping[str, Comparison],
    *,
    reference: str,
    measure: Measure,
) -> BestPeer | None:
    """Give the other that needed least by a measure; None where nobody compares.

    The default strategy without one of its parts is no peer of it.
    """
    taken = {reference, *ABLATIONS}
    peers = [standing for standing in table.standings if standing.strategy not in taken]
    if not peers or table.of(reference) is None:
        return None
    best = min(peers, key=lambda standing: _rank(table, standing, measure))
    ratio = comparisons[best.strategy].ratio(measure)
    assert ratio is not None, best.strategy
    return BestPeer(strategy=best.strategy, ratio=ratio)


def _ratio(above: Waits, below: Waits | None) -> Ratio | None:
    return None if below is None else ratio_of_medians(above, below)


def _to_random(standing: Standing, effort: float, waits: Sequence[Waits]) -> Ratio | None:
    return ratio_to_effort(effort, waits) if waits and standing.strategy != RANDOM else None


def _rank(
    table: TableStandings, standing: Standing, measure: Measure
) -> tuple[float, float, float]:
    """Order strategies; between equal medians, as of misses, fewer misses and less regret count.

    Only what the shortest runs could have seen counts, or those that ran longer would be behind.
    """
    end = table.shortest if measure == "evaluations" else table.shortest_seconds
    waits = standing.waits(measure)
    missed = float((waits.most > end).mean())
    return min(waits.median().counted, end), missed, standing.final_regret

"""Who proposes the candidate of the next trial."""

from collections.abc import Callable, Mapping

from autokd.core.config import StrategyName
from autokd.search.strategies.bayes import AutoKDStrategy
from autokd.search.strategies.bohb import BohbStrategy
from autokd.search.strategies.chance import AshaStrategy, RandomStrategy
from autokd.search.strategies.evolution import EvolutionStrategy
from autokd.search.strategies.protocol import Strategy

__all__ = [
    "STRATEGIES",
    "AshaStrategy",
    "AutoKDStrategy",
    "BohbStrategy",
    "EvolutionStrategy",
    "RandomStrategy",
    "Strategy",
]

STRATEGIES: Mapping[StrategyName, Callable[..., Strategy]] = {
    "autokd": AutoKDStrategy,
    "bohb": BohbStrategy,
    "asha": AshaStrategy,
    "evolution": EvolutionStrategy,
    "random": RandomStrategy,
}
"""By name; each is called with (space, *, seed, ladder)."""

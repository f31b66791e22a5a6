"""Who proposes the candidate of the next trial."""

from collections.abc import Mapping

from autokd.search.strategies.bayes import AutoKDStrategy
from autokd.search.strategies.bohb import BohbStrategy
from autokd.search.strategies.chance import AshaStrategy, RandomStrategy
from autokd.search.strategies.evolution import EvolutionStrategy
from autokd.search.strategies.guarded import MakeStrategy, plugin_strategy
from autokd.search.strategies.protocol import Strategy

__all__ = [
    "STRATEGIES",
    "AshaStrategy",
    "AutoKDStrategy",
    "BohbStrategy",
    "EvolutionStrategy",
    "RandomStrategy",
    "Strategy",
    "strategy_named",
]

STRATEGIES: Mapping[str, MakeStrategy] = {
    "autokd": AutoKDStrategy,
    "bohb": BohbStrategy,
    "asha": AshaStrategy,
    "evolution": EvolutionStrategy,
    "random": RandomStrategy,
}
"""By name; each is called with (space, *, seed, ladder)."""


def strategy_named(name: str) -> MakeStrategy:
    """Give what makes the strategy of a name, shipped or of a plug-in.

    Raises:
        PluginError: There is none, or it cannot be imported.
    """
    return STRATEGIES.get(name) or plugin_strategy(name)

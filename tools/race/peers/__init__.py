"""Other searchers that race on a table: their libraries are imported when one is made."""

from collections.abc import Callable, Mapping
from functools import partial

from tools.race.peers.ax_peer import AxClient
from tools.race.peers.library_peer import LibraryPeer
from tools.race.peers.optuna_peers import (
    OptunaGp,
    OptunaHyperband,
    OptunaNsga2,
    OptunaNsga2Front,
    OptunaTpe,
)
from tools.race.peers.policy_gradient import UNTUNED, PolicyGradient
from tools.race.peers.smac_peer import SmacHyperband, SmacPeer
from tools.race.peers.syne_tune_peer import SyneTuneBohb

__all__ = ["NEED_LENGTHS", "PEERS"]

PEERS: Mapping[str, Callable[..., PolicyGradient | LibraryPeer]] = {
    "reinforce": PolicyGradient,
    "reinforce-untuned": partial(PolicyGradient, settings=UNTUNED),
    "optuna-tpe": OptunaTpe,
    "optuna-gp": OptunaGp,
    "optuna-nsga2": OptunaNsga2,
    "optuna-nsga2-front": OptunaNsga2Front,
    "optuna-hyperband": OptunaHyperband,
    "smac": SmacPeer,
    "smac-hyperband": SmacHyperband,
    "syne-tune-bohb": SyneTuneBohb,
    "ax": AxClient,
}
"""By name; each is called with (table, *, seed, free_infeasible)."""

NEED_LENGTHS = frozenset({"optuna-hyperband", "smac-hyperband"})
"""Those that raise ConfigError on a table of one length."""

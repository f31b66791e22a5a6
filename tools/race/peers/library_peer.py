"""What the peers that come from a library share: rejected asks, and a library that is missing."""

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from autokd.core.seeds import derive_seed
from tools.race.peers.rows import Rows
from tools.race.tables import Table

_LIBRARY_SEEDS = 2**31  # some libraries take no larger ones


def load_library(module: str, *, install: str) -> Any:
    """Import ``module``; it has no types for us.

    Raises:
        SystemExit: It cannot be imported; the message names what to install from PyPI.
    """
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        msg = f"this peer needs {module!r} ({fault}); install it: pip install {install}"
        raise SystemExit(msg) from fault


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a library wants to try.

    Attributes:
        handle: The library's own record of it.
        values: As `Rows.values` writes them.
        length_index: How long it is to be trained.
    """

    handle: Any
    values: tuple[float, ...]
    length_index: int


class LibraryPeer(ABC):
    """Asks a library until it names a row that may be tried, and tells it what came of that.

    Where infeasible asks are free, a row over the limits is told to the library, or hidden from it,
    before any evaluation is counted, as somebody would do who computes the cost before training.
    A library that finds none in ``TRIES`` is helped with a random feasible row.

    Where a row is only the nearest to what was asked, the library is told the row that was
    evaluated, wherever it lets us.
    """

    TRIES: ClassVar[int] = 50

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None:
        self.rows = Rows(table)
        self.last = len(table.lengths) - 1
        self.free_infeasible = free_infeasible
        self.library_seed = derive_seed(seed, "peer") % _LIBRARY_SEEDS
        # The ladder of the table in the steps that libraries count: 1, eta, eta^2, ...
        ratio = table.lengths[-1] / table.lengths[0]
        self.eta = max(2, round(ratio ** (1 / self.last))) if self.last else 3
        self._rng = np.random.default_rng(derive_seed(seed, "fallback"))
        self._worst: float | None = None
        self._paid: set[int] = set()
        self._out: tuple[int, int, Proposal | None] | None = None

    def ask(self) -> tuple[int, int]:
        """Give the row to evaluate next and the index of its length."""
        assert self._out is None, "ask before tell"
        for _ in range(self.TRIES):
            proposal = self.propose()
            if proposal is None:
                break
            place = self.rows.nearest(proposal.values)
            if self.rows.feasible[place] or not self._is_known_infeasible(place, proposal):
                return self._hand_out(place, proposal.length_index, proposal)
            self.refuse(proposal, place)
        return self._hand_out(self.rows.random_feasible(self._rng), self.last, None)

    def tell(self, place: int, length_index: int, score: float, seconds: float) -> None:  # noqa: ARG002 - none of these models time
        """Learn the score of what was asked; that of an infeasible row is not looked at."""
        assert self._out is not None, "tell before ask"
        *asked, proposal = self._out
        assert asked == [place, length_index], f"{asked} was asked"
        self._out = None
        if not self.rows.feasible[place]:
            self._paid.add(place)
            if proposal is not None:
                self.learn(proposal, place, None)
            return
        if score > 0.0:  # else training diverged, which is no measurement
            self._worst = score if self._worst is None else min(self._worst, score)
        if proposal is not None:
            self.learn(proposal, place, score or self.worst)

    @property
    def worst(self) -> float:
        """The lowest score so far of what was feasible and did not diverge, 0 before the first.

        Libraries that want a score of other rows get this one: a 0 far below all others would bend
        a model that is fitted to it.
        """
        return self._worst if self._worst is not None else 0.0

    @abstractmethod
    def propose(self) -> Proposal | None:
        """Ask the library; None when it has nothing more to propose."""

    @abstractmethod
    def learn(self, proposal: Proposal, place: int, score: float | None) -> None:
        """Tell the library what came of ``place``; ``score`` is None when it is infeasible."""

    def refuse(self, proposal: Proposal, place: int) -> None:
        """Tell the library that ``place`` is infeasible, which cost nothing."""
        self.learn(proposal, place, None)

    def _is_known_infeasible(self, place: int, proposal: Proposal) -> bool:
        """Whether an infeasible row need not be paid for.

        Once paid for, it is not trained for longer, whatever the library's brackets say.
        """
        return self.free_infeasible or (proposal.length_index > 0 and place in self._paid)

    def _hand_out(self, place: int, length: int, proposal: Proposal | None) -> tuple[int, int]:
        self._out = place, length, proposal
        return place, length

"""Peers from SMAC3: random forest with expected improvement, alone and in Hyperband.

References:
    [SMAC3]: M. Lindauer et al. SMAC3: A Versatile Bayesian Optimization Package for Hyperparameter
        Optimization. JMLR 23, 2022. arXiv:2109.09831. Written against version 2.4.
"""

import logging
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autokd.errors import ConfigError
from tools.race.peers.library_peer import LibraryPeer, Proposal, load_library
from tools.race.tables import Table

# Bounds the first design to a quarter of it, by SMAC's own rule; SMAC would ask beyond it.
PLANNED_TRIALS = 100


class SmacPeer(LibraryPeer):
    """The facade for hyper-parameters, retrained after every result.

    SMAC knows no constraints. Where infeasible asks are free, they are forbidden in its space, so
    that it never draws one; else they get the worst feasible score so far. A row that is only the
    nearest is told as it was asked: SMAC waits for results of what it asked.
    """

    facade = "HyperparameterOptimizationFacade"

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None:
        super().__init__(table, seed=seed, free_infeasible=free_infeasible)
        self._smac = load_library("smac", install="smac")
        logging.getLogger("smac").setLevel(logging.ERROR)
        folder = Path(tempfile.mkdtemp(prefix="race-smac-"))  # its settings are written, always
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        facade = getattr(self._smac, self.facade)
        scenario = self._smac.Scenario(
            self._space(),
            deterministic=True,
            n_trials=PLANNED_TRIALS,
            seed=self.library_seed,
            output_directory=folder,
            **self.budgets(),
        )
        model = facade.get_model(scenario)
        # Left at all cores, ten small trees wait for threads for most of the time; facades have no
        # argument for it.
        model._rf_opts["n_jobs"] = 1
        self._optimizer = facade(
            scenario,
            model=model,
            logging_level=False,
            overwrite=True,
            **self.parts(facade, scenario),
        )

    def budgets(self) -> dict[str, float]:
        """Give what the scenario is told of lengths: nothing."""
        return {}

    def parts(self, facade: Any, scenario: Any) -> dict[str, Any]:
        """Give the parts of the facade that are not left at their defaults."""
        # One worker: there is no reason to ask eight times of the same model, the default.
        return {"config_selector": facade.get_config_selector(scenario, retrain_after=1)}

    def length_index(self, info: Any) -> int:  # noqa: ARG002 - all trials are alike here
        """Give the index of the length that SMAC asks for."""
        return self.last

    def propose(self) -> Proposal | None:
        """Ask for a trial; None when SMAC has seen the whole space."""
        faults = load_library("smac.main.exceptions", install="smac")
        try:
            info = self._optimizer.ask()
        except (StopIteration, faults.ConfigurationSpaceExhaustedException):
            return None
        return Proposal(info, self.rows.from_named(info.config), self.length_index(info))

    def learn(self, proposal: Proposal, place: int, score: float | None) -> None:  # noqa: ARG002 - see the class
        """Tell a cost; time is not modelled."""
        cost = 1.0 - (self.worst if score is None else score)
        value = self._smac.runhistory.TrialValue(cost=cost, time=0.0)
        self._optimizer.tell(proposal.handle, value, save=False)

    def _space(self) -> Any:
        library = load_library("ConfigSpace", install="ConfigSpace")
        space = library.ConfigurationSpace(seed=self.library_seed)
        made = self.rows.parameters(
            choice=lambda name, count: library.Categorical(name, list(range(count))),
            integer=lambda name, count: library.Integer(name, (0, count - 1)),
            real=lambda name: library.Float(name, (0.0, 1.0)),
        )
        parameters = list(made.values())
        space.add(parameters)
        if self.free_infeasible and not self.rows.feasible.all():
            space.add(_forbidden(library, parameters, self._is_infeasible))
        return space

    def _is_infeasible(self, values: Mapping[str, Any]) -> bool:
        return not self.rows.feasible[self.rows.nearest(self.rows.from_named(values))]


class SmacHyperband(SmacPeer):
    """The multi-fidelity facade: Hyperband with the random forest.

    Raises:
        ConfigError: The table has one length alone.
    """

    facade = "MultiFidelityFacade"

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None:
        if len(table.lengths) < 2:
            msg = f"{table.name}: has one length, there are no rungs; take smac"
            raise ConfigError(msg)
        super().__init__(table, seed=seed, free_infeasible=free_infeasible)

    def budgets(self) -> dict[str, float]:
        """Give the shortest and the longest length, in steps of the ladder's factor."""
        # A little below one: the logarithm of an exact power can round down, and a bracket would
        # be lost. The budgets themselves are divided down from the largest.
        return {"min_budget": 0.999, "max_budget": float(self.eta**self.last)}

    def parts(self, facade: Any, scenario: Any) -> dict[str, Any]:
        """Give the ladder's factor; a bracket is drawn at once, so retraining stays as it is."""
        return {"intensifier": facade.get_intensifier(scenario, eta=self.eta)}

    def length_index(self, info: Any) -> int:
        """Give the index of the length that SMAC asks for."""
        return round(float(np.log(info.budget) / np.log(self.eta)))


def _forbidden(
    library: Any, parameters: list[Any], is_infeasible: Callable[[Mapping[str, Any]], bool]
) -> Any:
    """Make one clause of ConfigSpace that forbids what ``is_infeasible`` says.

    A clause for each infeasible row would take minutes, and ConfigSpace has none that calls a
    function. It writes clauses down by their exact class, so one of its own gets other answers.
    """
    # The parts only name the parameters. ConfigSpace would merge parts that say "equals".
    clause = library.ForbiddenAndConjunction(
        *(library.ForbiddenInClause(part, [part.default_value]) for part in parameters)
    )

    def is_forbidden_vector(vector: Any) -> bool:
        # A vector holds the number of a choice and a real number of the unit interval as they are;
        # asking for their values, ten thousand times for a suggestion, takes seconds.
        return is_infeasible(
            {
                part.hyperparameter.name: part.hyperparameter.to_value(vector[part.vector_id])
                if isinstance(part.hyperparameter, library.UniformIntegerHyperparameter)
                else vector[part.vector_id]
                for part in clause.components
            }
        )

    def is_forbidden_vector_array(columns: Any) -> Any:  # (parameters, configurations)
        return np.array([is_forbidden_vector(column) for column in columns.T], dtype=bool)

    clause.is_forbidden_value = is_infeasible
    clause.is_forbidden_vector = is_forbidden_vector
    clause.is_forbidden_vector_array = is_forbidden_vector_array
    return clause

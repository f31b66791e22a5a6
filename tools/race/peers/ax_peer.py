"""A peer from Ax: Bayesian optimisation with BoTorch as its makers set it up.

References:
    [Ax]: M. Olson et al. Ax: A Platform for Adaptive Experimentation. AutoML 2025. Written against
        version 1.3.1.
"""

import logging

from tools.race.peers.library_peer import LibraryPeer, Proposal, load_library
from tools.race.tables import Table

INSTALL = "ax-platform"


class AxClient(LibraryPeer):
    """The client with its default strategy; the excess over each limit is a modelled constraint.

    Of an infeasible row Ax is told the excess and no score, as it allows.
    """

    TRIES = 20  # each takes a second or two

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None:
        super().__init__(table, seed=seed, free_infeasible=free_infeasible)
        configs = load_library("ax.api.configs", install=INSTALL)
        client = load_library("ax.api.client", install=INSTALL)
        for handler in logging.getLogger("ax").handlers:  # its loggers have levels of their own
            handler.setLevel(logging.ERROR)
        self._client = client.Client(random_seed=self.library_seed)
        made = self.rows.parameters(
            choice=lambda name, count: configs.ChoiceParameterConfig(
                name=name, values=list(range(count)), parameter_type="int", is_ordered=False
            ),
            integer=lambda name, count: configs.RangeParameterConfig(
                name=name, bounds=(0, count - 1), parameter_type="int"
            ),
            real=lambda name: configs.RangeParameterConfig(
                name=name, bounds=(0.0, 1.0), parameter_type="float"
            ),
        )
        self._client.configure_experiment(parameters=list(made.values()))
        self._client.configure_optimization(
            objective="score", outcome_constraints=[f"{name} <= 0" for name in self.rows.limits]
        )
        self._client.configure_generation_strategy(
            initialization_random_seed=self.library_seed,
            # Else it stops when the first points are all infeasible, without a score to go on.
            allow_exceeding_initialization_budget=True,
        )

    def propose(self) -> Proposal | None:
        """Ask for one trial."""
        trials = self._client.get_next_trials(max_trials=1)
        for index, parameters in trials.items():
            return Proposal(index, self.rows.from_named(parameters), self.last)
        return None

    def learn(self, proposal: Proposal, place: int, score: float | None) -> None:
        """Complete the trial, or in its place one of the row that was evaluated."""
        index = proposal.handle
        if self.rows.values(place) != proposal.values:
            self._client.mark_trial_abandoned(index)
            index = self._client.attach_trial(self.rows.named(place))
        data: dict[str, float] = self.rows.violations(place)
        if score is not None:
            data["score"] = score
        self._client.complete_trial(index, raw_data=data)

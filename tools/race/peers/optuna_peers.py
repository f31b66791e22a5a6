"""Peers from Optuna: TPE, its own Gaussian process, NSGA-II, and TPE with Hyperband as pruner.

References:
    [Optuna]: T. Akiba et al. Optuna: A Next-generation Hyperparameter Optimization Framework.
        arXiv:1907.10902. Written against version 5.0.0, where constraints are set on a trial.
"""

from typing import Any, ClassVar

from autokd.errors import ConfigError
from tools.race.peers.library_peer import LibraryPeer, Proposal, load_library
from tools.race.tables import Table

POPULATION = 20  # the default of 50 is half of a short race
SCORE = "maximize"
USE = "minimize"


class OptunaPeer(LibraryPeer):
    """A study of the score, all limits as constraints, and a sampler that a subclass names.

    An infeasible trial gets the lowest feasible score so far: TPE and NSGA-II look at its excess
    alone, the Gaussian process wants both.
    """

    directions: ClassVar[tuple[str, ...]] = (SCORE,)

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None:
        super().__init__(table, seed=seed, free_infeasible=free_infeasible)
        self.optuna = load_library("optuna", install="optuna")
        self.optuna.logging.set_verbosity(self.optuna.logging.ERROR)
        kinds = self.optuna.distributions
        self._distributions = self.rows.parameters(
            choice=lambda _, count: kinds.CategoricalDistribution(range(count)),
            integer=lambda _, count: kinds.IntDistribution(0, count - 1),
            real=lambda _: kinds.FloatDistribution(0.0, 1.0),
        )
        self.study = self.optuna.create_study(
            # The pruner of Hyperband hashes the name to choose a bracket; left open, it is random.
            study_name=f"race-{seed}",
            directions=self.directions,
            sampler=self.sampler(),
            pruner=self.pruner(),
        )

    def sampler(self) -> Any:
        """Make the sampler: here TPE as it comes."""
        return self.optuna.samplers.TPESampler(seed=self.library_seed)

    def pruner(self) -> Any:
        """Make the pruner: here none."""
        return self.optuna.pruners.NopPruner()

    def propose(self) -> Proposal | None:
        """Start a trial at full length."""
        return self.start(self.last)

    def start(self, length_index: int) -> Proposal:
        """Start a trial."""
        trial = self.study.ask(self._distributions)
        return Proposal(trial, self.rows.from_named(trial.params), length_index)

    def learn(self, proposal: Proposal, place: int, score: float | None) -> None:
        """Complete the trial."""
        self.describe(proposal.handle, place)
        values = self.objectives(place, self.worst if score is None else score)
        self.study.tell(proposal.handle, values)

    def objectives(self, place: int, score: float) -> list[float]:  # noqa: ARG002 - for both
        """Give what the study is told of a row, in the order of `directions`."""
        return [score]

    def describe(self, trial: Any, place: int) -> None:
        """Write the row that was evaluated, and its excess over the limits, into the trial."""
        for name, value in self.rows.named(place).items():
            kind = self._distributions[name]
            # A trial is moved by its storage alone: `Trial.suggest_float` never answers anew, and
            # `Study.add_trial` would lose the generation that NSGA-II notes.
            trial.storage.set_trial_param(trial._trial_id, name, kind.to_internal_repr(value), kind)
        for name, excess in self.rows.violations(place).items():
            trial.set_constraint(name, excess)


class OptunaTpe(OptunaPeer):
    """Tree-structured Parzen estimator; since 5.0 multivariate by default."""


class OptunaGp(OptunaPeer):
    """Gaussian process with constrained log expected improvement; wants torch."""

    TRIES = 30  # each takes up to a second

    def sampler(self) -> Any:
        """Make the sampler."""
        return self.optuna.samplers.GPSampler(seed=self.library_seed)


class OptunaNsga2(OptunaPeer):
    """NSGA-II with one objective: a genetic algorithm with constrained domination."""

    def sampler(self) -> Any:
        """Make the sampler."""
        return self.optuna.samplers.NSGAIISampler(
            population_size=POPULATION, seed=self.library_seed
        )


class OptunaNsga2Front(OptunaNsga2):
    """NSGA-II with two objectives, the score and the use of the tightest limit.

    It searches the front that `tools.race.judge.hypervolume` measures. Use is known of every row;
    without limits it is 0 of all, which leaves one objective.
    """

    directions = (SCORE, USE)

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None:
        super().__init__(table, seed=seed, free_infeasible=free_infeasible)
        self._use = table.use

    def objectives(self, place: int, score: float) -> list[float]:
        """Give both."""
        return [score, float(self._use[place])]


class OptunaHyperband(OptunaPeer):
    """TPE with the Hyperband pruner, which stops a trial early but resumes none.

    Steps are powers of the ladder's factor, so that rungs and the table's lengths are the same.

    Raises:
        ConfigError: The table has one length alone.
    """

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None:
        if len(table.lengths) < 2:
            msg = f"{table.name}: has one length, there is nothing to prune; take optuna-tpe"
            raise ConfigError(msg)
        super().__init__(table, seed=seed, free_infeasible=free_infeasible)
        self._going_on: Proposal | None = None

    def pruner(self) -> Any:
        """Make the pruner, with one bracket for each length."""
        return self.optuna.pruners.HyperbandPruner(
            min_resource=1,
            # One more than the last step: the logarithm of an exact power can round down, and a
            # bracket would be lost.
            max_resource=self.eta**self.last + 1,
            reduction_factor=self.eta,
        )

    def propose(self) -> Proposal | None:
        """Go on with a trial that is not pruned, else start one at the shortest length."""
        going_on, self._going_on = self._going_on, None
        return going_on or self.start(0)

    def learn(self, proposal: Proposal, place: int, score: float | None) -> None:
        """Report, and prune or go on."""
        trial, length = proposal.handle, proposal.length_index
        pruned = self.optuna.trial.TrialState.PRUNED
        if length == 0:
            self.describe(trial, place)
        if score is None:
            # Without a report it takes no part in a rung, where it would let others pass.
            self.study.tell(trial, state=pruned)
            return
        trial.report(score, step=self.eta**length)
        if length == self.last:
            self.study.tell(trial, score)
        elif trial.should_prune():
            self.study.tell(trial, state=pruned)
        else:
            self._going_on = Proposal(trial, proposal.values, length + 1)

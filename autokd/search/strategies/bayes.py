"""The default strategy: one Gaussian process for accuracy, cost known exactly."""

from collections.abc import Sequence

import numpy as np

from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Observation, Trial
from autokd.search.events import in_flight
from autokd.search.pool import FloatArray, Member, Pool, Space, random_candidate
from autokd.search.rungs import Ladder

# Fewer results than this say nothing about the length scales of a surrogate.
_MIN_ROWS = 4
# The cost of a fit grows with the cube of its rows.
_MAX_ROWS = 200


class AutoKDStrategy:
    """Bayesian optimisation of accuracy and of the use of the tightest limit.

    The first trials are spread evenly. Then a Gaussian process learns the accuracy on the last rung
    from all results on all rungs (a rung is ``eta`` times as long as the one below, so its number
    is the logarithm of its length), and the member of a pool with the largest expected hypervolume
    improvement is proposed. Trials that still run count as if they had given what is expected of
    them. Where the process cannot be fitted, a random candidate is proposed.
    """

    def __init__(self, space: Space, *, seed: int, ladder: Ladder) -> None:
        self._space = space
        self._seed = seed
        self.ladder = ladder
        self._pool = Pool(space, seed=seed)
        self._initial_trials = max(8, space.dimension // 2)

    def first_rung(self, trial_id: int) -> int:  # noqa: ARG002 - the same for all
        """Start every trial on the lowest rung."""
        return 0

    def propose(self, trials: Sequence[Trial], *, trial_id: int) -> Candidate:
        """Give the candidate of trial ``trial_id``, knowing ``trials``.

        Raises:
            InfeasibleError: No candidate meets the limits.
        """
        seed = derive_seed(self._seed, "random", trial_id)
        if trial_id < self._initial_trials:
            candidate = self._pool.initial(trial_id, design=self._initial_trials)
            return candidate or random_candidate(self._space, seed, origin="random")
        if sum(len(_results(t)) for t in trials) < _MIN_ROWS:
            return random_candidate(self._space, seed, origin="random")
        from autokd.search.surrogate import FIT_ERRORS  # brings torch

        try:
            chosen = self._choose(trials, trial_id)
        except FIT_ERRORS:
            chosen = None
        return chosen or random_candidate(self._space, seed, origin="fallback")

    def _choose(self, trials: Sequence[Trial], trial_id: int) -> Candidate | None:
        """Give the best of the pool; None when the pool is empty."""
        from autokd.search.acquisition import log_ehvi, staircase
        from autokd.search.surrogate import fit_surrogate, rank_normal

        pool = self._pool.members(trials, trial_id=trial_id)
        if not pool:
            return None
        rows = [(t, rung, score) for t in trials for rung, score in _results(t)]
        outcomes = rank_normal(np.array([score for _, _, score in rows]))
        kept = _most_telling([rung for _, rung, _ in rows])
        known, running = [t for t in trials if _results(t)], in_flight(trials)
        table = _Table(self._pool.describe(known), pool, last_rung=self.ladder.last)

        inputs = table.rows(
            self._pool.describe([rows[i][0] for i in kept]), [rows[i][1] for i in kept]
        )
        surrogate = fit_surrogate(inputs, outcomes[kept])
        if running:
            surrogate = surrogate.believing(table.at_last(self._pool.describe(running)))

        believed = list({t.trial_id: t for t in (*known, *running) if t.failure is None}.values())
        if not believed:
            return None
        mu, _ = surrogate.predict(table.at_last(self._pool.describe(believed)))
        use = np.array([self._use(t.candidate) for t in believed])
        starts, levels = staircase(mu, use, floor=float(mu.min()))
        mu, sigma = surrogate.predict(table.at_last(pool))
        use = np.array([self._use(member.candidate) for member in pool])
        gain = log_ehvi(mu, sigma, use, starts=starts, levels=levels)
        return pool[int(np.argmax(gain))].candidate

    def _use(self, candidate: Candidate) -> float:
        return self._space.limits.utilisation(candidate.cost)


class _Table:
    """Members as inputs of the surrogate: columns in 0..1, those that never vary dropped."""

    def __init__(self, known: Sequence[Member], pool: Sequence[Member], *, last_rung: int) -> None:
        seen = np.stack([m.features for m in known])
        everything = np.concatenate([seen, np.stack([m.features for m in pool])])
        self._low, self._high = everything.min(axis=0), everything.max(axis=0)
        # A column that was the same in all results says nothing about any other value.
        self._columns = np.flatnonzero(seen.max(axis=0) > seen.min(axis=0))
        self._last_rung = last_rung

    def rows(self, members: Sequence[Member], rungs: Sequence[int]) -> FloatArray:
        features = np.stack([m.features for m in members])[:, self._columns]
        low, high = self._low[self._columns], self._high[self._columns]
        scaled = (features - low) / (high - low)
        height = np.array(rungs, dtype=np.float64) / max(self._last_rung, 1)
        return np.asarray(np.clip(np.column_stack([scaled, height]), 0.0, 1.0))

    def at_last(self, members: Sequence[Member]) -> FloatArray:
        return self.rows(members, [self._last_rung] * len(members))


def _results(trial: Trial) -> list[tuple[int, float]]:
    """Give rung and accuracy of each result; a failure is a result of accuracy 0."""
    results = [_rung_and_accuracy(o) for o in trial.observations]
    if trial.failure is not None:
        results.append((trial.failure.rung, 0.0))
    return results


def _rung_and_accuracy(observation: Observation) -> tuple[int, float]:
    return observation.fidelity.rung, observation.accuracy


def _most_telling(rungs: Sequence[int]) -> list[int]:
    """Give the places of the rows to fit: those of the highest rungs, and of these the newest."""
    order = sorted(range(len(rungs)), key=lambda place: (-rungs[place], -place))
    return sorted(order[:_MAX_ROWS])

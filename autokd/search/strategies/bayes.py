"""The default strategy: one Gaussian process for accuracy, cost known exactly."""

from collections.abc import Sequence

import numpy as np

from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Trial
from autokd.search.belief import MIN_RESULTS, Belief, results_of
from autokd.search.events import in_flight
from autokd.search.pool import FloatArray, Member, Pool, Space, random_candidate
from autokd.search.ranking import by_accuracy
from autokd.search.rungs import Ladder

# Every second suggestion is for the front. When all are, too many go to small students that widen
# it where nobody asked: on NAS-Bench-201 (CIFAR-10 and ImageNet16) 57 and 44 evaluations to the top
# 0.5 % became more than 80 and 65. Elsewhere nothing changed that ten seeds could tell.
FRONT_EVERY = 2
# The best of the pool are improved step by step: rounds, and how many are stepped from.
_ROUNDS = 2
_CENTRES = 4


class AutoKDStrategy:
    """Bayesian optimisation of accuracy and of the use of the tightest limit.

    The first trials are spread evenly. Then a Gaussian process learns the accuracy on the last rung
    from all results on all rungs. Of a pool of members two are proposed in turns: the one with the
    largest expected improvement of the front, and the one with the largest expected improvement of
    the highest accuracy. Trials that still run count as if they had given what is expected of them.
    Where the process cannot be fitted, a random candidate is proposed.
    """

    def __init__(self, space: Space, *, seed: int, ladder: Ladder) -> None:
        self._space = space
        self._seed = seed
        self.ladder = ladder
        self._pool = Pool(space, seed=seed)
        self._initial_trials = max(8, space.dimension // 2)
        self._last_belief: tuple[object, Belief | None] = (None, None)  # saves time, no more

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
        if not self._has_results(trials):
            return random_candidate(self._space, seed, origin="random")
        from autokd.search.surrogate import FIT_ERRORS  # brings torch

        try:
            chosen = self._choose(trials, trial_id)
        except FIT_ERRORS:
            chosen = None
        return chosen or random_candidate(self._space, seed, origin="fallback")

    def ranking(self, trials: Sequence[Trial], rung: int) -> tuple[Trial, ...]:
        """Give the trials with a result on ``rung``, those first whose families are believed best.

        What is believed of a student leans on others like it, so one that was lucky once does not
        win by that. Without a belief it is the order by accuracy.
        """
        observed = by_accuracy(trials, rung)
        if not observed or not self._has_results(trials):
            return observed
        from autokd.search.surrogate import FIT_ERRORS  # brings torch

        try:
            mu, _ = self._belief(trials).predict(self._pool.describe(observed))
        except FIT_ERRORS:
            return observed
        return tuple(observed[place] for place in np.argsort(-mu, kind="stable"))

    def _choose(self, trials: Sequence[Trial], trial_id: int) -> Candidate | None:
        """Give the best of the pool; None when the pool is empty."""
        from autokd.search.acquisition import log_ehvi, log_ei, staircase

        pool = self._pool.members(trials, trial_id=trial_id)
        if not pool:
            return None
        running = in_flight(trials)
        belief = self._belief(trials).pretending(self._pool.describe(running))
        known = [t for t in trials if t.observations]
        believed = list({t.trial_id: t for t in (*known, *running) if t.failure is None}.values())
        if not believed:
            return None
        mu, _ = belief.predict(self._pool.describe(believed))
        use = np.array([self._use(t.candidate) for t in believed])
        starts, levels = staircase(mu, use, floor=float(mu.min()))

        def gain_of(members: Sequence[Member]) -> FloatArray:
            mu, sigma = belief.predict(members)
            if trial_id % FRONT_EVERY:
                return log_ei(mu, sigma, best=float(levels[-1]))
            use = np.array([self._use(member.candidate) for member in members])
            return log_ehvi(mu, sigma, use, starts=starts, levels=levels)

        gain = gain_of(pool)
        for number in range(_ROUNDS):
            best = [pool[place] for place in np.argsort(-gain, kind="stable")[:_CENTRES]]
            stepped = self._pool.around(best, trials, trial_id=trial_id, number=number)
            if stepped:
                pool, gain = pool + stepped, np.append(gain, gain_of(stepped))
        return pool[int(np.argmax(gain))].candidate

    def _belief(self, trials: Sequence[Trial]) -> Belief:
        """Give what the results say; the same trials are not fitted twice in a row.

        Raises:
            Any of `autokd.search.surrogate.FIT_ERRORS`: The surrogate cannot be fitted.
        """
        known = [t for t in trials if results_of(t)]
        key = tuple((t.trial_id, *results_of(t)) for t in known)
        last_key, belief = self._last_belief
        if belief is None or key != last_key:
            belief = Belief(
                known,
                self._pool.describe(known),
                reference=self._pool.reference(),
                last_rung=self.ladder.last,
            )
            self._last_belief = (key, belief)
        return belief

    def _has_results(self, trials: Sequence[Trial]) -> bool:
        return sum(len(results_of(t)) for t in trials) >= MIN_RESULTS

    def _use(self, candidate: Candidate) -> float:
        return self._space.limits.utilisation(candidate.cost)

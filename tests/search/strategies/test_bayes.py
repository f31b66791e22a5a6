import math

import numpy as np
import pytest

from autokd.core.cost import Limits
from autokd.core.trial import Trial, TrialState
from autokd.search import surrogate
from autokd.search.front import pareto_front
from autokd.search.pool import Pool
from autokd.search.rungs import Ladder
from autokd.search.strategies.bayes import AutoKDStrategy
from autokd.search.strategies.chance import AshaStrategy
from tests.search.fakes import FakeSpace, observation, trial, true_accuracy

LADDER = Ladder(rungs=2)


def seen(trial_id, candidate, rungs=1) -> Trial:
    return Trial(
        trial_id=trial_id,
        candidate=candidate,
        state=TrialState.PAUSED,
        observations=tuple(observation(r, true_accuracy(candidate, r)) for r in range(rungs)),
    )


def history(strategy, count: int) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(count):
        candidate = strategy.propose(trials, trial_id=number)
        trials.append(seen(number, candidate, rungs=1 + (number % 3 == 0)))
    return trials


@pytest.fixture(scope="module")
def ten() -> list[Trial]:
    return history(AshaStrategy(FakeSpace(), seed=5, ladder=LADDER), 10)


def test_the_first_points_are_spread_more_evenly_than_random_ones_and_all_differ() -> None:
    space = FakeSpace()
    strategy = AutoKDStrategy(space, seed=0, ladder=LADDER)
    first = [strategy.propose([], trial_id=n) for n in range(8)]
    assert {c.origin for c in first} == {"prior"}
    points = np.array([space.encode(c.family, c.distill) for c in first])
    # alpha does not decide what is feasible: eight points of the sequence leave no half empty
    assert 2 <= (points[:, 5] < 0.5).sum() <= 6
    assert len({c.member_seed for c in first}) == 8


def test_after_the_first_points_the_acquisition_chooses(ten: list[Trial]) -> None:
    strategy = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    assert strategy.propose(ten, trial_id=10).origin == "acquisition"


def test_a_trial_that_still_runs_is_not_proposed_again(ten: list[Trial]) -> None:
    strategy = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    first = strategy.propose(ten, trial_id=10)
    running = Trial(trial_id=10, candidate=first, state=TrialState.RUNNING)
    second = strategy.propose([*ten, running], trial_id=11)
    assert second.origin == "acquisition"
    # same pool but for the running trial and one block: compare what was chosen, not the pool
    assert (second.family, second.distill) != (first.family, first.distill)


def test_what_is_believed_of_running_trials_changes_the_choice(ten: list[Trial]) -> None:
    strategy = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    alone = strategy.propose(ten, trial_id=12)
    twin = alone.model_copy(update={"member_seed": alone.member_seed + 1})
    running = Trial(trial_id=11, candidate=twin, state=TrialState.ASKED)
    assert strategy.propose([*ten, running], trial_id=12) != alone


def test_with_too_few_results_a_random_candidate_is_proposed() -> None:
    strategy = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    running = [trial(n, state=TrialState.RUNNING) for n in range(8)]
    assert strategy.propose(running, trial_id=8).origin == "random"


@pytest.mark.parametrize("fault", surrogate.FIT_ERRORS)
def test_a_failed_fit_falls_back(
    fault: type[Exception], ten: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(surrogate, "fit_surrogate", fail)
    strategy = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    assert strategy.propose(ten, trial_id=10).origin == "fallback"


def test_trials_that_all_failed_or_all_score_the_same_fall_back() -> None:
    strategy = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    failed = [trial(n, failed=0) for n in range(9)]
    assert strategy.propose(failed, trial_id=9).origin == "fallback"
    same = [trial(n, 0.5) for n in range(9)]
    assert strategy.propose(same, trial_id=9).origin == "fallback"


def test_failures_push_the_choice_away(ten: list[Trial]) -> None:
    strategy = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    chosen = strategy.propose(ten, trial_id=10)
    near = [
        trial(10 + n, failed=0).model_copy(
            update={"candidate": chosen.model_copy(update={"member_seed": n})}
        )
        for n in range(4)
    ]
    again = strategy.propose([*ten, *near], trial_id=14)
    space = FakeSpace()

    def point(c):
        return space.encode(c.family, c.distill)

    assert np.linalg.norm(point(again) - point(chosen)) > 0.15


def test_it_works_without_limits_and_on_one_rung(ten: list[Trial]) -> None:
    trials = [seen(t.trial_id, t.candidate) for t in ten]
    strategy = AutoKDStrategy(FakeSpace(limits=Limits()), seed=0, ladder=Ladder(rungs=1))
    assert strategy.propose(trials, trial_id=10).origin == "acquisition"


def test_a_suggestion_draws_one_block_and_the_neighbours_not_the_whole_pool(
    ten: list[Trial],
) -> None:
    space = FakeSpace()
    pool = Pool(space, seed=0)
    size = len(pool.members(ten, trial_id=10))
    first = space.drawn
    pool.members(ten, trial_id=11)
    assert size > 256
    assert space.drawn - first < first / 2


def test_the_pool_holds_small_steps_from_the_front(ten: list[Trial]) -> None:
    space = FakeSpace()
    front = [t for t in ten if t.trial_id in pareto_front(ten, space.limits)]
    centres = [space.encode(t.candidate.family, t.candidate.distill) for t in front]
    members = Pool(space, seed=0).members(ten, trial_id=10)
    points = [space.encode(m.candidate.family, m.candidate.distill) for m in members]
    changed = [min((~np.isclose(c, p)).sum() for c in centres) for p in points]
    assert sum(c <= 2 for c in changed) >= 40


def best(strategy, count: int) -> float:
    """Give the mean of the best true accuracies within thirds of the limit."""
    trials: list[Trial] = []
    for number in range(count):
        trials.append(seen(number, strategy.propose(trials, trial_id=number)))
    space = FakeSpace()
    tops = []
    for use in (0.5, 0.75, 1.0):
        fitting = [t.accuracy for t in trials if space.limits.utilisation(t.candidate.cost) <= use]
        tops.append(max(fitting, default=0.0))
    return math.fsum(tops) / 3


def test_the_surrogate_finds_a_better_front_than_chance_does_in_twice_the_trials() -> None:
    ladder = Ladder(rungs=1)
    guided = best(AutoKDStrategy(FakeSpace(), seed=0, ladder=ladder), 26)
    chance = [best(AshaStrategy(FakeSpace(), seed=seed, ladder=ladder), 52) for seed in range(10)]
    assert guided > np.mean(chance) + np.std(chance)

import math

import numpy as np
import pytest

from autokd.core.cost import Limits
from autokd.core.trial import Trial, TrialState
from autokd.search import acquisition, surrogate
from autokd.search.front import pareto_front
from autokd.search.pool import Pool
from autokd.search.ranking import by_accuracy
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
    size = len(pool.members(ten, trial_id=20))
    first = space.drawn
    pool.members(ten, trial_id=21)
    assert size > 256
    assert space.drawn - first < first / 2


def coordinates_changed(points, centres) -> np.ndarray:
    """Give in how many coordinates each point differs from the nearest of the centres."""
    return np.array([min((~np.isclose(c, p)).sum() for c in centres) for p in points])


def points_of(space: FakeSpace, members) -> list[np.ndarray]:
    return [space.point(member.candidate) for member in members]


def test_the_pool_holds_steps_from_the_front(ten: list[Trial]) -> None:
    space = FakeSpace()
    front = [t for t in ten if t.trial_id in pareto_front(ten, space.limits)]
    centres = [space.point(t.candidate) for t in front]
    members = Pool(space, seed=0).members(ten, trial_id=10)
    assert (coordinates_changed(points_of(space, members), centres) <= 2).sum() >= 16


def test_steps_are_small_or_to_any_value_and_differ_from_round_to_round(ten: list[Trial]) -> None:
    space = FakeSpace()
    pool = Pool(space, seed=0)
    centre = pool.describe(ten[:1])
    first, second = (pool.around(centre, ten, trial_id=10, number=n) for n in (0, 1))
    old = space.point(centre[0].candidate)
    changed = coordinates_changed(points_of(space, first), [old])
    assert set(changed) <= {1, 2}
    distance = np.abs(np.array(points_of(space, first)) - old).max(axis=1)
    assert (distance < 0.2).any()
    assert (distance > 0.4).any()
    assert {m.candidate.member_seed for m in first} != {m.candidate.member_seed for m in second}


def test_a_family_that_was_tried_is_not_in_the_pool_again(ten: list[Trial]) -> None:
    pool = Pool(FakeSpace(), seed=0)
    member = pool.members(ten, trial_id=10)[0]
    other = member.candidate.model_copy(update={"member_seed": member.candidate.member_seed + 1})
    tried = seen(10, other)
    families = [m.candidate.family for m in pool.members([*ten, tried], trial_id=10)]
    assert member.candidate.family not in families


def test_other_scores_of_the_same_trials_are_another_belief(ten: list[Trial]) -> None:
    upside_down = [
        t.model_copy(
            update={
                "observations": tuple(
                    observation(o.fidelity.rung, 1 - o.accuracy) for o in t.observations
                )
            }
        )
        for t in ten
    ]
    worn = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    worn.propose(ten, trial_id=10)
    fresh = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    assert worn.propose(upside_down, trial_id=10) == fresh.propose(upside_down, trial_id=10)


def test_suggestions_go_to_the_front_and_to_the_highest_accuracy_in_turns(
    ten: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for name in ("log_ehvi", "log_ei"):
        real = getattr(acquisition, name)

        def watch(*args, name=name, real=real, **kwargs):
            asked.append(name)
            return real(*args, **kwargs)

        monkeypatch.setattr(acquisition, name, watch)
    for trial_id in (10, 11, 12):
        AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER).propose(ten, trial_id=trial_id)
    assert list(dict.fromkeys(asked[:3])) == ["log_ehvi"]
    assert [asked.count("log_ehvi"), asked.count("log_ei")] == [6, 3]


def test_a_ranking_leans_on_students_alike_and_holds_those_of_the_rung_alone(
    ten: list[Trial],
) -> None:
    strategy = AutoKDStrategy(FakeSpace(), seed=0, ladder=LADDER)
    on_last = [t for t in ten if t.rung == 1]
    ranking = strategy.ranking(ten, 1)
    assert {t.trial_id for t in ranking} == {t.trial_id for t in on_last}
    assert strategy.ranking(ten[:1], 0) == (ten[0],)  # too few results for a belief
    assert strategy.ranking([], 0) == ()
    # One bad student gets one very good result; twenty like it say that it is luck.
    bad = min(ten, key=lambda t: t.observations[0].accuracy)
    alike = [seen(20 + n, bad.candidate) for n in range(20)]
    lucky = Trial(
        trial_id=50,
        candidate=bad.candidate,
        state=TrialState.PAUSED,
        observations=(observation(0, 0.99),),
    )
    ranked = strategy.ranking([*ten, *alike, lucky], 0)
    assert by_accuracy([*ten, *alike, lucky], 0)[0] == lucky
    assert ranked[0] != lucky


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

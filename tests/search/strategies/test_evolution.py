import numpy as np

from autokd.core.trial import Trial, TrialState
from autokd.search.rungs import Ladder
from autokd.search.strategies.evolution import POPULATION, EvolutionStrategy
from tests.search.fakes import FakeSpace, observation, trial, true_accuracy

LADDER = Ladder(rungs=3)


def history(strategy, count: int) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(count):
        candidate = strategy.propose(trials, trial_id=number)
        trials.append(
            Trial(
                trial_id=number,
                candidate=candidate,
                state=TrialState.PAUSED,
                observations=(observation(2, true_accuracy(candidate, 2)),),
            )
        )
    return trials


def test_every_trial_is_trained_up_to_the_last_rung_at_once() -> None:
    strategy = EvolutionStrategy(FakeSpace(), seed=0, ladder=LADDER)
    assert {strategy.first_rung(number) for number in range(50)} == {2}


def test_after_the_first_population_a_child_differs_from_a_parent_in_one_number() -> None:
    space = FakeSpace()
    trials = history(EvolutionStrategy(space, seed=0, ladder=LADDER), POPULATION + 30)
    origins = [t.candidate.origin for t in trials]
    assert set(origins[:POPULATION]) == {"random"}
    points = np.array([space.point(t.candidate) for t in trials])
    for number in range(POPULATION, len(trials)):
        assert origins[number] == "acquisition"
        parents = points[number - POPULATION : number]
        assert (~np.isclose(parents, points[number])).sum(axis=1).min() <= 1


def test_the_oldest_die_even_when_they_are_the_best() -> None:
    strategy = EvolutionStrategy(FakeSpace(), seed=0, ladder=LADDER)
    trials = history(strategy, 2 * POPULATION)
    elite = trials[0].model_copy(update={"observations": (observation(2, 1.0),)})
    assert strategy.propose([elite, *trials[1:]], trial_id=40) == strategy.propose(
        trials, trial_id=40
    )


def test_failed_trials_are_no_parents() -> None:
    strategy = EvolutionStrategy(FakeSpace(), seed=0, ladder=LADDER)
    failed = [trial(n, failed=0) for n in range(POPULATION)]
    assert strategy.propose(failed, trial_id=POPULATION).origin == "random"


def test_it_climbs() -> None:
    for seed in range(3):
        scores = [
            t.accuracy
            for t in history(EvolutionStrategy(FakeSpace(), seed=seed, ladder=LADDER), 120)
        ]
        assert np.mean(scores[-20:]) > np.mean(scores[:20]) + 0.03

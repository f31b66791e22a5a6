import numpy as np
import pytest
from scipy import integrate

from autokd.core.trial import Trial, TrialState
from autokd.search.rungs import Ladder
from autokd.search.strategies.bohb import BohbStrategy, Density
from tests.search.fakes import FakeSpace, observation, true_accuracy

LADDER = Ladder(rungs=3, eta=2.0)


def seen(trial_id, candidate, rungs: int) -> Trial:
    return Trial(
        trial_id=trial_id,
        candidate=candidate,
        state=TrialState.PAUSED,
        observations=tuple(observation(r, true_accuracy(candidate, r)) for r in range(rungs)),
    )


def history(strategy, count: int, rungs: int) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(count):
        trials.append(seen(number, strategy.propose(trials, trial_id=number), rungs))
    return trials


def test_a_density_in_one_dimension_is_one_over_its_interval() -> None:
    points = np.array([[0.02], [0.1], [0.9], [0.5]])
    density = Density(points)
    grid = np.linspace(0, 1, 4001)[:, None]
    area = integrate.simpson(np.exp(density.log_density(grid)), x=grid[:, 0])
    assert area == pytest.approx(np.sqrt(2 * np.pi), rel=1e-6)  # the constant that is left out


def test_samples_of_a_density_lie_in_the_cube_and_near_its_points() -> None:
    points = np.array([[0.1, 0.9], [0.12, 0.88], [0.11, 0.95]])
    drawn = Density(points).sample(2000, np.random.default_rng(0))
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert np.abs(drawn - points.mean(axis=0)).mean() < 0.1


def test_equal_points_have_a_density_too() -> None:
    density = Density(np.full((4, 2), 0.5))
    near, far = density.log_density(np.array([[0.5, 0.5], [0.6, 0.5]]))
    assert np.isfinite(near)
    assert near > far


def test_trials_start_on_the_rungs_of_hyperband_s_brackets() -> None:
    """With eta 2 and three rungs: 4 on the lowest, 3 on the next, 3 on the last, and again."""
    strategy = BohbStrategy(FakeSpace(), seed=0, ladder=LADDER)
    starts = [strategy.first_rung(number) for number in range(20)]
    assert starts == [0] * 4 + [1] * 3 + [2] * 3 + [0] * 4 + [1] * 3 + [2] * 3


def test_until_there_are_results_enough_it_draws_at_random() -> None:
    strategy = BohbStrategy(FakeSpace(), seed=0, ladder=LADDER)
    fewest = 2 * (FakeSpace.dimension + 1)
    trials = history(strategy, fewest - 1, rungs=1)
    assert {t.candidate.origin for t in trials} == {"random"}
    more = history(strategy, fewest + 30, rungs=1)
    origins = [t.candidate.origin for t in more[fewest:]]
    assert 0.15 < origins.count("random") / len(origins) < 0.6  # a third on average


def test_it_learns_from_the_highest_rung_that_has_results_enough() -> None:
    strategy = BohbStrategy(FakeSpace(), seed=0, ladder=LADDER)
    low = history(strategy, 20, rungs=1)
    lying = [
        t.model_copy(update={"observations": (*t.observations, observation(1, t.trial_id / 100))})
        for t in low
    ]
    chosen = next(n for n in range(20, 40) if _from_model(strategy, low, n))
    assert strategy.propose(low, trial_id=chosen) != strategy.propose(lying, trial_id=chosen)


def test_it_finds_better_students_than_chance() -> None:
    ladder = Ladder(rungs=1)

    def best(seed: int) -> tuple[float, float]:
        trials = history(BohbStrategy(FakeSpace(), seed=seed, ladder=ladder), 60, rungs=1)
        blind = [t.accuracy for t in trials if t.candidate.origin == "random"]
        guided = [t.accuracy for t in trials if t.candidate.origin == "acquisition"]
        return float(np.mean(guided)), float(np.mean(blind))

    pairs = np.array([best(seed) for seed in range(5)])
    assert (pairs[:, 0] > pairs[:, 1]).all()


def _from_model(strategy: BohbStrategy, trials: list[Trial], trial_id: int) -> bool:
    return strategy.propose(trials, trial_id=trial_id).origin == "acquisition"

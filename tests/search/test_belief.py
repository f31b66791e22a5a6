from dataclasses import dataclass

import numpy as np
import pytest

from autokd.core.trial import Trial, TrialState
from autokd.search.belief import Belief, results_of
from autokd.search.pool import Member
from tests.search.fakes import observation, trial

ONE = trial(0).candidate


def members(points: np.ndarray) -> list[Member]:
    return [Member(ONE, point) for point in points]


def trials_of(*scores: tuple[float, ...]) -> list[Trial]:
    """Give trials with these accuracies on the rungs from 0 up."""
    return [
        Trial(
            trial_id=number,
            candidate=ONE,
            state=TrialState.PAUSED,
            observations=tuple(observation(rung, score) for rung, score in enumerate(on_rungs)),
        )
        for number, on_rungs in enumerate(scores)
    ]


@dataclass
class Line:
    """Students along a line; accuracy rises with the place and with the rung."""

    points: np.ndarray
    trials: list[Trial]

    @classmethod
    def of(cls, count: int) -> "Line":
        points = np.linspace(0.0, 1.0, count)[:, None]
        scores = [
            (0.2 + 0.1 * x, 0.4 + 0.3 * x) if k % 2 else (0.2 + 0.1 * x,)
            for k, x in enumerate(points[:, 0])
        ]
        return cls(points, trials_of(*scores))

    def belief(self, reference: np.ndarray | None = None) -> Belief:
        return Belief(
            self.trials,
            members(self.points),
            reference=members(self.points if reference is None else reference),
            last_rung=1,
        )


def test_results_are_one_for_each_rung_and_a_failure_is_one_of_nothing() -> None:
    assert results_of(trials_of((0.1, 0.4))[0]) == [(0, 0.1), (1, 0.4)]
    assert (
        results_of(trial(3, failed=1))
        == [(0, pytest.approx(results_of(trial(3, failed=1))[0][1])), (1, 0.0)][-1:]
    )
    assert results_of(trial(3, state=TrialState.RUNNING)) == []


def test_low_rungs_say_who_is_best_on_the_last() -> None:
    unseen = np.array([[0.05], [0.45], [0.95]])
    mu, _ = Line.of(12).belief().predict(members(unseen))
    assert mu[0] < mu[1] < mu[2]


def test_one_lucky_result_weighs_less_than_the_neighbours_of_another() -> None:
    line = Line.of(20)
    noisy = [
        (0.4 + 0.3 * x + (0.5 if k == 5 else 0.0) + 0.02 * (-1) ** k,)
        for k, x in enumerate(line.points[:, 0])
    ]
    line.trials = trials_of(*noisy)
    assert np.argmax([t.observations[0].accuracy for t in line.trials]) == 5
    belief = Belief(line.trials, members(line.points), reference=[], last_rung=0)
    mu, _ = belief.predict(members(line.points))
    assert np.argmax(mu) > 15


def test_a_column_that_no_result_has_moved_is_in_doubt_where_the_reference_moves_it() -> None:
    line = Line.of(10)
    line.points = np.column_stack([line.points, np.zeros(10)])
    new, old = np.array([[0.5, 1.0]]), np.array([[0.5, 0.0]])
    seen = line.belief(reference=new)
    assert seen.predict(members(new))[1] > 2 * seen.predict(members(old))[1]
    unseen = line.belief()  # nothing moves it, so it is no input at all
    assert unseen.predict(members(new))[1] == unseen.predict(members(old))[1]


def test_pretending_takes_doubt_away_where_students_run() -> None:
    belief = Line.of(8).belief()
    running = members(np.array([[0.56]]))
    _, before = belief.predict(running)
    _, after = belief.pretending(running).predict(running)
    assert after < before
    assert belief.pretending([]) is belief
    assert belief.predict(running)[1] == before  # what was believed is as it was


def test_the_units_of_a_column_do_not_matter() -> None:
    line = Line.of(10)
    unseen = np.array([[0.2], [0.7]])
    mu, sigma = line.belief().predict(members(unseen))
    line.points = 1000 * line.points - 7
    scaled_mu, scaled_sigma = line.belief().predict(members(1000 * unseen - 7))
    assert scaled_mu == pytest.approx(mu, abs=1e-6)
    assert scaled_sigma == pytest.approx(sigma, abs=1e-6)

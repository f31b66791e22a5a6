import pytest

from autokd.search.ranking import by_accuracy, in_turns
from autokd.search.rungs import Ladder, closing, promotable, ranked
from tests.search.fakes import trial


def with_images(images: int, trial_id: int, *accuracies: float, **more):
    made = trial(trial_id, *accuracies, **more)
    seen = tuple(
        o.model_copy(update={"fidelity": o.fidelity.model_copy(update={"images": images})})
        for o in made.observations
    )
    return made.model_copy(update={"observations": seen})


def ids(trials):
    return [t.trial_id for t in trials]


def test_the_order_by_accuracy_is_that_of_the_rung_whatever_came_later() -> None:
    trials = [trial(0, 0.5, 0.9), trial(1, 0.6, 0.7), trial(2, 0.6), trial(3, 0.9, failed=1)]
    assert ids(by_accuracy(trials, 0)) == [3, 1, 2, 0]
    assert ids(by_accuracy(trials, 1)) == [0, 1]


def test_the_best_of_all_and_the_best_of_the_slower_half_take_turns() -> None:
    fast = [with_images(900, n, 0.9 - n / 100) for n in range(3)]
    slow = [with_images(100, n, 0.3 - n / 100) for n in range(3, 6)]
    assert ids(in_turns(fast + slow, 0)) == [0, 3, 1, 4, 2, 5]


def test_a_slow_student_that_is_best_anyway_does_not_take_two_turns() -> None:
    order = [with_images(100, 0, 0.9), with_images(900, 1, 0.8), with_images(90, 2, 0.1)]
    order.append(with_images(900, 3, 0.05))
    assert ids(in_turns(order, 0)) == [0, 2, 1, 3]


@pytest.mark.parametrize("images", [[500] * 4, [500, 500, 500, 900]])
def test_without_a_slower_half_the_order_stays(images: list[int]) -> None:
    order = [with_images(n, i, 0.9 - i / 10) for i, n in enumerate(images)]
    assert ids(in_turns(order, 0)) == [0, 1, 2, 3]


def test_nothing_is_lost_or_doubled_and_none_is_none() -> None:
    order = [with_images(100 * (n * 7 % 5), n, 0.5) for n in range(11)]
    assert sorted(ids(in_turns(order, 0))) == list(range(11))
    assert in_turns([], 0) == ()


def test_a_slow_student_goes_on_though_all_fast_ones_are_ahead() -> None:
    ladder = Ladder(rungs=2, eta=3.0, min_last=2)
    fast = [with_images(900, n, 0.9 - n / 100) for n in range(4)]
    slow = [with_images(100, n, 0.3 - n / 100) for n in range(4, 7)]
    assert ids(promotable(fast + slow, ladder)) == [0, 4]
    assert ids(closing(fast + slow, ladder)) == [0, 4]


def test_a_failed_trial_is_behind_the_living_ones_of_both_halves() -> None:
    trials = [with_images(900, 0, 0.9), with_images(800, 1, 0.8), trial(2, failed=0)]
    trials += [with_images(90, 3, 0.1), with_images(80, 4, 0.05)]
    order = in_turns(ranked(trials, 0), 0)
    assert ids(order) == [0, 3, 1, 4, 2]

"""What every strategy keeps to; see `autokd.search.strategies.protocol`."""

import pytest

from autokd.core.trial import Trial, TrialState
from autokd.errors import InfeasibleError
from autokd.search.rungs import Ladder
from autokd.search.strategies import STRATEGIES, AshaStrategy
from tests.search.fakes import FakeSpace, observation, true_accuracy

LADDER = Ladder(rungs=2)


@pytest.fixture(scope="module")
def ten() -> list[Trial]:
    strategy = AshaStrategy(FakeSpace(), seed=5, ladder=LADDER)
    drawn = [strategy.propose([], trial_id=number) for number in range(10)]
    return [
        Trial(
            trial_id=number,
            candidate=candidate,
            state=TrialState.PAUSED,
            observations=tuple(
                observation(rung, true_accuracy(candidate, rung))
                for rung in range(1 + (number % 3 == 0))
            ),
        )
        for number, candidate in enumerate(drawn)
    ]


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_it_keeps_the_ladder_and_starts_trials_on_its_rungs(name: str) -> None:
    strategy = STRATEGIES[name](FakeSpace(), seed=3, ladder=LADDER)
    assert strategy.ladder is LADDER
    assert {strategy.first_rung(number) for number in range(30)} <= set(range(LADDER.rungs))


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_the_same_trials_and_seed_give_the_same_proposal_whatever_was_asked_before(
    name: str, ten: list[Trial]
) -> None:
    worn = STRATEGIES[name](FakeSpace(), seed=3, ladder=LADDER)
    for number in (0, 9):
        worn.propose(ten[:number], trial_id=number)
    fresh = STRATEGIES[name](FakeSpace(), seed=3, ladder=LADDER)
    assert worn.propose(ten, trial_id=10) == fresh.propose(ten, trial_id=10)
    other = STRATEGIES[name](FakeSpace(), seed=4, ladder=LADDER)
    assert worn.propose([], trial_id=0) != other.propose([], trial_id=0)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_space_without_feasible_members_is_said_to_be_one(name: str) -> None:
    strategy = STRATEGIES[name](FakeSpace(feasible=False), seed=0, ladder=LADDER)
    with pytest.raises(InfeasibleError, match=r"'max_params': 100000.*none of 2000 .*--dry-run"):
        strategy.propose([], trial_id=0)

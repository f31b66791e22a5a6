from autokd.search.rungs import Ladder
from autokd.search.strategies.chance import AshaStrategy, RandomStrategy
from tests.search.fakes import FakeSpace, trial

LADDER = Ladder(rungs=3)


def test_random_search_trains_to_the_last_rung_and_asha_climbs() -> None:
    assert RandomStrategy(FakeSpace(), seed=0, ladder=LADDER).first_rung(5) == 2
    assert AshaStrategy(FakeSpace(), seed=0, ladder=LADDER).first_rung(5) == 0


def test_both_draw_the_same_students_whatever_came_of_others() -> None:
    blind = RandomStrategy(FakeSpace(), seed=0, ladder=LADDER)
    climbing = AshaStrategy(FakeSpace(), seed=0, ladder=LADDER)
    trials = [trial(0, 0.9), trial(1, failed=0)]
    assert blind.propose([], trial_id=2) == climbing.propose(trials, trial_id=2)
    assert blind.propose([], trial_id=2) != blind.propose([], trial_id=3)

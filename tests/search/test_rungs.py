import pytest

from autokd.core.trial import TrialState
from autokd.search.rungs import Ladder, climbers_missing, closing, promotable, ranked
from tests.search.fakes import trial

LADDER = Ladder(rungs=3, eta=3.0, min_last=2)


def ids(trials):
    return [t.trial_id for t in trials]


def test_one_in_eta_of_a_rung_goes_on_and_not_before_there_are_eta() -> None:
    trials = [trial(0, 0.5), trial(1, 0.7)]
    assert promotable(trials, LADDER) == ()
    trials.append(trial(2, 0.6))
    assert ids(promotable(trials, LADDER)) == [1]
    trials += [trial(3, 0.9), trial(4, 0.1), trial(5, 0.2)]
    assert ids(promotable(trials, LADDER)) == [3, 1]


def test_equal_trials_are_ranked_by_id() -> None:
    assert ids(ranked([trial(2, 0.5), trial(0, 0.5), trial(1, 0.5)], 0)) == [0, 1, 2]


def test_a_promoted_trial_keeps_its_place_and_is_not_promoted_again() -> None:
    done = [trial(0, 0.9, 0.95), trial(1, 0.5), trial(2, 0.6)]
    assert promotable(done, LADDER) == ()
    running = [trial(0, 0.9, state=TrialState.RUNNING), trial(1, 0.5), trial(2, 0.6)]
    assert promotable(running, LADDER) == ()


def test_high_rungs_are_promoted_first() -> None:
    trials = [trial(n, 0.5 + n / 100, 0.6 + n / 100) for n in range(3)]
    trials += [trial(n, 0.9) for n in range(3, 9)]
    assert ids(promotable(trials, LADDER)) == [2, 3, 4, 5]


def test_a_rank_is_taken_at_the_rung_itself_not_at_the_highest_that_a_trial_reached() -> None:
    trials = [trial(0, 0.5, 0.99), trial(1, 0.6), trial(2, 0.7)]
    assert ids(ranked(trials, 0)) == [2, 1, 0]


def test_failed_trials_count_as_worst_on_every_rung_they_were_on() -> None:
    trials = [trial(0, 0.9, failed=1), trial(1, 0.5), trial(2, failed=0)]
    assert ids(ranked(trials, 0)) == [1, 0, 2]
    assert ids(ranked(trials, 1)) == [0]
    assert ids(promotable(trials, LADDER)) == [1]


def test_the_last_rung_promotes_nobody() -> None:
    trials = [trial(n, 0.5, 0.6, 0.7) for n in range(9)]
    assert promotable(trials, LADDER) == ()
    assert closing(trials, LADDER) == ()


def test_closing_fills_each_rung_up_to_min_last() -> None:
    trials = [trial(n, n / 10) for n in range(5)]
    assert ids(closing(trials, LADDER)) == [4, 3]
    trials[4] = trial(4, 0.4, state=TrialState.RUNNING)
    assert ids(closing(trials, LADDER)) == [3]
    trials[4], trials[3] = trial(4, 0.4, 0.5), trial(3, 0.3, 0.6)
    assert ids(closing(trials, LADDER)) == [3, 4]
    trials[4] = trial(4, 0.4, failed=1)
    assert ids(closing(trials, LADDER)) == [3, 2]


@pytest.mark.parametrize("rungs", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_closing_ends_with_the_last_rung_filled_as_far_as_trials_go(rungs: int, count: int) -> None:
    ladder = Ladder(rungs=rungs, min_last=3)
    trials = [trial(n, (n * 7 % count) / count) for n in range(count)]
    for _ in range(count * rungs):
        waiting = promotable(trials, ladder) or closing(trials, ladder)
        if not waiting:
            break
        chosen = waiting[0]
        accuracies = [o.accuracy for o in chosen.observations]
        trials[chosen.trial_id] = trial(chosen.trial_id, *accuracies, accuracies[0])
    last = [t for t in trials if t.rung == ladder.last]
    assert len(last) >= min(3, count)
    assert climbers_missing(trials, ladder) == 0


def test_climbers_missing_counts_those_on_the_way_as_there() -> None:
    ladder = Ladder(rungs=2, min_last=2)
    assert climbers_missing([], ladder) == 0
    assert climbers_missing([trial(0, 0.5)], ladder) == 1
    trials = [trial(0, 0.5), trial(1, 0.5, state=TrialState.RUNNING), trial(2, failed=0)]
    assert climbers_missing(trials, ladder) == 1


def test_a_stuck_trial_counts_for_the_rungs_that_it_is_done_with_alone() -> None:
    trials = [trial(0, 0.9, 0.9, state=TrialState.ASKED), trial(1, 0.5, 0.5), trial(2, 0.4, 0.4)]
    trials += [trial(3, 0.3)]
    assert ids(closing(trials, LADDER)) == [1]
    assert ids(closing(trials, LADDER, stuck={0})) == [1, 2]
    assert climbers_missing(trials[:2], LADDER) == 1
    assert climbers_missing(trials[:2], LADDER, stuck={0}) == 1
    assert climbers_missing(trials, LADDER, stuck={0}) == 2

from functools import partial

import numpy as np
import pytest

from autokd.core.cost import Limits
from autokd.errors import InfeasibleError
from autokd.search.rungs import Ladder
from autokd.search.strategies import STRATEGIES
from tests.tools.race.made_up import Listed, Script, made_up_table
from tools.race.replay import eta_for, replay, replay_peer
from tools.race.tables import Table
from tools.race.traces import NONE_YET, Recorder, Trace

THIRDS = (1 / 9, 1 / 3, 1.0)
SMALL = Limits(max_params=105)
SEEN = [f for f in Trace.__dataclass_fields__ if f != "optimiser_seconds"]


def listed(table: Table, *places: int, first: int = 0):
    return partial(Listed, points=[table.points[p] for p in places], first=first)


def without_rows_of(table: Table, **changes) -> Table:
    return Table(**{**{f: getattr(table, f) for f in table.__dataclass_fields__}, **changes})


# Strategies of autokd.


def test_rows_are_trained_in_the_order_of_the_proposals_at_their_cost():
    table = made_up_table()
    trace = replay(listed(table, 5, 90, 23), table, seed=0, evaluations=3)
    assert trace.place.tolist() == [5, 90, 23]
    assert trace.evaluations.tolist() == [1, 2, 3]
    assert trace.seconds.tolist() == [10.0, 29.0, 41.0]
    assert trace.score == pytest.approx([0.505, 0.095, 0.325])
    assert trace.recommended.tolist() == [5, 5, 5]
    assert trace.true_score == pytest.approx([0.505] * 3)


def test_a_trial_that_goes_on_costs_the_difference_alone():
    table = made_up_table(lengths=THIRDS)
    trace = replay(listed(table, 0, 0, 0), table, seed=0, evaluations=3)
    # Three trials of 10 s climb to the top, whatever the order of the jobs.
    assert trace.evaluations[-1] == 3
    assert len(trace.place) == 9
    assert trace.seconds[-1] == pytest.approx(30.0)
    at_first = trace.length_index == 0
    assert np.diff(trace.seconds, prepend=0.0)[at_first] == pytest.approx([10 / 9] * 3)


def test_a_trial_that_starts_on_the_last_rung_costs_a_full_training():
    table = made_up_table(lengths=THIRDS)
    trace = replay(listed(table, 0, 50, first=2), table, seed=0, evaluations=2)
    assert trace.length_index.tolist() == [2, 2]
    assert trace.seconds.tolist() == [10.0, 25.0]


def test_infeasible_rows_that_are_not_free_count_and_score_nothing():
    table = made_up_table(limits=SMALL)
    rows = listed(table, 99, 5, 98)
    trace = replay(rows, table, seed=0, evaluations=3, free_infeasible=False)
    assert trace.place.tolist() == [99, 5, 98]
    assert trace.score.tolist() == [0.0, pytest.approx(0.505), 0.0]
    assert trace.seconds.tolist() == [0.0, 10.0, 10.0]
    assert trace.recommended.tolist() == [NONE_YET, 5, 5]
    assert trace.true_score.tolist() == [0.0, pytest.approx(0.505), pytest.approx(0.505)]


def test_a_row_that_diverged_is_a_failed_trial_and_goes_no_further():
    whole = made_up_table(lengths=THIRDS)
    scores = whole.scores.copy()
    scores[9] = 0.0
    table = without_rows_of(whole, scores=scores)
    trace = replay(listed(table, 9, 0, 1, 2), table, seed=0, evaluations=4)
    assert trace.place.tolist().count(9) == 1
    assert 9 not in trace.recommended
    assert trace.evaluations[-1] == 4


def test_nothing_is_started_that_would_end_after_the_last_second():
    table = made_up_table()
    trace = replay(listed(table, *[50] * 9), table, seed=0, evaluations=9, max_seconds=50.0)
    assert trace.seconds.tolist() == [15.0, 30.0, 45.0]


@pytest.mark.parametrize("name", [n for n in STRATEGIES if n != "autokd"])
@pytest.mark.parametrize("lengths", [(1.0,), THIRDS])
def test_a_strategy_gets_feasible_rows_alone_and_the_same_ones_each_time(name, lengths):
    table = made_up_table(lengths=lengths, members=3, limits=SMALL)
    first, again, other = (
        replay(STRATEGIES[name], table, seed=seed, evaluations=40) for seed in (1, 1, 2)
    )
    assert table.feasible()[first.place].all()
    assert first.evaluations[-1] == 40
    assert all(np.array_equal(getattr(first, f), getattr(again, f)) for f in SEEN)
    assert not np.array_equal(first.place, other.place)


def test_autokd_gets_feasible_rows_alone_and_the_same_ones_each_time():
    table = made_up_table(lengths=THIRDS, limits=SMALL)
    first, again = (replay(STRATEGIES["autokd"], table, seed=1, evaluations=12) for _ in range(2))
    assert table.feasible()[first.place].all()
    assert all(np.array_equal(getattr(first, f), getattr(again, f)) for f in SEEN)


def test_all_strategies_find_the_best_rows_of_the_feasible_ones():
    table = made_up_table(limits=SMALL)
    best = table.true_scores[table.feasible()].max()
    trace = replay(STRATEGIES["evolution"], table, seed=0, evaluations=150)
    assert trace.true_score[-1] == best


def test_the_ladder_has_a_rung_for_each_length():
    ladders: list[Ladder] = []

    def factory(space, *, seed, ladder):
        ladders.append(ladder)
        return STRATEGIES["random"](space, seed=seed, ladder=ladder)

    replay(factory, made_up_table(lengths=THIRDS), seed=0, evaluations=1)
    assert (ladders[0].rungs, ladders[0].eta) == (3, 3.0)


@pytest.mark.parametrize(
    ("strategy", "lengths", "eta"),
    [
        ("bohb", (0.25, 0.5, 1.0), 2.0),
        ("bohb", THIRDS, 3.0),
        ("bohb", (1.0,), 3.0),
        ("asha", (0.25, 0.5, 1.0), 3.0),
    ],
)
def test_bohb_halves_where_the_lengths_allow_it(strategy, lengths, eta):
    assert eta_for(strategy, made_up_table(lengths=lengths)) == eta


# Peers.


def test_a_peer_that_asks_higher_for_a_row_goes_on_and_pays_the_difference():
    table = made_up_table(lengths=THIRDS)
    peer = Script([(0, 0), (10, 2), (0, 1), (0, -1), (0, 2)])
    trace = replay_peer(peer, table, seed=0, evaluations=2)
    assert trace.evaluations.tolist() == [1, 2, 2, 2]
    assert np.diff(trace.seconds, prepend=0) == pytest.approx([10 / 9, 11.0, 20 / 9, 20 / 3])
    assert trace.length_index.tolist() == [0, 2, 1, 2]
    assert [told[0] for told in peer.told] == [0, 10, 0, 0]


def test_the_recommended_row_is_the_best_of_the_highest_length_seen():
    table = made_up_table(lengths=THIRDS)
    peer = Script([(99, 0), (20, 1), (31, 1), (31, 0), (5, 2), (50, 2)])
    trace = replay_peer(peer, table, seed=0, evaluations=6)
    assert trace.recommended.tolist() == [99, 20, 31, 31, 5, 5]


def test_of_equal_scores_the_first_is_recommended():
    whole = made_up_table()
    table = without_rows_of(whole, scores=np.full_like(whole.scores, 0.5))
    trace = replay_peer(Script([(7, 0), (3, 0), (9, 0)]), table, seed=0, evaluations=3)
    assert trace.recommended.tolist() == [7, 7, 7]


def test_free_infeasible_asks_of_a_peer_leave_no_mark():
    table = made_up_table(limits=SMALL)
    peer = Script([(99, 0), (5, 0), (98, 0), (97, 0), (4, 0)])
    trace = replay_peer(peer, table, seed=0, evaluations=2)
    assert trace.place.tolist() == [5, 4]
    assert trace.evaluations.tolist() == [1, 2]
    assert trace.seconds.tolist() == [10.0, 20.0]
    assert peer.told[0] == (99, 0, 0.0, 0.0)
    assert len(peer.told) == 5


def test_infeasible_asks_of_a_peer_that_are_not_free_count_and_cost_no_seconds():
    table = made_up_table(limits=SMALL)
    peer = Script([(99, 0), (5, 0), (98, 0)])
    trace = replay_peer(peer, table, seed=0, evaluations=3, free_infeasible=False)
    assert trace.place.tolist() == [99, 5, 98]
    assert trace.seconds.tolist() == [0.0, 10.0, 10.0]
    assert trace.recommended.tolist() == [NONE_YET, 5, 5]


def test_a_peer_that_asks_for_infeasible_rows_alone_is_stopped():
    table = made_up_table(limits=SMALL)
    with pytest.raises(InfeasibleError, match=r"made-up: \d+ infeasible rows"):
        replay_peer(Script([(99, 0)] * 10_000), table, seed=0, evaluations=1)


def test_members_of_a_peer_follow_the_seed_and_all_are_drawn():
    table = made_up_table(members=3)
    scores = [
        replay_peer(Script([(0, 0)] * 30), table, seed=seed, evaluations=30).score.tolist()
        for seed in (0, 0, 1)
    ]
    assert scores[0] == scores[1] != scores[2]
    assert len(set(scores[0])) == 3


def test_a_peer_is_asked_for_nothing_more_after_the_last_second():
    table = made_up_table()
    trace = replay_peer(Script([(0, 0)] * 9), table, seed=0, evaluations=9, max_seconds=25.0)
    assert trace.seconds.tolist() == [10.0, 20.0, 30.0]


def test_a_trace_of_nothing_is_empty():
    assert len(Recorder(made_up_table()).trace().place) == 0

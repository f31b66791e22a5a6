import numpy as np
import pytest

from tests.tools.race.made_up import hand_made, made_up_table, run_of
from tools.race.comparisons import best_peer, by_merit, compare, overall
from tools.race.ratios import Bounded, Ratio
from tools.race.standings import judge_table


def table_of(**arrivals):
    """Give the standings where each strategy has runs that arrive after so many evaluations.

    Each evaluation takes 10 s; a run that arrives after None of its 20 never does.
    """
    runs = []
    for strategy, each in arrivals.items():
        for seed, arrival in enumerate(each):
            steps = [(n, 10.0 * n, 99 if arrival and n >= arrival else 3) for n in range(1, 21)]
            runs.append(run_of(hand_made(*steps), strategy=strategy, seed=seed))
    return judge_table(made_up_table(), runs, after=20)


def ratio(low, high, value=1.0):
    return Ratio(value=Bounded(counted=value, least=value, most=value), low=low, high=high)


def test_ratios_are_to_the_reference():
    found = compare(table_of(autokd=[2, 2, 2], slow=[8, 8, 8]), "autokd")
    for measure in ("evaluations", "seconds"):
        assert found["slow"].ratio(measure) == ratio(4.0, 4.0, 4.0)
        assert found["autokd"].ratio(measure) == ratio(1.0, 1.0, 1.0)


def test_random_is_held_against_the_evaluations_that_it_had():
    found = compare(table_of(random=[18] * 4, autokd=[2] * 4), "autokd")
    assert found["autokd"].random == ratio(10.0, 10.0, 10.0)  # 20 evaluations of random over 2
    assert found["random"].random is None


def test_without_the_reference_or_random_there_is_nothing_to_compare_with():
    found = compare(table_of(slow=[8]), "autokd")["slow"]
    assert found.evaluations is found.seconds is found.random is None


def test_over_all_tables_intervals_decide():
    found = overall([ratio(1.1, 3.0, 2.0), ratio(0.5, 1.5, 1.0), ratio(0.1, 0.9, 0.5)])
    assert (found.worse, found.level, found.better) == (1, 1, 1)
    assert found.mean.counted == pytest.approx(1.0)
    open_above = Ratio(value=Bounded(counted=3, least=3, most=np.inf), low=2.0, high=np.inf)
    assert overall([open_above, ratio(1.0, 2.0)]).worse == 1


def test_the_best_peer_needs_least():
    table = table_of(autokd=[2] * 5, slow=[8] * 5, quick=[4] * 5)
    for measure in ("evaluations", "seconds"):
        best = best_peer(table, compare(table, "autokd"), reference="autokd", measure=measure)
        assert (best.strategy, best.ratio) == ("quick", ratio(2.0, 2.0, 2.0))
        assert best.ratio.side == "above"
    assert [s.strategy for s in by_merit(table, "slow")] == ["slow", "autokd", "quick"]


def test_the_reference_without_a_part_is_no_peer_of_it():
    table = table_of(**{"autokd": [4] * 3, "autokd-raw-outcomes": [2] * 3, "slow": [8] * 3})
    best = best_peer(table, compare(table, "autokd"), reference="autokd", measure="evaluations")
    assert best.strategy == "slow"


def test_who_ran_longer_is_ranked_by_what_all_had_time_for():
    runs = [
        run_of(hand_made((1, 10.0, 3), (25, 250.0, 99)), strategy="long", evaluations=100),
        run_of(hand_made((1, 10.0, 3), (19, 190.0, 99)), strategy="short"),
        run_of(hand_made((1, 10.0, 3), (2, 20.0, 99)), strategy="autokd"),
        run_of(hand_made((1, 10.0, 3), (2, 20.0, 9)), strategy="stuck"),
    ]
    table = judge_table(made_up_table(), runs, after=20)
    # After 20 evaluations, long was where it began and stuck was at row 9.
    names = [s.strategy for s in by_merit(table, "autokd")]
    assert names == ["autokd", "short", "stuck", "long"]


def test_among_those_that_miss_the_fewest_misses_are_best():
    table = table_of(autokd=[2] * 3, a=[None] * 3, b=[None, None, 3])
    best = best_peer(table, compare(table, "autokd"), reference="autokd", measure="evaluations")
    assert best.strategy == "b"
    assert best.ratio.value == Bounded(counted=10, least=10, most=np.inf)


def test_without_peers_or_reference_there_is_no_best_peer():
    for table in (table_of(autokd=[2]), table_of(slow=[8])):
        comparisons = compare(table, "autokd")
        for measure in ("evaluations", "seconds"):
            assert best_peer(table, comparisons, reference="autokd", measure=measure) is None

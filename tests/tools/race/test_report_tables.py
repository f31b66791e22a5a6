import numpy as np

from autokd.core.cost import Limits
from tests.tools.race.made_up import hand_made, made_up_table, run_of
from tools.race.comparisons import compare
from tools.race.report_tables import (
    best_peers_table,
    overall_table,
    standings_table,
    tables_table,
)
from tools.race.standings import judge_table
from tools.race.traces import NONE_YET


def judged(*tables, limits=None):
    """Judge tables that are given as the arrivals of each strategy; None is a miss."""
    found = []
    for arrivals in tables:
        runs = []
        for strategy, each in arrivals.items():
            for seed, arrival in enumerate(each):
                steps = [(n, 10.0 * n, 99 if arrival and n >= arrival else 3) for n in range(1, 21)]
                runs.append(run_of(hand_made(*steps), strategy=strategy, seed=seed))
        standings = judge_table(made_up_table(limits=limits), runs, after=20)
        found.append((standings, compare(standings, "autokd")))
    return found


def cells(text):
    """Give the rows of the first table in a text, each as a dict by the names of the columns.

    A name that is there twice has a number behind it the second time.
    """
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert set(rows[1]) == {"---"}
    head = [
        name if name not in rows[0][:place] else f"{name} 2" for place, name in enumerate(rows[0])
    ]
    return [dict(zip(head, row, strict=True)) for row in rows[2:]]


def standings(tables, **more):
    text = standings_table(tables, **{"reference": "autokd", "after": 20, **more})
    return cells(text)


def test_each_strategy_on_each_table_has_a_row_the_reference_first():
    first = {"slow": [8] * 3, "autokd": [2] * 3, "quick": [4] * 3}
    rows = standings(judged(first, {"autokd": [2]}))
    assert [row["strategy"] for row in rows] == ["autokd", "quick", "slow", "autokd"]
    assert [row["runs"] for row in rows] == ["3", "3", "3", "1"]
    assert rows[2]["evaluations to the top 0.5 %"] == "8"
    assert rows[2]["training seconds to the top 0.5 %"] == "80"
    assert rows[2]["ratio to autokd"] == rows[2]["ratio to autokd 2"] == "4 (4 to 4)"
    assert rows[0]["ratio to autokd"] == rows[3]["ratio to autokd 2"] == "1"
    assert rows[0]["missed"] == "0%"


def test_misses_say_at_least():
    _, slow = standings(judged({"autokd": [2] * 3, "slow": [None, None, 5]}))
    assert slow["evaluations to the top 0.5 %"] == "at least 20"
    assert slow["missed"] == "67%"
    assert slow["ratio to autokd"] == "at least 10 (at least 2.5)"


def test_the_others_are_timed_to_random():
    autokd, random = standings(judged({"autokd": [2] * 4, "random": [16] * 4}))
    name = "evaluations to random's best after 20"
    assert (autokd[name], random[name]) == ("2", "16")
    assert autokd["times fewer than random"] == "10 (10 to 10)"
    assert random["times fewer than random"] == random["the same in seconds"] == "-"
    assert autokd["the same in seconds"] == "10 (10 to 10)"


def test_without_random_or_the_reference_cells_are_empty():
    (row,) = standings(judged({"slow": [8]}))
    assert row["ratio to autokd"] == row["ratio to autokd 2"] == "-"
    assert row["evaluations to random's best after 20"] == row["times fewer than random"] == "-"


def test_areas_have_their_spread_and_are_empty_without_limits():
    assert standings(judged({"autokd": [2]}))[0]["area at the end"] == "-"
    table = made_up_table(limits=Limits(max_params=118))
    finals = [(1, 10.0, 99), (1, 10.0, 3), (1, 10.0, NONE_YET)]
    runs = [
        run_of(hand_made(step), strategy="autokd", seed=n, evaluations=60)
        for n, step in enumerate(finals)
    ]
    found = judge_table(table, runs, after=20)
    (row,) = standings([(found, compare(found, "autokd"))])
    ends = found.standings[0].areas[60]
    assert np.count_nonzero(ends) == 0  # row 99 uses all of the limit, so that it spans no area
    assert row["area after 50"] == row["area at the end"] == "0.000 (0.000 to 0.000)"


def test_an_area_after_the_end_of_a_strategy_is_not_given():
    table = made_up_table(limits=Limits(max_params=118))
    runs = [
        run_of(hand_made((1, 10.0, 9)), strategy=strategy, evaluations=cap)
        for strategy, cap in [("autokd", 50), ("random", 600)]
    ]
    found = judge_table(table, runs, after=20)
    autokd, random = standings([(found, compare(found, "autokd"))])
    assert autokd["area after 50"] == autokd["area at the end"] != "-"
    assert autokd["area after 500"] == "-"
    assert random["area after 500"] == random["area at the end"] == autokd["area after 50"]


def test_cpu_seconds_are_given():
    (row,) = standings(judged({"autokd": [2]}))
    assert (row["CPU s a suggestion"], row["the last 10"]) == ("0.5", "0.5")


def test_means_and_counts_are_over_tables():
    first = {"autokd": [2] * 5, "bohb": [4] * 5, "random": [20] * 5}
    second = {"autokd": [8] * 5, "bohb": [4] * 5}
    text = overall_table(judged(first, second), reference="autokd", after=20)
    autokd, bohb, random = cells(text)
    assert [row["strategy"] for row in (autokd, bohb, random)] == ["autokd", "bohb", "random"]
    assert [row["tables"] for row in (autokd, bohb, random)] == ["2", "2", "1"]
    assert bohb["evaluations, ratio to autokd"] == bohb["seconds, ratio to autokd"] == "1"
    assert bohb["better / level / worse"] == "1 / 0 / 1"
    assert random["evaluations, ratio to autokd"] == "10"
    assert random["better / level / worse 2"] == "0 / 0 / 1"
    assert autokd["times fewer than random, to its best after 20"] == "10"
    assert autokd["the same in seconds"] == "10"
    assert autokd["better / level / worse"] == "-"


def test_means_that_are_open_are_also_given_at_the_cap():
    tables = judged({"autokd": [2] * 3, "a": [None] * 3}, {"autokd": [None] * 3, "a": [5] * 3})
    _, row = cells(overall_table(tables, reference="autokd", after=20))
    assert row["evaluations, ratio to autokd"] == "open; 1.58 at the cap"  # of 10 and 1/4


def test_the_best_peer_of_each_table_is_named_and_where_the_reference_is_behind():
    first = {"autokd": [2] * 5, "bohb": [4] * 5, "random": [20] * 5}
    second = {"autokd": [8] * 5, "bohb": [4] * 5}
    text = best_peers_table(judged(first, second, {"autokd": [2]}), reference="autokd")
    ahead, behind, alone = cells(text)
    assert ahead["best peer in evaluations"] == ahead["best peer in seconds"] == "bohb"
    assert (ahead["autokd is"], behind["autokd is"], alone["autokd is"]) == (
        "better",
        "**worse**",
        "-",
    )
    assert behind["ratio to autokd"] == "0.5 (0.5 to 0.5)"
    assert "on: made-up in evaluations, made-up in seconds." in text
    assert "on: no table." in best_peers_table(judged(first), reference="autokd")


def test_the_tables_are_described():
    tables = judged({"autokd": [2], "random": [20]}, limits=Limits(max_params=118))
    (row,) = cells(tables_table(tables, 20))
    assert row == {
        "table": "made-up",
        "rows": "100",
        "within limits": "100",
        "rows to find": "1",
        "regret of the last of them": "0.000",
        "lengths": "1",
        "full training, s": "14.5",
        "regret of random's best after 20": "0.000",
    }
    assert (
        cells(tables_table(judged({"autokd": [2]}), 20))[0]["regret of random's best after 20"]
        == "-"
    )

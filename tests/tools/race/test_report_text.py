import pytest

from tests.tools.race.made_up import hand_made, made_up_table, run_of
from tools.race.comparisons import compare
from tools.race.report_text import report_text, rules_line, seeds_line
from tools.race.standings import judge_table
from tools.race.traces import Rules


def judged(**seeds):
    runs = [
        run_of(hand_made((1, 10.0, 99)), strategy=strategy, seed=seed)
        for strategy, each in seeds.items()
        for seed in each
    ]
    standings = judge_table(made_up_table(), runs, after=20)
    return [(standings, compare(standings, "autokd"))]


def test_the_rule_is_told():
    free = rules_line(Rules(evaluations=1500), {"autokd": 1500})
    assert "**Infeasible proposals are free**" in free
    assert free.endswith("Caps of a run: 1,500 evaluations.")
    caps = {"autokd": 20, "random": 1500, "bohb": 20}
    paid = rules_line(Rules(evaluations=20, full_trainings=7.5, free_infeasible=False), caps)
    assert "**Infeasible proposals are paid for**" in paid
    assert paid.endswith("20 evaluations (1,500 of random), 7.5 full trainings.")


def test_the_seeds_are_told_and_who_had_others():
    assert seeds_line(judged(bohb=[0, 1, 2], autokd=[2, 1, 0]), "autokd") == (
        "Seeds of all: 0 to 2 (3 runs)."
    )
    found = seeds_line(judged(bohb=[0, 1], autokd=[0, 1, 2]), "autokd")
    assert found == ("**Not all had the same seeds**: 0 to 2 (3 runs), but bohb on made-up (2).")


@pytest.mark.parametrize("free", [True, False])
def test_the_text_has_every_part_in_its_order(free):
    rules = Rules(evaluations=20, free_infeasible=free)
    text = report_text(
        judged(autokd=[0], bohb=[0]),
        rules=rules,
        caps={"autokd": 20, "bohb": 20},
        reference="autokd",
        after=20,
        figures=("one.svg", "two.svg"),
    )
    parts = [
        "# Races\n",
        rules_line(rules, {}),
        "](one.svg)",
        "](two.svg)",
        "## Over all tables",
        "## Best peers",
        "## All tables and strategies",
        "## Tables",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "{" not in text
    assert text.endswith("|\n")

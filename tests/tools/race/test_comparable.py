import dataclasses

import numpy as np
import pytest

from autokd.errors import DataError
from tests.tools.race.made_up import hand_made, made_up_table, run_of
from tools.race.comparable import read_field
from tools.race.traces import append_run

STEPS = [(1, 10.0, 3), (2, 20.0, 9)]


def write(path, *runs):
    for run in runs:
        append_run(path, run)
    return path


def test_the_runs_of_a_file_come_with_their_rules_tables_and_strategies(tmp_path):
    runs = [
        run_of(hand_made(*STEPS), strategy=strategy, table=table)
        for strategy, table in [("random", "made-up"), ("bohb", "made-up"), ("random", "a")]
    ]
    field = read_field(write(tmp_path / "f", *runs))
    assert field.rules == runs[0].rules
    assert field.caps == {"random": 20, "bohb": 20}
    assert field.tables == ("made-up", "a")
    assert field.strategies == ("bohb", "random")
    assert [run.strategy for run in field.runs_on(made_up_table())] == ["random", "bohb"]


def test_an_empty_trace_fits_every_table(tmp_path):
    field = read_field(write(tmp_path / "f", run_of(hand_made())))
    assert len(field.runs_on(made_up_table())) == 1


@pytest.mark.parametrize(
    "rules", [{"evaluations": 30}, {"full_trainings": 5.0}, {"free_infeasible": False}]
)
def test_runs_of_unequal_rules_are_refused_with_both(tmp_path, rules):
    runs = run_of(hand_made(*STEPS)), run_of(hand_made(*STEPS), seed=1, **rules)
    with pytest.raises(DataError, match="all runs of a strategy have the same rules") as caught:
        read_field(write(tmp_path / "f", *runs))
    for run in runs:
        assert f"seed {run.seed} had {run.rules}" in str(caught.value)


def test_a_strategy_may_run_longer_than_another_and_differ_in_nothing_else(tmp_path):
    runs = [
        run_of(hand_made(*STEPS), strategy=strategy, seed=seed, evaluations=cap)
        for strategy, cap in [("random", 1500), ("autokd", 20)]
        for seed in (0, 1)
    ]
    field = read_field(write(tmp_path / "f", *runs))
    assert field.rules == runs[2].rules
    assert field.caps == {"random": 1500, "autokd": 20}
    other = run_of(hand_made(*STEPS), strategy="bohb", evaluations=30, free_infeasible=False)
    with pytest.raises(DataError, match="differ in evaluations alone"):
        read_field(write(tmp_path / "f", other))


def test_a_file_without_runs_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no runs"):
        read_field(tmp_path / "f")


def test_a_run_that_is_there_twice_is_refused(tmp_path):
    run = run_of(hand_made(*STEPS), seed=4)
    with pytest.raises(DataError, match="script on made-up with seed 4 is there twice"):
        read_field(write(tmp_path / "f", run, run))


def test_runs_on_a_table_that_has_changed_since_are_refused(tmp_path):
    field = read_field(write(tmp_path / "f", run_of(hand_made(*STEPS))))
    assert field.runs_on(made_up_table())
    other = made_up_table()
    other.scores[9] += 0.001
    short = made_up_table()
    short = dataclasses.replace(
        short,
        **{n: getattr(short, n)[:9] for n in ("points", "descriptors", "costs", "seconds")},
        scores=short.scores[:9],
    )
    for table in (other, short):
        with pytest.raises(DataError, match="seed 0 has rows, lengths or true scores"):
            field.runs_on(table)


def test_a_length_that_the_table_does_not_have_is_refused(tmp_path):
    trace = hand_made(*STEPS)
    trace.length_index[:] = np.array([0, 1])
    field = read_field(write(tmp_path / "f", run_of(trace)))
    assert field.runs_on(made_up_table(lengths=(0.5, 1.0)))
    with pytest.raises(DataError, match="race on it again"):
        field.runs_on(made_up_table())

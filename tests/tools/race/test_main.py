import os
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.tools.race.made_up import made_up_table
from tools.race import __main__ as race
from tools.race import heats
from tools.race.traces import read_runs

TABLE = "nb-macro"
ROOT = str(Path(__file__).parents[3])


@pytest.fixture
def made_up(monkeypatch):
    """Put the made-up table in the place of a real one, and list the tasks that are run."""
    ran = []

    def run_task(task):
        ran.append(task.key)
        return original(task)

    original = heats.run_task
    for module in (race, heats):
        monkeypatch.setattr(module, "load", lambda data, name: replace(made_up_table(), name=name))
    monkeypatch.setattr(heats, "run_task", run_task)
    return ran


def arguments(out, *more, seeds=2, evaluations=5, table=TABLE):
    given = ["data", "--table", table, "--strategy", "random", "evolution"]
    numbers = ["--seeds", str(seeds), "--evaluations", str(evaluations)]
    return [*given, *numbers, "--out", str(out), *more]


def test_all_runs_are_written_and_a_line_a_strategy_is_printed(made_up, tmp_path, capsys):
    race.main(arguments(tmp_path / "out.json"))
    found = list(read_runs(tmp_path / "out.json"))
    assert [r.key for r in found] == made_up
    assert len(found) == 4
    assert all(r.trace.evaluations[-1] == 5 for r in found)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[-2:]] == [["random", "2"], ["evolution", "2"]]


def test_what_is_in_the_file_is_not_run_again(made_up, tmp_path):
    out = tmp_path / "out.json"
    race.main(arguments(out, seeds=1))
    made_up.clear()
    race.main(arguments(out, seeds=2))
    assert made_up == [(TABLE, "random", 1), (TABLE, "evolution", 1)]
    assert len(list(read_runs(out))) == 4


def test_processes_give_the_runs_that_one_process_gives(tmp_path):
    arch = np.array(list(product(range(3), range(3), *[[0]] * 6)), dtype=np.int8)
    np.savez(
        tmp_path / "nb_macro.npz",
        arch=arch,
        test_acc=np.arange(27.0).reshape(9, 3),
        params=np.arange(100, 109),
        flops=np.full(9, 2_000_000),
    )
    given = [str(tmp_path), *arguments(tmp_path / "one.json", seeds=1)[1:]]
    race.main(given)
    # A process of its own, because what is spawned begins with the command that was given.
    command = [sys.executable, "-m", "tools.race", *given[:-1], str(tmp_path / "two.json")]
    subprocess.run(
        [*command, "--jobs", "2"], check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": ROOT}
    )
    one, two = (
        {run.key: run.trace.place.tolist() for run in read_runs(tmp_path / name)}
        for name in ("one.json", "two.json")
    )
    assert one == two
    assert len(one) == 2


def test_a_strategy_is_let_run_longer_and_thirty_seeds_are_the_default(made_up, tmp_path):
    out = tmp_path / "out.json"
    given = arguments(out, "--longer", "random=7")
    del given[given.index("--seeds") : given.index("--seeds") + 2]
    race.main(given)
    found = list(read_runs(out))
    assert len(found) == 2 * race.SEEDS == 60
    ends = {run.strategy: run.trace.evaluations[-1] for run in found}
    assert ends == {"random": 7, "evolution": 5}


@pytest.mark.parametrize("longer", ["random=5", "random=x", "bohb=9", "random"])
def test_a_longer_run_that_is_none_is_refused(tmp_path, capsys, longer):
    with pytest.raises(SystemExit):
        race.main(arguments(tmp_path / "out.json", "--longer", longer))
    assert "--longer" in capsys.readouterr().err


def test_who_lives_by_lengths_is_left_out_where_there_is_one(made_up, tmp_path, capsys):
    given = arguments(tmp_path / "out.json", seeds=1)
    given[given.index("evolution")] = "autokd-full-length"
    race.main(given)
    assert made_up == [(TABLE, "random", 0)]
    said = capsys.readouterr().out
    assert f"autokd-full-length is left out on {TABLE}, which has one length" in said


def test_a_file_of_other_rules_is_refused(made_up, tmp_path):
    out = tmp_path / "out.json"
    race.main(arguments(out, seeds=1))
    with pytest.raises(SystemExit, match="use another file"):
        race.main(arguments(out, seeds=1, evaluations=6))
    with pytest.raises(SystemExit, match="use another file"):
        race.main(arguments(out, "--pay-infeasible", seeds=1))


def test_an_unknown_table_is_refused_with_the_known_ones(tmp_path, capsys):
    with pytest.raises(SystemExit):
        race.main(arguments(tmp_path / "out.json", table="nb301"))
    assert "--table nb301: no such table; there are autokd-edge, " in capsys.readouterr().err


@pytest.mark.parametrize("table", ["nb-macro", "taskset-patch32_GRU64_avg_bs128", "hpobench-car"])
def test_missing_data_are_named(tmp_path, monkeypatch, table):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    given = arguments(tmp_path / "out.json", table=table)
    with pytest.raises(SystemExit, match="there is no such"):
        race.main([str(tmp_path), *given[1:]])


def test_a_report_is_written_after_a_race_and_without_one(made_up, tmp_path, capsys):
    out, first, second = (tmp_path / name for name in ("out.json", "first", "second"))
    race.main(arguments(out, "--report", str(first), "--against", "random", "--after", "3"))
    assert len(made_up) == 4
    capsys.readouterr()
    alone = ["data", "--out", str(out), "--report", str(second), "--against", "random"]
    race.main([*alone, "--after", "3"])
    assert len(made_up) == 4
    assert capsys.readouterr().out == ""
    text = (first / "races.md").read_text()
    assert f"| {TABLE} | random | 2 |" in text
    assert "random's best after 3" in text
    assert (second / "races.md").read_text() == text


def test_a_report_is_against_autokd_if_nothing_else_is_said(made_up, tmp_path):
    with pytest.raises(SystemExit, match="has no runs of autokd"):
        race.main(arguments(tmp_path / "out.json", "--report", str(tmp_path / "report")))


def test_a_report_of_a_table_that_is_not_known_is_refused(made_up, tmp_path):
    out = tmp_path / "out.json"
    race.main(arguments(out, seeds=1))
    out.write_text(out.read_text().replace(TABLE, "nb301"))
    given = ["data", "--out", str(out), "--report", str(tmp_path / "r"), "--against", "random"]
    with pytest.raises(SystemExit, match="has runs on nb301, which is none of autokd-edge, "):
        race.main(given)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ([], "--table is missing; a race needs --table, --strategy, --evaluations"),
        (["--report", "r", "--evaluations", "3"], "--table is missing"),
        (["--report", "r", "--seeds", "3"], "--seeds has no effect without --table"),
        (["--report", "r", "--longer", "random=9"], "--longer has no effect without --table"),
        (["--report", "r", "--jobs", "2"], "--jobs has no effect without --table"),
        (["--report", "r", "--pay-infeasible"], "--pay-infeasible has no effect without --table"),
        (["--report", "r", "--full-trainings", "2"], "--full-trainings has no effect"),
    ],
)
def test_options_of_a_race_that_is_not_run_are_refused(tmp_path, capsys, more, text):
    with pytest.raises(SystemExit):
        race.main(["data", "--out", str(tmp_path / "out.json"), *more])
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--after", "3"], ["--against", "random"]])
def test_options_of_a_report_that_is_not_written_are_refused(tmp_path, capsys, more):
    with pytest.raises(SystemExit):
        race.main(arguments(tmp_path / "out.json", *more))
    assert f"{more[0]} has no effect without --report" in capsys.readouterr().err

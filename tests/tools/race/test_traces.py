import numpy as np
import pytest

from autokd.errors import DataError
from tests.tools.race.made_up import Script, made_up_table
from tools.race.replay import replay_peer
from tools.race.traces import Rules, Run, Trace, append_run, read_runs


def run(seed: int) -> Run:
    trace = replay_peer(Script([(3, 0), (99, 0)]), made_up_table(), seed=seed, evaluations=2)
    return Run(
        table="made-up", strategy="script", seed=seed, rules=Rules(evaluations=2), trace=trace
    )


def test_runs_come_back_from_a_file_as_they_were(tmp_path):
    path = tmp_path / "new" / "out.json"
    for seed in (0, 1):
        append_run(path, run(seed))
    found = list(read_runs(path))
    assert [r.key for r in found] == [("made-up", "script", 0), ("made-up", "script", 1)]
    assert found[0].rules == Rules(evaluations=2)
    for name in Trace.__dataclass_fields__:
        here, there = getattr(found[0].trace, name), getattr(run(0).trace, name)
        if name != "optimiser_seconds":
            assert here.dtype == there.dtype
            assert np.allclose(here, there, rtol=1e-5)


def test_a_half_last_line_is_passed_over_and_cut_off_by_the_next_run(tmp_path):
    path = tmp_path / "out.json"
    append_run(path, run(0))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"table":"made')
    assert [r.seed for r in read_runs(path)] == [0]
    append_run(path, run(1))
    assert [r.seed for r in read_runs(path)] == [0, 1]


def test_a_line_of_something_else_is_refused_with_its_number(tmp_path):
    path = tmp_path / "out.json"
    append_run(path, run(0))
    with path.open("a") as stream:
        stream.write('{"winner": 3}\n')
    with pytest.raises(DataError, match="line 2 is no run"):
        list(read_runs(path))


def test_no_file_holds_no_runs(tmp_path):
    assert list(read_runs(tmp_path / "out.json")) == []

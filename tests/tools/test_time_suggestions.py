import sys

import pytest

from tools import time_suggestions


def test_made_up_trials_are_students_that_fit_on_the_rungs_of_a_run() -> None:
    space = time_suggestions.edge_space()
    trials = list(time_suggestions.made_up_trials(space, 6))
    assert [t.trial_id for t in trials] == list(range(6))
    assert [t.rung for t in trials] == [1, 0, 0, 1, 0, 0]
    assert all(space.limits.utilisation(t.candidate.cost) <= 1 for t in trials)
    assert len({t.accuracy for t in trials}) == 6


def test_each_number_of_trials_has_a_line_with_seconds_and_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["time_suggestions", "--trials", "9"])
    monkeypatch.setattr(time_suggestions, "SUGGESTIONS", 2)
    time_suggestions.main()
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["trials", "median", "longest", "memory"]
    count, median, longest, memory = line.split()
    assert count == "9"
    assert 0 < float(median.removesuffix("s")) <= float(longest.removesuffix("s"))
    assert float(memory.removesuffix("MiB")) > 50

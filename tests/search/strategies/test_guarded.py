"""A strategy of a plug-in: what it answers is judged, and what fails is said to be its own."""

import pytest

from autokd.errors import InfeasibleError, PluginError
from autokd.search.rungs import Ladder
from autokd.search.strategies import AshaStrategy, strategy_named
from autokd.search.strategies.guarded import GuardedStrategy, plugin_strategy
from tests.plugins.declare import declare
from tests.search.fakes import FakeSpace, candidate, trial

LADDER = Ladder(rungs=2)
BASE = "from autokd.search.strategies import RandomStrategy\nclass Odd(RandomStrategy):\n"


def make(monkeypatch, folder, body, *, space=None):
    entries = {"strategy": {"odd": "odd_strategy:Odd"}}
    declare(monkeypatch, folder, entries, {"odd_strategy": body})
    return strategy_named("odd")(space or FakeSpace(), seed=1, ladder=LADDER)


def test_it_is_the_plug_in_s_strategy_with_the_ladder_that_was_given(tmp_path, monkeypatch):
    found = make(monkeypatch, tmp_path, BASE + "    pass\n")
    assert isinstance(found, GuardedStrategy)
    assert found.ladder is LADDER
    assert found.first_rung(3) == 1
    same = strategy_named("random")(FakeSpace(), seed=1, ladder=LADDER)
    assert found.propose([], trial_id=4) == same.propose([], trial_id=4)
    trials = [trial(0, 0.5), trial(1, 0.7), trial(2, 0.6, 0.8)]
    assert [t.trial_id for t in found.ranking(trials, 0)] == [1, 2, 0]


def test_a_shipped_one_is_given_as_it_is():
    assert strategy_named("asha") is AshaStrategy


@pytest.mark.parametrize(
    ("body", "ask", "text"),
    [
        (
            "    def propose(self, trials, *, trial_id):\n        return 1 / 0\n",
            lambda s: s.propose([], trial_id=4),
            (
                r"strategy 'odd' of other-package 2.1: failed while proposing trial 4: "
                r"ZeroDivisionError: division by zero \(odd_strategy.py, line 4\)"
            ),
        ),
        (
            "    def propose(self, trials, *, trial_id):\n        return None\n",
            lambda s: s.propose([], trial_id=4),
            "it gave a NoneType, not a Candidate",
        ),
        (
            "    def first_rung(self, trial_id):\n        return 2\n",
            lambda s: s.first_rung(0),
            "it gave 2; the rungs are 0 to 1",
        ),
        (
            "    def ranking(self, trials, rung):\n        return trials[:1]\n",
            lambda s: s.ranking([trial(0, 0.5), trial(1, 0.7)], 0),
            "it ranked 1 trials, and 2 have a result there",
        ),
    ],
)
def test_a_fault_is_said_to_be_the_plug_in_s(tmp_path, monkeypatch, body, ask, text):
    found = make(monkeypatch, tmp_path, BASE + body)
    with pytest.raises(PluginError, match=text):
        ask(found)


def test_a_student_over_a_limit_is_refused_whoever_proposes_it(tmp_path, monkeypatch):
    class Wide(FakeSpace):
        def draw(self, point, *, member_seed, origin):
            return candidate(params=200_000)

    found = make(monkeypatch, tmp_path, BASE + "    pass\n", space=Wide())
    with pytest.raises(PluginError, match="a candidate over a limit, of 200000 parameters"):
        found.propose([], trial_id=0)


def test_a_space_without_students_is_no_fault_of_the_plug_in(tmp_path, monkeypatch):
    found = make(monkeypatch, tmp_path, BASE + "    pass\n", space=FakeSpace(feasible=False))
    with pytest.raises(InfeasibleError):
        found.propose([], trial_id=0)


def test_what_cannot_be_called_is_no_strategy(tmp_path, monkeypatch):
    declare(
        monkeypatch,
        tmp_path,
        {"strategy": {"odd": "odd_strategy:Odd"}},
        {"odd_strategy": "Odd = 3"},
    )
    with pytest.raises(
        PluginError, match="is a int; its entry point must name a class or function"
    ):
        plugin_strategy("odd")


def test_what_cannot_be_made_is_told(tmp_path, monkeypatch):
    with pytest.raises(PluginError, match="failed while being made: TypeError"):
        make(monkeypatch, tmp_path, "class Odd:\n    pass\n")

"""The contract of a strategy: the shipped ones keep it, and each rule is broken by some other."""

import pytest

from autokd.errors import PluginError
from autokd.search.strategies import STRATEGIES
from autokd.testing import ContractBrokenError, check_strategy
from autokd.testing import strategy as contract
from tests.plugins.declare import declare, declare_example

HEAD = """
import itertools

import numpy as np

from autokd.core.seeds import derive_seed
from autokd.errors import InfeasibleError
from autokd.search.pool import random_candidate
from autokd.search.strategies import AshaStrategy

numbers = itertools.count()


class Odd(AshaStrategy):
"""


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_of_autokd_keeps_the_contract(name):
    check_strategy(name)


def test_the_example_keeps_the_contract(tmp_path, monkeypatch):
    declare_example(monkeypatch, tmp_path)
    check_strategy("hill-climb")


def check_odd(folder, monkeypatch, body):
    entries = {"strategy": {"odd": "odd_module:Odd"}}
    declare(monkeypatch, folder, entries, {"odd_module": HEAD + body})
    check_strategy("odd")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            """
    def propose(self, trials, *, trial_id):
        return random_candidate(self._space, next(numbers), origin="random")
""",
            "follows from trials, seed and number alone",
        ),
        (
            """
    def propose(self, trials, *, trial_id):
        return random_candidate(self._space, trial_id, origin="random")
""",
            "another seed gives another search",
        ),
        (
            """
    def propose(self, trials, *, trial_id):
        np.random.rand()
        return super().propose(trials, trial_id=trial_id)
""",
            "the global generator of numpy was used",
        ),
        (
            """
    def propose(self, trials, *, trial_id):
        found = super().propose(trials, trial_id=trial_id)
        return found.model_copy(update={"base_width": found.base_width - 1})
""",
            "a proposal is a member that the space draws",
        ),
        (
            """
    def propose(self, trials, *, trial_id):
        for n in range(50):
            point = np.random.default_rng(derive_seed(self._seed, trial_id, n)).random(
                self._space.dimension
            )
            found = self._space.draw(point, member_seed=n, origin="random")
            if found is not None:
                return found
        return first


from autokd.testing.strategy import make_space

first = random_candidate(make_space(), 1, origin="random")
""",
            "where no student fits, an InfeasibleError says so; it proposed Candidate",
        ),
    ],
)
def test_a_broken_rule_is_named(tmp_path, monkeypatch, body, text):
    with pytest.raises(ContractBrokenError, match=text) as fault:
        check_odd(tmp_path, monkeypatch, body)
    assert str(fault.value).startswith("strategy 'odd'")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("    def first_rung(self, trial_id):\n        return -1\n", "the rungs are 0 to 1"),
        ("    def ranking(self, trials, rung):\n        return ()\n", "it ranked 0 trials"),
        ("    def propose(self, trials, *, trial_id):\n        pass\n", "it gave a NoneType"),
    ],
)
def test_what_no_search_could_use_is_a_fault_of_the_plug_in(tmp_path, monkeypatch, body, text):
    with pytest.raises(PluginError, match=text):
        check_odd(tmp_path, monkeypatch, body)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"first_rung": lambda self, trial_id: 7}, "trials start on a rung of 0 to 1; 0 on 7"),
        ({"ranking": lambda self, trials, rung: trials[:2]}, "each trial with a result once"),
        ({"propose": lambda self, trials, *, trial_id: "x"}, "a proposal is a Candidate"),
    ],
)
def test_a_shipped_one_is_held_to_the_same_rules(monkeypatch, change, text):
    worse = type("Worse", (STRATEGIES["asha"],), change)
    monkeypatch.setattr(contract, "strategy_named", lambda name: worse)
    with pytest.raises(ContractBrokenError, match=text):
        check_strategy("worse")


def test_a_ladder_of_its_own_is_refused(monkeypatch):
    def make(space, *, seed, ladder):
        longer = type(ladder)(rungs=5)
        return STRATEGIES["asha"](space, seed=seed, ladder=longer)

    monkeypatch.setattr(contract, "strategy_named", lambda name: make)
    with pytest.raises(ContractBrokenError, match="its ladder is the one that was given"):
        check_strategy("tall")

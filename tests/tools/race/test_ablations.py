"""Each ablation takes away what it says, and nothing else."""

import numpy as np
import pytest

from autokd.search import surrogate
from autokd.search.rungs import Ladder
from autokd.search.strategies import STRATEGIES
from tests.tools.race.made_up import made_up_table
from tools.race.ablations import ABLATIONS
from tools.race.replay import replay
from tools.race.tables import TableSpace

EVALUATIONS = 16  # of which the first eight are not modelled


def spied(monkeypatch, strategy, **table):
    """Race for a moment, and give the trace with all inputs and outcomes that were fitted."""
    fits = []
    original = surrogate.fit_surrogate

    def fit(inputs, outcomes):
        fits.append((inputs, outcomes))
        return original(inputs, outcomes)

    factory = {**STRATEGIES, **ABLATIONS}[strategy]
    with monkeypatch.context() as patched:
        patched.setattr(surrogate, "fit_surrogate", fit)
        trace = replay(factory, made_up_table(**table), seed=0, evaluations=EVALUATIONS)
    assert fits
    return trace, fits


def test_without_descriptors_the_surrogate_sees_point_and_rung_alone(monkeypatch):
    _, whole = spied(monkeypatch, "autokd")
    _, less = spied(monkeypatch, "autokd-no-descriptors")
    assert {inputs.shape[1] for inputs, _ in whole} == {4}
    assert {inputs.shape[1] for inputs, _ in less} == {3}


def test_raw_outcomes_are_the_accuracies_that_were_seen(monkeypatch):
    trace, raw = spied(monkeypatch, "autokd-raw-outcomes")
    assert len(raw) == EVALUATIONS - 8 + 1 + 4  # a suggestion or a ranking each
    for _, outcomes in raw:
        assert set(outcomes) <= set(trace.score)
    _, ranks = spied(monkeypatch, "autokd")
    assert abs(ranks[-1][1].mean()) < 1e-9
    # Nothing stays behind for others in the same process.
    assert surrogate.rank_normal(np.array([1.0, 2.0]))[0] < 0


def test_at_full_length_nothing_is_trained_for_less(monkeypatch):
    lengths = (1 / 9, 1 / 3, 1.0)
    whole, _ = spied(monkeypatch, "autokd", lengths=lengths)
    full, _ = spied(monkeypatch, "autokd-full-length", lengths=lengths)
    assert set(whole.length_index) == {0, 1, 2}
    assert set(full.length_index) == {2}
    assert full.evaluations[-1] == whole.evaluations[-1] == EVALUATIONS
    assert full.seconds[-1] > 2 * whole.seconds[-1]


def test_single_members_are_always_the_first_ones(monkeypatch):
    whole, _ = spied(monkeypatch, "autokd", members=3)
    single, _ = spied(monkeypatch, "autokd-single-members", members=3)
    first = made_up_table(members=3).scores[:, 0, 0]
    assert single.score == pytest.approx(first[single.place])
    assert (whole.score > first[whole.place] + 5e-4).any()


@pytest.mark.parametrize("name", ["autokd-no-descriptors", "autokd-single-members"])
def test_a_changed_space_passes_on_what_it_does_not_change(name):
    space = TableSpace(made_up_table(members=3))
    strategy = ABLATIONS[name](space, seed=0, ladder=Ladder(rungs=1))
    found = strategy.propose((), trial_id=0)
    whole = STRATEGIES["autokd"](space, seed=0, ladder=Ladder(rungs=1)).propose((), trial_id=0)
    assert found.cost == whole.cost
    assert space.point(found).tolist() == space.point(whole).tolist()

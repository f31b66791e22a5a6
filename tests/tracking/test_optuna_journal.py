"""Journals are read by the real Optuna where it is installed, and as lines of JSON anywhere."""

import json

import pytest

from autokd.core.cost import Limits
from autokd.core.trial import Trial, TrialState
from autokd.space.dimension import Choice, Interval
from autokd.tracking.optuna_journal import Search, Span, render_journal
from tests.search.fakes import trial

DIMENSIONS = (
    Choice("top_nodes", (3, 4, 5, 6, 7, 8)),
    Choice("top_degree", (2, 4)),
    Choice("block", ("separable", "conv")),
    Interval("mid_edge", 0.3, 0.9),
    Interval("temperature", 1.0, 10.0, log=True),
)
BEGIN, END = "2026-01-02T03:04:05.000+00:00", "2026-01-02T03:05:05.000+00:00"
LIMITS = Limits(max_params=40_000, max_size_bytes=400_000)


def some_trials() -> list[Trial]:
    """In this order: complete, pruned, complete and trained on, failed, running, and a twin."""
    twin = trial(5, 0.1, 0.2, 0.99)
    compared = twin.candidate.model_copy(update={"origin": "twin"})
    return [
        trial(0, 0.5, 0.7),
        trial(1, 0.4),
        trial(2, 0.6, 0.8, 0.9, params=30_000),
        trial(3, failed=0),
        trial(4, state=TrialState.RUNNING),
        twin.model_copy(update={"candidate": compared}),
    ]


def make_search(**changes) -> Search:
    trials = some_trials()
    spans = {t.trial_id: Span(BEGIN, None if t.trial_id == 4 else END) for t in trials}
    fields = {
        "name": "pi-1",
        "trials": trials,
        "spans": spans,
        "dimensions": DIMENSIONS,
        "limits": LIMITS,
        "last_rung": 1,
        "attributes": {"device": "raspberry-pi-5"},
    }
    return Search(**{**fields, **changes})


def lines(**changes) -> list[dict]:
    return [json.loads(line) for line in render_journal(make_search(**changes)).splitlines()]


def test_there_are_two_studies_of_the_students_that_were_searched() -> None:
    found = lines()
    studies = [line for line in found if line["op_code"] == 0]
    assert [(s["study_name"], s["directions"]) for s in studies] == [
        ("pi-1", [2]),
        ("pi-1 costs", [2, 1, 1, 1]),
    ]
    for study_id in (0, 1):
        made = [t for t in found if t["op_code"] == 4 and t["study_id"] == study_id]
        assert [t["user_attrs"]["trial_id"] for t in made] == [0, 1, 2, 3, 4]
        assert [t["state"] for t in made] == [1, 2, 1, 3, 0]


def test_values_are_of_one_training_length() -> None:
    made = [t for t in lines() if t["op_code"] == 4]
    assert [t["value"] for t in made[:5]] == [0.7, 0.4, 0.8, None, None]
    assert made[2]["intermediate_values"] == {"0": 0.6, "1": 0.8, "2": 0.9}
    assert made[2]["user_attrs"]["rung2 accuracy"] == 0.9
    assert made[7]["values"] == [0.8, 1.0, 150_000, 120_000]
    assert [t["values"] for t in made[5:] if t["state"] != 1] == [None, None, None]


def test_a_device_without_a_latency_has_no_such_objective() -> None:
    none = {"latency_ms": None, "latency_low_ms": None, "latency_high_ms": None}
    bare = []
    for one in some_trials():
        cost = one.candidate.cost.model_copy(update=none)
        candidate = one.candidate.model_copy(update={"cost": cost})
        bare.append(one.model_copy(update={"candidate": candidate}))
    names = [
        line["system_attr"]["study:metric_names"]
        for line in lines(trials=bare)
        if "system_attr" in line
    ]
    assert names == [["accuracy"], ["accuracy", "memory_bytes", "size_bytes"]]


def test_a_search_without_limits_has_no_constraints() -> None:
    made = [t for t in lines(limits=Limits()) if t["op_code"] == 4]
    assert {json.dumps(t["system_attrs"]) for t in made} == {"{}"}


class TestInOptuna:
    @pytest.fixture
    def studies(self, tmp_path):
        reason = "pip install optuna brings what reads the journal"
        optuna = pytest.importorskip("optuna", reason=reason)
        from optuna.storages.journal import JournalFileBackend

        file = tmp_path / "journal.log"
        file.write_text(render_journal(make_search()))
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(file)))
        return tuple(
            optuna.load_study(study_name=name, storage=storage) for name in ("pi-1", "pi-1 costs")
        )

    def test_states_values_and_the_best_are_those_of_the_run(self, studies) -> None:
        from optuna.trial import TrialState as State

        one, costs = studies
        assert [t.state for t in one.trials] == [
            State.COMPLETE,
            State.PRUNED,
            State.COMPLETE,
            State.FAIL,
            State.RUNNING,
        ]
        # Student 0 has more parameters than the limit, so the best that keeps it is student 2.
        assert (one.best_trial.number, one.best_value) == (2, 0.8)
        assert one.trials[2].intermediate_values == {0: 0.6, 1: 0.8, 2: 0.9}
        assert one.metric_names == ["accuracy"]
        assert costs.metric_names == ["accuracy", "latency_ms", "memory_bytes", "size_bytes"]
        assert [t.number for t in costs.best_trials] == [2]
        assert costs.trials[2].values == [0.8, 1.0, 150_000, 120_000]

    def test_parameters_come_back_with_their_distributions(self, studies) -> None:
        from optuna import distributions as d

        one = studies[0].trials[0]
        candidate = some_trials()[0].candidate
        family, distill = candidate.family, candidate.distill
        assert one.distributions == {
            "top_nodes": d.IntDistribution(3, 8),
            "top_degree": d.CategoricalDistribution((2, 4)),
            "block": d.CategoricalDistribution(("separable", "conv")),
            "mid_edge": d.FloatDistribution(0.3, 0.9),
            "temperature": d.FloatDistribution(1.0, 10.0, log=True),
        }
        assert one.params == {
            "top_nodes": family.top_nodes,
            "top_degree": 2,
            "block": "conv",
            "mid_edge": family.mid_edge,
            "temperature": distill.temperature,
        }
        assert type(one.params["top_nodes"]) is int

    def test_constraints_times_and_attributes_come_back(self, studies) -> None:
        one = studies[0]
        assert one.trials[0].system_attrs["constraints"] == pytest.approx([0.25, -0.5])
        assert one.trials[2].system_attrs["constraints"] == pytest.approx([-0.25, -0.7])
        assert one.trials[0].duration.total_seconds() == 60
        assert one.trials[4].datetime_complete is None
        assert one.trials[3].user_attrs["failure"] == "not finite"
        assert one.trials[0].user_attrs["params"] == 50_000
        assert one.user_attrs == {
            "device": "raspberry-pi-5",
            "constraints": ["max_params", "max_size_bytes"],
        }

    def test_optuna_may_go_on_with_the_study(self, studies) -> None:
        one = studies[0]
        asked = one.ask({"mid_edge": one.trials[0].distributions["mid_edge"]})
        one.tell(asked, 0.95)
        assert one.trials[-1].number == 5
        assert one.best_value == 0.95

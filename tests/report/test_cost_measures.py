"""Axes of cost, and the front on each."""

import itertools

from autokd.report.cost_measures import cost_measures, front_ids
from autokd.search.front import pareto_front


def by_key(report):
    return {measure.key: measure for measure in cost_measures(report)}


def test_values_are_in_the_unit_of_the_axis(report) -> None:
    measures, cost = by_key(report), report.winners[0].cost
    assert measures["params"].value_of(cost) == cost.params
    assert measures["size"].value_of(cost) == cost.size_bytes / 1024
    assert measures["latency"].value_of(cost) == cost.latency_high_ms
    assert measures["limits"].value_of(cost) == report.limits.utilisation(cost)
    assert measures["limits"].limit == 1


def test_memory_is_what_a_student_adds_to_the_runtime(report) -> None:
    def with_runtime(trial):
        cost = trial.candidate.cost.model_copy(update={"runtime_bytes": 40 * 2**20})
        candidate = trial.candidate.model_copy(update={"cost": cost})
        return trial.model_copy(update={"candidate": candidate})

    trials = tuple(map(with_runtime, report.trials))
    report = report.model_copy(update={"trials": trials, "winners": ()})
    measure = by_key(report)["memory"]
    cost = trials[0].candidate.cost
    assert measure.value_of(cost) == (cost.memory_bytes - 40 * 2**20) / 1024
    assert measure.label == "memory beyond the 40 MiB of the runtime, KiB (estimate)"
    assert measure.limit == (201 - 40) * 1024


def test_a_measured_latency_is_named_on_the_axis(report) -> None:
    assert by_key(report)["latency"].label == "latency, ms (upper end of the estimate)"
    winner = report.winners[0]
    cost = winner.cost.model_copy(update={"is_measured": True})
    timed = report.model_copy(update={"winners": (winner.model_copy(update={"cost": cost}),)})
    assert "measured, or" in by_key(timed)["latency"].label


def test_the_rule_is_that_of_the_search(report) -> None:
    """The use of the limits, taken as any other axis, gives the front that the search gives."""
    measure = by_key(report)["limits"]
    # Under another name, so that the front is taken anew and not read from the report.
    again = type(measure)("size", "", "", measure.value_of, str, None)
    assert front_ids(report, again) == frozenset(pareto_front(report.trials, report.limits))


def test_a_front_holds_all_that_nothing_beats(report) -> None:
    top = max(t.rung for t in report.trials if not t.failure)
    trials = [t for t in report.trials if t.rung == top and not t.failure]
    for measure in cost_measures(report):
        beaten = {
            b.trial_id
            for a, b in itertools.permutations(trials, 2)
            if a.accuracy >= b.accuracy
            and measure.value_of(a.candidate.cost) < measure.value_of(b.candidate.cost)
        }
        assert front_ids(report, measure) == {t.trial_id for t in trials} - beaten

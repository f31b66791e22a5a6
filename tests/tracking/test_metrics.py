import pytest

from autokd.core.cost import Limits
from autokd.core.trial import DistillParams
from autokd.tracking.metrics import (
    Tally,
    report_values,
    run_name,
    run_params,
    student_params,
    student_values,
)
from tests.report.conftest import build_report
from tests.tracking.fakes import LIMITS, make_opening, some_results, told


def test_each_rung_has_its_curves_and_the_best_never_falls() -> None:
    tally = Tally(LIMITS)
    first, failure, later, promoted = (tally.add(one) for one in some_results())
    assert first["rung0/accuracy"] == first["rung0/best_accuracy"] == 0.5
    assert failure == {"failed": 1.0}
    assert (later["rung0/accuracy"], later["rung0/best_accuracy"]) == (0.25, 0.5)
    assert (promoted["rung1/accuracy"], promoted["rung1/best_accuracy"]) == (0.75, 0.75)
    assert not any(name.startswith("rung0") for name in promoted)


def test_costs_are_those_of_the_candidate_and_the_use_of_the_limits_is_theirs() -> None:
    found = Tally(LIMITS).add(told(1, 0, 0, 0.5, params=25_000))
    assert found["cost/params"] == 25_000
    assert found["cost/size_bytes"] == 100_000
    assert found["cost/latency_ms"] == 1.0
    assert found["cost/limit_use"] == 0.25
    assert "cost/limit_use" not in Tally(Limits()).add(told(1, 0, 0, 0.5))


def test_students_that_are_only_compared_are_not_the_best() -> None:
    tally = Tally(LIMITS)
    tally.add(told(1, 0, 2, 0.5))
    twin = tally.add(told(2, 1, 2, 0.9, origin="twin"))
    assert twin["twin/accuracy"] == 0.9
    assert not any(name.startswith("rung2") for name in twin)
    assert tally.add(told(3, 2, 2, 0.4))["rung2/best_accuracy"] == 0.5


def test_a_device_without_a_latency_has_no_curve_of_it() -> None:
    one = told(1, 0, 0, 0.5)
    none = {"latency_ms": None, "latency_low_ms": None, "latency_high_ms": None}
    cost = one.candidate.cost.model_copy(update=none)
    bare = told(1, 0, 0, 0.5).candidate.model_copy(update={"cost": cost})
    assert "latency_ms" not in student_values(type(one)(1, 0.0, 0, bare, one.result))


def test_a_student_is_known_by_what_it_was_drawn_from() -> None:
    taught = DistillParams(temperature=4.0, alpha=0.9, loss="dkd")
    params = student_params(
        told(1, 7, 0, 0.5).candidate.model_copy(update={"distill": taught}),
    )
    assert (params["temperature"], params["alpha"], params["loss"]) == (4.0, 0.9, "dkd")
    assert (params["member_seed"], params["base_width"], params["origin"]) == (7, 8, "random")
    assert params["block"] == "conv"


def test_settings_are_words_without_those_that_are_not_set(tmp_path) -> None:
    params = run_params(make_opening(tmp_path / "pi-1", "tensorboard"))
    assert params["device"] == "raspberry-pi-5"
    assert params["search.trials"] == "4"
    assert params["teacher.class_names"] == "ant,bee"
    assert params["limits.max_params"] == "100000"
    assert not {"target", "track", "teacher.arch", "search.warm_start"} & params.keys()
    assert run_name(make_opening(tmp_path / "pi-1")) == "pi-1"


def test_the_winner_is_the_first_and_what_was_not_measured_is_left_out() -> None:
    report = build_report()
    winner = report.winners[0]
    values = report_values(report)
    assert values["winner/validation_accuracy"] == winner.validation_accuracy
    assert values["winner/file_bytes"] == winner.file_bytes
    assert values["winner/params"] == winner.cost.params
    assert values["kd_gain"] == pytest.approx(report.kd_gain.gain)
    assert values["seconds/search"] == report.seconds.search
    bare = build_report(kd_gain=None).model_copy(
        update={"winners": (winner.model_copy(update={"measurement": None, "variants": ()}),)}
    )
    assert not {"kd_gain", "winner/measured_p50_ms"} & report_values(bare).keys()


def test_a_timing_that_does_not_count_is_no_number() -> None:
    report = build_report()
    winner = report.winners[0].model_copy(update={"variants": ()})
    measured = winner.measurement.model_copy(update={"valid": True, "reason": None})
    spoiled = measured.model_copy(update={"valid": False, "reason": "heat"})

    def found(timing):
        one = winner.model_copy(update={"measurement": timing})
        return report_values(report.model_copy(update={"winners": (one,)}))

    assert found(measured)["winner/measured_p50_ms"] == measured.p50_ms
    assert "winner/measured_p50_ms" not in found(spoiled)

"""Limits against costs: one sign, and the tightest limit first."""

import math

import pytest
from pydantic import ValidationError

from autokd.core.cost import Cost, Limits

COST = Cost(
    params=50,
    macs=10,
    size_bytes=200,
    activation_bytes=5,
    memory_bytes=300,
    runtime_bytes=100,
    latency_ms=10,
    latency_low_ms=5,
    latency_high_ms=20,
)


def test_a_violation_is_the_relative_excess_and_zero_is_feasible() -> None:
    limits = Limits(max_params=100, max_size_bytes=200, max_memory_bytes=240)
    assert limits.violations(COST) == {
        "max_params": -0.5,
        "max_size_bytes": 0.0,
        "max_memory_bytes": pytest.approx(0.25),
    }


def test_latency_counts_at_the_upper_end_of_its_interval() -> None:
    assert Limits(max_latency_ms=10).violations(COST) == {"max_latency_ms": 1.0}


def test_utilisation_is_of_the_tightest_limit_and_binding_names_it() -> None:
    limits = Limits(max_params=100, max_size_bytes=250)
    assert limits.utilisation(COST) == pytest.approx(0.8)
    assert limits.binding(COST) == "max_size_bytes"


def test_of_memory_the_share_of_what_the_runtime_leaves_counts() -> None:
    assert Limits(max_memory_bytes=500).utilisation(COST) == pytest.approx(
        (300 - 100) / (500 - 100)
    )


def test_a_runtime_that_fills_the_memory_leaves_nothing_to_use() -> None:
    assert Limits(max_memory_bytes=100).utilisation(COST) == math.inf


def test_at_the_limit_utilisation_is_one_and_violation_zero_for_every_limit() -> None:
    exact = Limits(max_params=50, max_size_bytes=200, max_memory_bytes=300, max_latency_ms=20)
    assert set(exact.violations(COST).values()) == {0.0}
    assert exact.utilisation(COST) == 1.0


def test_no_limits_are_met_by_anything() -> None:
    limits = Limits()
    assert limits.is_empty()
    assert not Limits(max_params=1).is_empty()
    assert (limits.violations(COST), limits.utilisation(COST), limits.binding(COST)) == (
        {},
        0.0,
        None,
    )


def test_limits_that_are_given_replace_those_that_are_not() -> None:
    profile = Limits(max_params=1, max_latency_ms=33)
    assert profile.overridden_by(Limits(max_latency_ms=5)) == Limits(max_params=1, max_latency_ms=5)


UNTIMED = COST.model_copy(
    update={"latency_ms": None, "latency_low_ms": None, "latency_high_ms": None}
)


def test_a_latency_is_claimed_with_both_ends_or_not_at_all() -> None:
    assert COST.latency_interval_ms == (5, 10, 20)
    assert UNTIMED.latency_interval_ms is None
    with pytest.raises(ValidationError, match="both ends of its interval or none"):
        Cost.model_validate(COST.model_dump() | {"latency_low_ms": None})


def test_a_cost_without_a_latency_is_held_by_the_other_limits() -> None:
    limits = Limits(max_size_bytes=100, max_memory_bytes=500)
    assert limits.violations(UNTIMED) == {"max_size_bytes": 1.0, "max_memory_bytes": -0.4}
    assert limits.binding(UNTIMED) == "max_size_bytes"


def test_a_latency_that_nobody_claims_cannot_be_limited() -> None:
    with pytest.raises(ValueError, match="max_latency_ms = 5 on a device without a latency"):
        Limits(max_latency_ms=5).utilisation(UNTIMED)


@pytest.mark.parametrize("name", list(Limits.model_fields))
def test_a_limit_of_zero_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        Limits(**{name: 0})

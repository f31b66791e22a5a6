"""What a trial is worth, and what a candidate may be."""

from typing import Any

import pytest
from pydantic import ValidationError

from autokd.core.cost import Cost
from autokd.core.family import FamilyParams
from autokd.core.trial import (
    Candidate,
    DistillParams,
    Failure,
    Fidelity,
    Observation,
    Trial,
    TrialState,
)


def observed(rung: int, accuracy: float) -> Observation:
    return Observation(
        fidelity=Fidelity(rung=rung, images=1000, seconds=1),
        accuracy=accuracy,
        loss=1,
        agreement=0.5,
        train_seconds=1,
        images_per_second=1000,
    )


def trial(*observations: Observation, **given: Any) -> Trial:
    family = FamilyParams(
        preset="edge",
        top_nodes=3,
        top_degree=2,
        top_rewire=0.5,
        mid_nodes=1,
        mid_edge=0.5,
        bottom_nodes=3,
        bottom_degree=2,
        bottom_rewire=0.5,
        input_px=28,
    )
    cost = Cost(
        params=1,
        macs=1,
        size_bytes=1,
        activation_bytes=1,
        memory_bytes=1,
        latency_ms=1,
        latency_low_ms=1,
        latency_high_ms=1,
    )
    candidate = Candidate(
        family=family,
        distill=DistillParams(temperature=4, alpha=0.9),
        member_seed=1,
        base_width=8,
        cost=cost,
        origin="prior",
    )
    state = given.pop("state", TrialState.PAUSED)
    return Trial(trial_id=0, candidate=candidate, state=state, observations=observations, **given)


def test_before_the_first_rung_a_trial_is_worth_nothing() -> None:
    assert (trial().rung, trial().accuracy) == (-1, 0.0)


def test_the_highest_rung_counts_even_when_an_earlier_one_was_better() -> None:
    last = trial(observed(0, 0.8), observed(1, 0.7))
    assert (last.rung, last.accuracy) == (1, 0.7)


def test_a_failed_trial_is_worth_nothing_whatever_it_had() -> None:
    failure = Failure(kind="TrainingError", message="loss is nan", rung=1)
    assert trial(observed(0, 0.8), state=TrialState.FAILED, failure=failure).accuracy == 0.0


def test_a_trial_survives_a_file() -> None:
    one = trial(observed(0, 0.25))
    assert Trial.model_validate_json(one.model_dump_json()) == one


def test_the_stored_names_of_states_stay() -> None:
    """Ledgers hold them."""
    assert {s.name: s.value for s in TrialState} == {
        "ASKED": "asked",
        "RUNNING": "running",
        "PAUSED": "paused",
        "FAILED": "failed",
    }


@pytest.mark.parametrize(("temperature", "alpha"), [(0.5, 0.5), (21, 0.5), (4, -0.1), (4, 1.1)])
def test_distillation_parameters_keep_their_range(temperature: float, alpha: float) -> None:
    with pytest.raises(ValidationError):
        DistillParams(temperature=temperature, alpha=alpha)


def test_a_trial_from_before_losses_had_names_was_taught_by_kd() -> None:
    """Ledgers hold them."""
    one = trial(observed(0, 0.25))
    raw = one.model_dump(mode="json")
    assert raw["candidate"]["distill"].pop("loss") == "kd"
    assert Trial.model_validate(raw) == one


def test_a_loss_has_the_form_of_a_name() -> None:
    assert DistillParams(temperature=4, alpha=0.5, loss="logit-std").loss == "logit-std"
    with pytest.raises(ValidationError, match="a name has small letters, digits and single dashes"):
        DistillParams.model_validate({"temperature": 4, "alpha": 0.5, "loss": "logit_std"})


@pytest.mark.parametrize("accuracy", [-0.01, 1.01, float("nan")])
def test_accuracy_is_a_fraction(accuracy: float) -> None:
    with pytest.raises(ValidationError, match="accuracy"):
        observed(0, accuracy)

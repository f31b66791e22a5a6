import statistics

import pytest

from autokd.core.config import SearchConfig
from autokd.core.trial import Candidate, Fidelity, Observation, Trial, TrialState
from autokd.pipeline.kd_gain import (
    ENOUGH_SECONDS,
    gain_candidates,
    gain_rounds,
    gain_seeds,
    kd_gain_of,
)
from tests.search.fakes import candidate


@pytest.fixture
def winner() -> Candidate:
    return candidate()


def trial(number: int, of: Candidate, accuracy: float) -> Trial:
    seen = Observation(
        fidelity=Fidelity(rung=2, images=5000, seconds=1.0),
        accuracy=accuracy,
        loss=1.0,
        agreement=0.5,
        train_seconds=1.0,
        images_per_second=1.0,
    )
    return Trial(trial_id=number, candidate=of, state=TrialState.PAUSED, observations=(seen,))


@pytest.mark.parametrize(
    ("given", "labelled", "seconds", "seeds"),
    [
        ({}, True, ENOUGH_SECONDS - 1, 1),
        ({}, True, ENOUGH_SECONDS, 3),
        ({}, True, None, 1),
        ({"kd_gain_seeds": 5}, True, None, 5),
        ({"kd_gain_seeds": 1}, True, 10 * ENOUGH_SECONDS, 1),
        ({"kd_gain": False, "kd_gain_seeds": 5}, True, None, 0),
        ({}, False, 10 * ENOUGH_SECONDS, 0),
    ],
)
def test_seeds_are_those_asked_for_or_those_that_the_budget_affords(
    given: dict[str, object], labelled: bool, seconds: float | None, seeds: int
) -> None:
    search = SearchConfig.model_validate(given)
    assert gain_seeds(search, labelled=labelled, full_seconds_with_three=seconds) == seeds


def test_the_winners_own_training_is_not_repeated() -> None:
    assert [gain_rounds(seeds, 1) for seeds in (0, 1, 2, 3)] == [0, 1, 3, 5]
    assert [gain_rounds(3, workers) for workers in (2, 4, 5, 64)] == [3, 2, 1, 1]


def test_pairs_differ_in_the_teacher_alone_and_from_each_other_in_the_seed(
    winner: Candidate,
) -> None:
    pairs = gain_candidates(winner, 3)
    assert pairs[0][0] == winner
    for number, (taught, plain) in enumerate(pairs):
        assert taught.distill == winner.distill
        assert plain.distill == winner.distill.model_copy(update={"alpha": 0.0})
        assert taught.repeat == plain.repeat == number
        assert (taught.family, taught.member_seed) == (plain.family, plain.member_seed)
        assert plain.origin == "twin"
        assert taught.origin == ("repeat" if number else winner.origin)


def test_the_gain_is_the_mean_over_the_pairs_with_its_spread(winner: Candidate) -> None:
    assert kd_gain_of([], 1000) is None
    taught, plain = (0.80, 0.84, 0.81), (0.70, 0.80, 0.75)
    pairs = [
        (trial(0, winner, one), trial(1, winner, other))
        for one, other in zip(taught, plain, strict=True)
    ]
    gain = kd_gain_of(pairs, 1000)
    assert gain is not None
    assert (gain.epochs, gain.seeds) == (5.0, 3)
    assert gain.gain == pytest.approx(statistics.fmean([0.10, 0.04, 0.06]))
    assert gain.gain_std == pytest.approx(statistics.stdev([0.10, 0.04, 0.06]))
    single = kd_gain_of(pairs[:1], 1000)
    assert single is not None
    assert (single.seeds, single.gain_std) == (1, None)

"""Members of one family."""

import pytest

from autokd.core.trial import Observation
from autokd.report.spread import members_spread


def grown(report, changes):
    """Add copies of trial 0: for each of ``changes`` its candidate's changes and accuracies."""
    first = report.trials[0]
    like = first.observations[0]
    trials = []
    for number, (candidate, accuracies) in enumerate(changes):
        seen = tuple(
            Observation(
                fidelity=like.fidelity.model_copy(update={"rung": rung}),
                accuracy=accuracy,
                loss=1.0,
                agreement=accuracy,
                train_seconds=1.0,
                images_per_second=1.0,
            )
            for rung, accuracy in accuracies.items()
        )
        update = {"candidate": first.candidate.model_copy(update=candidate), "trial_id": number}
        trials.append(first.model_copy(update={**update, "observations": seen}))
    return report.model_copy(update={"trials": tuple(trials)})


def test_trials_of_their_own_families_have_no_spread(report) -> None:
    assert members_spread(report) is None


def test_members_are_compared_on_the_highest_rung_that_two_share(report) -> None:
    spread = members_spread(
        grown(
            report,
            [
                ({"member_seed": 1}, {0: 0.30, 1: 0.50, 2: 0.70}),
                ({"member_seed": 2}, {1: 0.56}),
                ({"member_seed": 3}, {0: 0.10}),
            ],
        )
    )
    (family,) = spread.families
    assert (family.name, family.members, family.rung) == ("Family of trial 0", 2, 1)
    assert family.accuracy == "50.00 % to 56.00 %"
    assert family.difference == "6.00 points"
    assert family.places == (spread.axis.place(0.5), spread.axis.place(0.56))


def test_one_member_trained_twice_is_one_member(report) -> None:
    twice = [({"member_seed": 1}, {1: 0.5}), ({"member_seed": 1, "repeat": 1}, {1: 0.6})]
    assert members_spread(grown(report, twice)) is None


def test_another_temperature_is_another_teaching(report) -> None:
    other = report.trials[0].candidate.distill.model_copy(update={"temperature": 9.0})
    pair = [({"member_seed": 1}, {1: 0.5}), ({"member_seed": 2, "distill": other}, {1: 0.6})]
    assert members_spread(grown(report, pair)) is None


@pytest.mark.parametrize("origin", ["twin", "repeat"])
def test_what_is_only_compared_does_not_count(report, origin) -> None:
    pair = [({"member_seed": 1}, {1: 0.5}), ({"member_seed": 2, "origin": origin}, {1: 0.6})]
    changed = grown(report, pair).model_copy(update={"full_rung": 3})
    assert members_spread(changed) is None


def test_latencies_are_a_range_or_one_value(report) -> None:
    cost = report.trials[0].candidate.cost
    slow = cost.model_copy(update={"latency_ms": 7.0})
    fast = cost.model_copy(update={"latency_ms": 2.0})
    for costs, text in (((fast, slow), "2.00 ms to 7.00 ms"), ((slow, slow), "7.00 ms")):
        pair = [({"member_seed": n, "cost": one}, {0: 0.5 + n / 9}) for n, one in enumerate(costs)]
        assert members_spread(grown(report, pair)).families[0].latency == text


def test_where_no_latency_is_claimed_none_is_shown(untimed) -> None:
    pair = [({"member_seed": 1}, {1: 0.5}), ({"member_seed": 2}, {1: 0.6})]
    assert members_spread(grown(untimed, pair)).families[0].latency == ""

import pickle

import numpy as np
import pytest

from autokd.core.cost import Limits
from autokd.core.sourced import Sourced
from autokd.space.descriptors import NAMES


@pytest.mark.parametrize("preset", ["edge", "paper"])
def test_every_member_keeps_every_limit_and_fills_its_share(space, members, preset):
    drawn_from = space(preset, max_params=150_000, max_latency_ms=60.0)
    for member in members(drawn_from, 30):
        assert max(drawn_from.limits.violations(member.cost).values()) <= 0
        assert drawn_from.limits.utilisation(member.cost) <= member.family.fill


def test_members_are_nearly_as_large_as_they_may_be(space, members):
    drawn_from = space(max_params=150_000)
    shares = [
        drawn_from.limits.utilisation(m.cost) / m.family.fill for m in members(drawn_from, 40)
    ]
    assert np.median(shares) > 0.9


def test_a_candidate_says_all_that_is_needed_to_build_it_again(space, members):
    (member,) = members(space(max_params=50_000), 1)
    again = pickle.loads(pickle.dumps(member))
    assert space(max_params=50_000).genotype(again) == space(max_params=50_000).genotype(member)
    assert space(max_params=50_000).program(again) == space(max_params=50_000).program(member)


def test_no_member_where_the_smallest_width_is_over(space):
    tiny = space(max_params=200)
    family, distill = tiny.decode(np.full(tiny.dimension, 0.5))
    assert tiny.member(family, distill, member_seed=0, origin="random") is None


def test_descriptors_are_finite_and_tell_members_apart(space, members):
    drawn_from = space(max_params=100_000)
    rows = np.array([drawn_from.descriptors(m) for m in members(drawn_from, 20)])
    assert rows.shape == (20, len(NAMES))
    assert np.isfinite(rows).all()
    assert (rows[:, :12].std(axis=0) > 0).all()


@pytest.mark.parametrize("preset", ["edge", "paper"])
def test_every_candidate_is_taught_by_the_loss_of_its_space(space, preset):
    drawn_from = space(preset, loss="dist", max_params=100_000)
    points = (*drawn_from.starts(), np.full(drawn_from.dimension, 0.3))
    drawn = [drawn_from.draw(point, member_seed=0, origin="prior") for point in points]
    assert [c.distill.loss for c in drawn if c] == ["dist"] * len(points)


def test_members_follow_a_slower_device_and_other_limits(space, members) -> None:
    drawn_from = space(max_latency_ms=60.0)
    (member,) = members(drawn_from, 1)
    again = {"member_seed": member.member_seed, "origin": "random"}
    tighter = drawn_from.with_limits(drawn_from.limits.overridden_by(Limits(max_latency_ms=40.0)))
    assert tighter.member(member.family, member.distill, **again).base_width < member.base_width
    assert drawn_from.member(member.family, member.distill, **again) == member
    latency = drawn_from.profile.latency
    slower = {
        name: Sourced(value=getattr(latency, name).value / 2, source="half")
        for name in ("conv", "pointwise", "depthwise", "linear", "bandwidth")
    }
    drawn_from.predict_by(latency.model_copy(update=slower))
    assert drawn_from.revision == 1
    narrower = drawn_from.member(member.family, member.distill, **again)
    assert narrower.base_width < member.base_width
    assert narrower.cost.latency_high_ms <= 60.0

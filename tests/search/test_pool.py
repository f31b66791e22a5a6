import numpy as np

from autokd.search.pool import Pool
from tests.search.fakes import FakeSpace


class StartingSpace(FakeSpace):
    """Starts with a point that fits no limit and two that fit."""

    def starts(self):
        return (np.ones(6), np.full(6, 0.25), np.full(6, 0.5))


def test_the_first_trials_are_the_starts_that_fit_and_then_spread_points() -> None:
    space = StartingSpace()
    pool = Pool(space, seed=0)
    first = [pool.initial(number, design=8) for number in range(8)]
    assert [c.family.mid_edge for c in first[:2]] == [0.25, 0.5]
    assert [c.distill.alpha for c in first[:2]] == [0.25, 0.5]
    spread = [Pool(FakeSpace(), seed=0).initial(number, design=8) for number in range(6)]
    assert [c.family for c in first[2:]] == [c.family for c in spread]
    assert pool.initial(8, design=8) is None


def test_starts_are_cut_to_the_length_of_the_design() -> None:
    pool = Pool(StartingSpace(), seed=0)
    assert pool.initial(0, design=1).family.mid_edge == 0.25
    assert pool.initial(1, design=1) is None


def test_members_are_drawn_anew_when_the_space_sizes_them_otherwise() -> None:
    space = FakeSpace()
    pool = Pool(space, seed=0)
    before = pool.members([], trial_id=0)
    drawn = space.drawn
    assert [m.candidate for m in pool.members([], trial_id=0)] == [m.candidate for m in before]
    assert space.drawn == drawn
    space.revision += 1
    pool.members([], trial_id=0)
    assert space.drawn > drawn

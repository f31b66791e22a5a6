import numpy as np
import pytest
from scipy.stats import norm

from autokd.core.cost import Limits
from autokd.core.trial import Trial, TrialState
from autokd.search import effects
from autokd.search.effects import FEWEST_TRIALS, first_order_shares, parameter_effects
from tests.search.fakes import FakeSpace, candidate, observation, trial

WEIGHTS = np.array([3.0, 2.0, 1.0, 0.0])
# Of independent uniform inputs x_i the function sum a_i x_i has the indices a_i^2 / sum a_i^2.
SHARES = WEIGHTS**2 / (WEIGHTS**2).sum()
NAMES = ("first", "second", "third", "inert")


class Cube(FakeSpace):
    """Four real coordinates, each kept by a parameter of its own; every point fits."""

    dimension = 4

    def draw(self, point, *, member_seed, origin):
        full = np.array([0.4, point[0], point[1], point[2], 0.5, point[3]])
        family, distill = self.decode(full)
        return candidate(family=family, distill=distill, member_seed=member_seed, origin=origin)

    def point(self, candidate):
        return self.encode(candidate.family, candidate.distill)[[1, 2, 3, 5]]

    def descriptors(self, candidate):
        return np.zeros(1)


class Corner(Cube):
    """One member in a hundred fits."""

    def draw(self, point, *, member_seed, origin):
        fits = point[0] < 0.01
        return super().draw(point, member_seed=member_seed, origin=origin) if fits else None


def trials_of(space: FakeSpace, count: int, accuracy, *, seed: int = 0) -> list[Trial]:
    """Give trials at random, each with a result on both rungs."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < count:
        drawn = space.draw(rng.random(space.dimension), member_seed=len(found), origin="random")
        if drawn is None:
            continue
        score = float(accuracy(space.point(drawn)))
        found.append(
            Trial(
                trial_id=len(found),
                candidate=drawn,
                state=TrialState.PAUSED,
                observations=(observation(0, score - 0.05), observation(1, score)),
            )
        )
    return found


def normal_sum(point: np.ndarray) -> float:
    """Give an additive accuracy whose ranks are additive too, as sums of normal numbers are."""
    normal = norm.ppf(np.clip(point, 0.02, 0.98))
    return 0.5 + 0.03 * float(WEIGHTS @ normal)


def found(trials, space=None, *, seed: int = 0):
    return parameter_effects(trials, space or Cube(), names=NAMES, last_rung=1, seed=seed)


def test_an_additive_function_has_the_indices_of_the_closed_form() -> None:
    points = np.random.default_rng(0).random((20_000, 4))
    (shares,) = first_order_shares(points, (points @ WEIGHTS)[None])
    assert shares == pytest.approx(SHARES, abs=0.015)


def test_choices_count_by_their_values() -> None:
    # Levels 0, 1, 2 have the variance 2/3, a coin has 1/4.
    rng = np.random.default_rng(1)
    points = np.column_stack([rng.integers(0, 3, 20_000), rng.integers(0, 2, 20_000)]).astype(float)
    (shares,) = first_order_shares(points, (points[:, 0] + points[:, 1])[None])
    assert shares == pytest.approx([8 / 11, 3 / 11], abs=0.01)


def test_what_only_two_move_together_is_the_share_of_neither() -> None:
    signs = np.random.default_rng(2).choice([-1.0, 1.0], (20_000, 2))
    assert first_order_shares(signs, signs.prod(axis=1)[None]).max() < 0.001


def test_chance_is_taken_off_so_that_few_points_give_an_inert_column_next_to_nothing() -> None:
    rng = np.random.default_rng(3)
    points, values = rng.random((200, 1)), rng.standard_normal((400, 200))
    # Without it the mean would be 9 of 199 degrees of freedom, 0.045.
    assert first_order_shares(points, values).mean() < 0.015


def test_a_constant_function_and_a_column_of_one_value_have_no_share() -> None:
    points = np.column_stack([np.linspace(0, 1, 50), np.full(50, 0.3)])
    shares = first_order_shares(points, np.stack([points[:, 0], np.ones(50)]))
    assert shares[0] == pytest.approx([0.99, 0.0], abs=0.02)
    assert shares[1].tolist() == [0.0, 0.0]


def test_the_surrogate_of_a_search_finds_the_shares_of_an_additive_accuracy() -> None:
    given = found(trials_of(Cube(), 100, normal_sum))
    assert [effect.name for effect in given] == list(NAMES)  # the largest first
    assert [effect.share for effect in given] == pytest.approx(SHARES, abs=0.08)
    for effect, true in zip(given, SHARES, strict=True):
        assert effect.share_low - 0.05 <= true <= effect.share_high + 0.05


def test_the_interval_holds_the_share_and_is_narrower_with_more_students() -> None:
    few, many = (found(trials_of(Cube(), count, normal_sum)) for count in (14, 100))
    assert all(e.share_low <= e.share <= e.share_high for e in (*few, *many))

    def width(given) -> float:
        return sum(effect.share_high - effect.share_low for effect in given)

    assert width(many) < 0.6 * width(few)


def test_one_failed_student_does_not_outweigh_the_others() -> None:
    trials = trials_of(Cube(), 60, normal_sum)
    failed = trial(60, failed=0)
    drawn = Cube().draw(np.array([0.5, 0.5, 0.5, 0.99]), member_seed=60, origin="random")
    given = found([*trials, failed.model_copy(update={"candidate": drawn})])
    assert given[0].name == "first"
    assert next(effect.share for effect in given if effect.name == "inert") < 0.1


def test_the_same_seed_gives_the_same_effects() -> None:
    trials = trials_of(Cube(), 20, normal_sum)
    assert found(trials, seed=4) == found(trials, seed=4)
    assert found(trials, seed=4) != found(trials, seed=5)


def test_a_parameter_of_one_value_is_not_among_them() -> None:
    class Flat(Cube):
        def draw(self, point, *, member_seed, origin):
            point = np.array([*point[:2], 0.5, point[3]])
            return super().draw(point, member_seed=member_seed, origin=origin)

    given = found(trials_of(Flat(), 20, normal_sum), Flat())
    assert sorted(effect.name for effect in given) == ["first", "inert", "second"]


def test_with_fewer_students_than_that_nothing_is_said() -> None:
    trials = trials_of(Cube(), FEWEST_TRIALS, normal_sum)
    assert found(trials)
    failed = [trial(100 + number, failed=0) for number in range(9)]
    assert found([*trials[1:], *failed]) == ()


def test_where_next_to_nothing_fits_nothing_is_said() -> None:
    trials = trials_of(Cube(), 20, normal_sum)
    assert found(trials, Corner()) == ()


def test_students_that_are_all_alike_say_nothing_and_are_no_error() -> None:
    # All on one rung with one accuracy: there is nothing to fit.
    trials = [
        one.model_copy(update={"observations": (observation(0, 0.5),)})
        for one in trials_of(Cube(), 20, normal_sum)
    ]
    assert found(trials) == ()


def test_members_that_do_not_fit_are_not_averaged_over(monkeypatch) -> None:
    space = FakeSpace(limits=Limits(max_params=100_000))
    names = ("top_nodes", "mid_edge", "bottom_rewire", "fill", "temperature", "alpha")
    seen = []
    original = effects.first_order_shares
    monkeypatch.setattr(
        effects, "first_order_shares", lambda p, v: seen.append(p) or original(p, v)
    )
    trials = trials_of(space, 30, lambda point: 0.3 + 0.4 * point[3])
    given = parameter_effects(trials, space, names=names, last_rung=1, seed=0)
    nodes, edge = 3 + 5 * seen[0][:, 0], seen[0][:, 1]
    assert (nodes * edge).max() <= 5
    assert given[0].name == "fill"
    assert given[0].share > 0.7

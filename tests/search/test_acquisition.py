import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from autokd.search.acquisition import MASS_AT_LIMIT, log_ehvi, log_ei, log_h, staircase


@pytest.mark.parametrize("z", [-30.0, -9.0, -3.0, -1.001, -0.999, -0.5, 0.0, 1.0, 5.0, 40.0])
def test_log_h_is_the_logarithm_of_the_integral(z: float) -> None:
    # E[(z + e)+] = phi(z) * integral of t exp(z t - t^2 / 2) over t > 0
    high = max(z, 0.0)
    peak = quad(
        lambda t: t * np.exp(z * t - t**2 / 2 - high**2 / 2),
        0,
        high + 40,
        limit=500,
        points=[high] if high else [0.1],
    )[0]
    expected = norm.logpdf(z) + np.log(peak) + high**2 / 2
    assert log_h(np.array([z]))[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("z", [-30.0, -300.0, -9.9e3, -1.01e4, -1e6])
def test_log_h_follows_its_asymptotic_series_far_out(z: float) -> None:
    series = 1 - 3 / z**2 + 15 / z**4 - 105 / z**6 + 945 / z**8
    expected = -0.5 * z**2 - 0.5 * np.log(2 * np.pi) - 2 * np.log(-z) + np.log(series)
    assert log_h(np.array([z]))[0] == pytest.approx(expected, rel=1e-9)


def test_log_h_rises_without_a_break_where_its_formula_changes() -> None:
    for place in (-1.0, -1e4):
        z = np.linspace(place * 1.0001, place * 0.9999, 101)
        steps = np.diff(log_h(z))
        assert (steps > 0).all()
        assert steps.max() < 1.2 * steps.min()


def test_log_ei_is_the_logarithm_of_the_mean_gain_over_the_best() -> None:
    mu, sigma, best = 0.3, 0.2, 0.4
    mean = quad(lambda y: (y - best) * norm.pdf(y, mu, sigma), best, mu + 12 * sigma)[0]
    assert log_ei(np.array([mu]), np.array([sigma]), best=best) == pytest.approx(np.log(mean))


def test_the_staircase_keeps_what_rises_and_nothing_else() -> None:
    mu = np.array([0.5, 0.2, 1.0, 0.4, 0.9, -1.0])
    u = np.array([0.4, 0.6, 0.8, 0.4, 0.8, 0.1])
    starts, levels = staircase(mu, u, floor=-1.0)
    assert starts.tolist() == [0.0, 0.4, 0.8]
    assert levels.tolist() == [-1.0, 0.5, 1.0]


def test_without_limits_all_stand_at_the_start_of_the_staircase() -> None:
    starts, levels = staircase(np.array([0.1, 0.7]), np.zeros(2), floor=0.1)
    assert starts.tolist() == [0.0]
    assert levels.tolist() == [0.7]


def hypervolume(points, floor):
    """Area under the staircase of the points over 0..1, plus its height at 1; by brute force."""
    grid = np.append((np.arange(2_000) + 0.5) / 2_000, 1.0)
    height = np.full_like(grid, floor)
    for y, u in points:
        height = np.where(grid >= u, np.maximum(height, y), height)
    return height[:-1].mean() + MASS_AT_LIMIT * height[-1]


def test_the_closed_form_is_the_expected_gain_in_hypervolume() -> None:
    rng = np.random.default_rng(0)
    front = list(zip([-0.5, 0.3, 1.1], [0.2, 0.5, 0.9], strict=True))
    starts, levels = staircase(
        np.array([y for y, _ in front]), np.array([u for _, u in front]), floor=-2.0
    )
    mu, sigma = rng.normal(size=6), rng.uniform(0.1, 1.0, size=6)
    u = np.array([0.05, 0.2, 0.35, 0.5, 0.95, 1.0])
    got = np.exp(log_ehvi(mu, sigma, u, starts=starts, levels=levels))
    before = hypervolume(front, -2.0)
    z = np.linspace(-8.0, 8.0, 801)
    for i in range(6):
        gains = [hypervolume([*front, (mu[i] + sigma[i] * e, u[i])], -2.0) - before for e in z]
        expected = np.sum(gains * norm.pdf(z)) * (z[1] - z[0])
        assert got[i] == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_candidates_hopelessly_below_the_front_are_still_told_apart() -> None:
    starts, levels = staircase(np.array([100.0]), np.array([0.0]), floor=-1.0)
    gain = log_ehvi(
        np.array([0.0, 1.0]), np.full(2, 0.5), np.full(2, 0.5), starts=starts, levels=levels
    )
    assert np.isfinite(gain).all()
    assert gain[1] > gain[0]


def test_of_two_equal_beliefs_the_smaller_student_gains_more() -> None:
    starts, levels = staircase(np.array([0.0, 1.0]), np.array([0.3, 0.9]), floor=-1.0)
    gain = log_ehvi(
        np.array([0.8, 0.8]), np.full(2, 0.3), np.array([0.5, 0.8]), starts=starts, levels=levels
    )
    assert gain[0] > gain[1]

import gpytorch
import numpy as np
import pytest
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from scipy import stats
from scipy.optimize import approx_fprime

from autokd.search.hyperparameters import LogNormal, log_posterior, most_probable

SCALES = LogNormal(loc=np.sqrt(2) + np.log(4) / 2, scale=np.sqrt(3), lower=0.025)  # of BoTorch
NOISE = LogNormal(loc=-4.0, scale=1.0, lower=1e-4)


def data(n: int = 30, *, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.random((n, 4))
    y = np.sin(5 * x[:, 0]) + x[:, 1] ** 2 + noise * rng.normal(size=n)
    return x, (y - y.mean()) / y.std(ddof=1)


def by_botorch(x: np.ndarray, y: np.ndarray) -> SingleTaskGP:
    targets = torch.from_numpy(y).unsqueeze(-1)
    return SingleTaskGP(torch.from_numpy(x), targets, outcome_transform=None)


def objective_of(model: SingleTaskGP) -> float:
    """What BoTorch climbs, times the number of rows."""
    mll = gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model)
    model.train()
    value = mll(model(*model.train_inputs), model.train_targets).detach()
    return float(value) * len(model.train_targets)


def test_the_density_of_a_prior_is_that_of_scipy() -> None:
    values = np.array([0.3, 2.0])
    density, slope = SCALES.log_density(np.log(values))
    oracle = stats.lognorm(s=SCALES.scale, scale=np.exp(SCALES.loc))
    assert density == pytest.approx(oracle.logpdf(values).sum())
    step = 1e-6
    nearby = [oracle.logpdf(values * np.exp(sign * step)) for sign in (1, -1)]
    assert slope == pytest.approx((nearby[0] - nearby[1]) / (2 * step), rel=1e-6)
    assert oracle.pdf(SCALES.mode) > max(oracle.pdf(SCALES.mode * np.array([0.9, 1.1])))


def test_the_objective_is_the_one_of_gpytorch() -> None:
    x, y = data()
    theta = np.log([0.3, 0.8, 2.0, 5.0, 0.02])
    model = by_botorch(x, y)
    value, _, mean = log_posterior(x, y, theta, length_scales=SCALES, noise=NOISE)
    model.covar_module.lengthscale = torch.exp(torch.from_numpy(theta[:-1]))
    model.likelihood.noise = float(np.exp(theta[-1]))
    model.mean_module.constant = mean
    assert value == pytest.approx(objective_of(model), rel=1e-6)
    for wrong in (mean - 0.01, mean + 0.01):
        model.mean_module.constant = wrong
        assert objective_of(model) < value


def test_the_gradient_is_that_of_finite_differences() -> None:
    x, y = data()
    theta = np.log([0.3, 0.8, 2.0, 5.0, 0.02])

    def value(at: np.ndarray) -> float:
        return log_posterior(x, y, at, length_scales=SCALES, noise=NOISE)[0]

    _, gradient, _ = log_posterior(x, y, theta, length_scales=SCALES, noise=NOISE)
    assert gradient == pytest.approx(approx_fprime(theta, value, 1e-6), abs=1e-4)


@pytest.mark.parametrize("noise", [0.0, 0.1, 2.0])
def test_the_fit_is_at_least_as_probable_as_the_one_of_botorch(noise: float) -> None:
    x, y = data(noise=noise)
    model = by_botorch(x, y)
    found = most_probable(x, y, length_scales=SCALES, noise=NOISE)
    theta = np.log([*found.length_scales, found.noise])
    ours, _, mean = log_posterior(x, y, theta, length_scales=SCALES, noise=NOISE)
    fit_gpytorch_mll(gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model))
    assert ours > objective_of(model) - 1e-3
    assert mean == found.mean
    assert found.length_scales.min() >= SCALES.lower
    assert found.noise >= NOISE.lower * (1 - 1e-9)


def test_outcomes_that_are_not_finite_are_one_kind_of_error() -> None:
    x, y = data()
    y[3] = np.nan
    with pytest.raises(RuntimeError, match="cannot be fitted"):
        most_probable(x, y, length_scales=SCALES, noise=NOISE)

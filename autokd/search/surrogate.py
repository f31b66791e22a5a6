"""One exact Gaussian process for accuracy: over candidates and training length together.

Symbols:
    X  (n, d)  inputs in 0..1; the last column is the rung
    Y  (n,)    rank-normal accuracies
"""

import warnings
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from autokd.search.hyperparameters import LogNormal, most_probable

with warnings.catch_warnings():
    # linear_operator meets this while it is imported, and nobody here can mend it.
    warnings.filterwarnings("ignore", r".torch\.jit\.script. is deprecated", FutureWarning)
    from botorch.models import SingleTaskGP
    from botorch.posteriors.gpytorch import GPyTorchPosterior
    from gpytorch.constraints import GreaterThan
    from gpytorch.priors import LogNormalPrior
    from linear_operator.utils.errors import NotPSDError

FloatArray = NDArray[np.float64]

# What a fit may end in; torch.linalg's errors and linear_operator's NanError are RuntimeErrors.
FIT_ERRORS = (NotPSDError, RuntimeError)


def rank_normal(values: FloatArray) -> FloatArray:
    """Give normal quantiles of the ranks, (n,); ties get the mean of their ranks.

    A student that learned nothing is then as far from the rest as the second worst, not so far that
    all differences between good ones vanish beside it.
    """
    return np.asarray(norm.ppf((rankdata(values) - 0.5) / len(values)), dtype=np.float64)


class Surrogate:
    """A fitted Gaussian process. Make one with `fit_surrogate`."""

    def __init__(self, model: SingleTaskGP, *, shift: float, scale: float) -> None:
        self._model = model
        self._shift = shift
        self._scale = scale

    def predict(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give mean and standard deviation of the noiseless outcome at X, each (m,).

        Raises:
            RuntimeError: They are not finite.
        """
        with torch.no_grad():
            posterior = self._model.posterior(torch.from_numpy(X))
            mean = posterior.mean.squeeze(-1).numpy()
            deviation = posterior.variance.clamp_min(1e-12).sqrt().squeeze(-1).numpy()
        if not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
            msg = "the surrogate's prediction is not finite"
            raise RuntimeError(msg)
        return mean * self._scale + self._shift, deviation * self._scale

    def joint(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give mean (m,) and covariance (m, m) of the noiseless outcomes at X.

        Raises:
            RuntimeError: They are not finite.
        """
        with torch.no_grad():
            # Outcomes are not transformed inside the model, so that the posterior is normal.
            posterior = cast("GPyTorchPosterior", self._model.posterior(torch.from_numpy(X)))
            found = posterior.distribution
            mean, covariance = found.mean.numpy(), found.covariance_matrix.numpy()
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            msg = "the surrogate's prediction is not finite"
            raise RuntimeError(msg)
        return mean * self._scale + self._shift, covariance * self._scale**2

    def believing(self, X: FloatArray) -> "Surrogate":
        """Give the surrogate as it would be if the outcome at X were what it predicts there.

        Its means stay; its doubt at X goes, so that the next candidate is chosen elsewhere.
        """
        known, outcomes = self._model.train_inputs[0], self._model.train_targets
        new = torch.from_numpy(X)
        with torch.no_grad():
            believed = self._model.posterior(new).mean.squeeze(-1)
        model = SingleTaskGP(known, outcomes.unsqueeze(-1), outcome_transform=None)
        model.load_state_dict(self._model.state_dict())
        # The typed interface of a module knows its attributes as tensors or modules only.
        model.set_train_data(  # type: ignore[operator]
            torch.cat([known, new]), torch.cat([outcomes, believed]), strict=False
        )
        model.eval()
        return Surrogate(model, shift=self._shift, scale=self._scale)


def fit_surrogate(X: FloatArray, Y: FloatArray) -> Surrogate:
    """Fit one by maximum a posteriori under BoTorch's priors; the same data give the same fit.

    Raises:
        NotPSDError: The kernel matrix cannot be factored.
        RuntimeError: All outcomes are equal, or anything else in the linear algebra.
    """
    shift, scale = float(Y.mean()), float(Y.std(ddof=1))
    if not scale > 0:
        msg = "all outcomes are equal; there is nothing to fit"
        raise RuntimeError(msg)
    targets = (Y - shift) / scale
    model = SingleTaskGP(
        torch.from_numpy(X), torch.from_numpy(targets).unsqueeze(-1), outcome_transform=None
    )
    kernel, noise = model.covar_module, model.likelihood.noise_covar
    found = most_probable(
        X,
        targets,
        length_scales=_prior(kernel.lengthscale_prior, kernel.raw_lengthscale_constraint),
        noise=_prior(noise.noise_prior, noise.raw_noise_constraint),
    )
    kernel.lengthscale = torch.from_numpy(found.length_scales)
    model.likelihood.noise = found.noise
    model.mean_module.constant = found.mean
    return Surrogate(model, shift=shift, scale=scale)


def _prior(prior: object, constraint: object) -> LogNormal:
    """Give BoTorch's own prior and bound of a hyper-parameter."""
    density, bound = cast("LogNormalPrior", prior), cast("GreaterThan", constraint)
    return LogNormal(float(density.loc), float(density.scale), float(bound.lower_bound))

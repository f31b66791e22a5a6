import subprocess
import sys

import numpy as np
import pytest
import torch

from autokd.search.surrogate import Surrogate, fit_surrogate, rank_normal


def data(n: int = 40):
    rng = np.random.default_rng(0)
    x = rng.random((n, 4))
    return x, rank_normal(-((x[:, :2] - 0.5) ** 2).sum(axis=1))


def test_rank_normal_gives_symmetric_quantiles_and_the_mean_rank_to_ties() -> None:
    got = rank_normal(np.array([0.1, 0.9, 0.5]))
    assert got == pytest.approx([-0.967421566, 0.967421566, 0.0], abs=1e-8)
    assert rank_normal(np.array([0.3, 0.3, 0.7, 0.1]))[:2] == pytest.approx([0.0, 0.0])
    assert (rank_normal(np.array([1e-9, 1.0, 2.0])) == rank_normal(np.array([0.9, 1.0, 2.0]))).all()


def test_the_fit_ranks_points_it_has_not_seen() -> None:
    surrogate = fit_surrogate(*data())
    rng = np.random.default_rng(1)
    x = rng.random((200, 4))
    mean, deviation = surrogate.predict(x)
    assert np.corrcoef(mean, -((x[:, :2] - 0.5) ** 2).sum(axis=1))[0, 1] > 0.9
    assert (deviation > 0).all()


def test_the_same_data_give_the_same_fit_and_no_global_generator_is_touched() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    x = np.random.default_rng(2).random((5, 4))
    first = fit_surrogate(*data()).predict(x)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    second = fit_surrogate(*data()).predict(x)
    assert (first[0] == second[0]).all()
    assert (first[1] == second[1]).all()


def test_the_joint_prediction_holds_that_of_each_point_and_ties_near_ones_together() -> None:
    surrogate = fit_surrogate(*data(12))
    x = np.array([[0.95, 0.05, 0.9, 0.1], [0.94, 0.05, 0.9, 0.1], [0.1, 0.9, 0.1, 0.9]])
    mean, deviation = surrogate.predict(x)
    joint_mean, covariance = surrogate.joint(x)
    assert joint_mean == pytest.approx(mean, abs=1e-9)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(deviation, rel=1e-6)
    correlation = covariance / np.outer(deviation, deviation)
    assert correlation[0, 1] > 0.99
    assert abs(correlation[0, 2]) < 0.9


def test_believing_keeps_the_mean_and_takes_the_doubt_away() -> None:
    surrogate = fit_surrogate(*data(12))
    x = np.array([[0.95, 0.05, 0.9, 0.1]])
    mean, deviation = surrogate.predict(x)
    new_mean, new_deviation = surrogate.believing(x).predict(x)
    assert new_mean == pytest.approx(mean, abs=1e-2)
    assert new_deviation < deviation


def test_outcomes_that_are_all_equal_cannot_be_fitted() -> None:
    with pytest.raises(RuntimeError, match="all outcomes are equal"):
        fit_surrogate(np.random.default_rng(0).random((5, 3)), np.zeros(5))


def test_a_prediction_that_is_not_finite_is_an_error() -> None:
    surrogate: Surrogate = fit_surrogate(*data(12))
    with torch.no_grad():
        surrogate._model.likelihood.noise = 1e300
        surrogate._model.mean_module.constant.fill_(float("nan"))
    with pytest.raises((RuntimeError, ValueError), match=r"not finite|NaN|nan"):
        surrogate.predict(np.zeros((1, 4)))


def test_importing_it_says_nothing() -> None:
    command = [sys.executable, "-c", "import autokd.search.surrogate"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""

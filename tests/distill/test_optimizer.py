import math

import pytest
import torch
from torch import nn

from autokd.distill.optimizer import (
    BASE_RATE,
    MAX_GRADIENT_NORM,
    MOMENTUM,
    WEIGHT_DECAY,
    ClippedSgd,
)
from autokd.errors import TrainingError


def make_network() -> nn.Module:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1.0)
    return network


def test_matrices_decay_and_vectors_do_not() -> None:
    network = make_network()
    ClippedSgd(network).step(sum(p.sum() for p in network.parameters()) * 0.0, rate=1.0)
    shrunk = 1 - BASE_RATE * (1 + MOMENTUM) * WEIGHT_DECAY  # the first step of Nesterov
    for parameter in network.parameters():
        expected = torch.full_like(parameter, shrunk if parameter.ndim > 1 else 1.0)
        torch.testing.assert_close(parameter.detach(), expected)


def test_a_huge_gradient_moves_the_weights_by_the_clipped_norm() -> None:
    network = make_network()
    before = nn.utils.parameters_to_vector(network.parameters()).detach().clone()
    ClippedSgd(network).step(sum(p.sum() for p in network.parameters()) * 1e9, rate=0.5)
    moved = nn.utils.parameters_to_vector(network.parameters()).detach() - before
    expected = 0.5 * BASE_RATE * (1 + MOMENTUM) * MAX_GRADIENT_NORM
    assert moved.norm().item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("factor", "said"), [(math.nan, "loss is nan"), (math.inf, "loss is inf")])
def test_a_loss_that_was_not_finite_is_found_however_many_steps_later(
    factor: float, said: str
) -> None:
    network = make_network()
    optimizer = ClippedSgd(network)
    optimizer.check()
    for step in range(4):
        wrong = factor if step == 1 else 1e-3
        optimizer.step(sum(p.sum() for p in network.parameters()) * wrong, rate=1e-3)
        if step == 0:
            optimizer.check()
    with pytest.raises(TrainingError, match=said):
        optimizer.check()


def test_a_gradient_that_is_not_finite_ends_training() -> None:
    network = make_network()
    loss = (network[0].weight - 1).norm().sqrt()  # zero, with an infinite slope
    optimizer = ClippedSgd(network)
    optimizer.step(loss, rate=1.0)
    with pytest.raises(TrainingError, match="the loss is 0 but the norm of its gradient is nan"):
        optimizer.check()


def test_momenta_make_a_new_optimizer_go_on_as_the_old_one() -> None:
    one, two = make_network(), make_network()
    first = ClippedSgd(one)
    first.step(
        one[0].weight.sum() + one[1].weight.sum() + 0 * one(torch.ones(2, 3)).sum(), rate=1.0
    )
    two.load_state_dict(one.state_dict())
    second = ClippedSgd(two)
    second.set_momenta([momentum.clone() for momentum in first.momenta()])
    for network, optimizer in ((one, first), (two, second)):
        optimizer.step(0 * sum(p.sum() for p in network.parameters()), rate=1.0)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not bool((a == 1).all()) or a.ndim == 1

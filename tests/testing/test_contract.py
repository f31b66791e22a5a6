"""What the contracts of all kinds share."""

import random

import numpy as np
import pytest
import torch

import autokd.testing
from autokd.testing.contract import ContractBrokenError, broken, leaving_chance_alone


def test_a_broken_rule_is_a_failed_assertion_with_what_was_found():
    with pytest.raises(AssertionError, match=r"^loss 'x': it is finite; it is not\.$"):
        broken("loss 'x'", "it is finite", "it is not")


@pytest.mark.parametrize(
    ("draw", "library"),
    [
        (random.random, "random"),
        (np.random.rand, "numpy"),
        (lambda: torch.rand(1), "torch"),
    ],
)
def test_a_draw_from_a_global_generator_is_seen(draw, library):
    with (
        pytest.raises(ContractBrokenError, match=f"global generator of {library} was used"),
        leaving_chance_alone("x"),
    ):
        draw()


def test_a_generator_of_one_s_own_is_fine():
    with leaving_chance_alone("x"):
        np.random.default_rng(0).random()
        torch.rand(1, generator=torch.Generator().manual_seed(0))


def test_the_public_names_are_there():
    for name in autokd.testing.__all__:
        assert getattr(autokd.testing, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'check_los'"):
        autokd.testing.check_los  # noqa: B018 - looked up for its error

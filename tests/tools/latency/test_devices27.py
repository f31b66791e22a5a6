"""Ranking of networks on a device whose latencies were made up."""

import numpy as np
import pytest

from autokd.core.device import load_profile
from autokd.space.calibration import belief_before, machine_before
from autokd.space.latency import gather_operators, predict_ms
from tools.latency.devices27 import PROFILE, TIMED, rank_devices
from tools.latency.nasbench import cell_costs


@pytest.fixture(scope="module")
def operators():
    return np.random.default_rng(0).integers(0, 5, size=(TIMED + 60, 6))


def test_a_board_that_is_as_the_profile_says_is_ranked_right(operators):
    cells = [cell_costs(row, computed="all") for row in operators]
    profile = load_profile(PROFILE)
    machine = machine_before(profile)
    truth = predict_ms(gather_operators(cells, machine), belief_before(profile).centre, machine)
    (found,) = rank_devices(operators, {"twin": truth})
    assert found.profile == pytest.approx(1.0)
    assert found.timed > 0.999
    assert found.within_10 == 1.0
    assert found.plain < found.profile


def test_times_without_any_order_are_not_ranked(operators):
    noise = {"noise": np.random.default_rng(1).lognormal(size=len(operators))}
    (found,) = rank_devices(operators, noise)
    assert abs(found.profile) < 0.4
    assert found.within_10 < 0.5

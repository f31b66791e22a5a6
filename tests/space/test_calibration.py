"""A calibration of a board whose true coefficients are known."""

from dataclasses import replace

import numpy as np
import pytest

from autokd.core.device import load_profile
from autokd.space.calibration import (
    Session,
    belief_before,
    calibrate_model,
    covering_factor,
    machine_before,
)
from autokd.space.latency import COEFFICIENTS, gather_operators, predict_ms
from autokd.space.latency_fit import LatencyObservation
from autokd.space.operators import layer_costs
from autokd.space.probe_set import choose_probes

SESSION = Session("2026-01-31", "ssh://pi@board:22", "onnxruntime 1.20.1", 4, 1)


def test_a_covering_factor_is_the_right_rank_of_the_errors():
    logs = np.log([1.1, 1 / 1.2, 1.3, 1.4])
    # Of 4 errors the 4th: (4 + 1) * 0.8 = 4. Of 9 the 8th.
    assert covering_factor(logs) == pytest.approx(1.4)
    assert covering_factor(np.log(np.arange(1, 10))) == pytest.approx(8)


@pytest.fixture(scope="module")
def calibrated():
    profile = load_profile("raspberry-pi-4b")
    machine, belief = machine_before(profile), belief_before(profile)
    probes = choose_probes(profile, machine, belief, seed=0)
    truth = replace(machine, channel_block=16)
    coefficients = belief.centre * np.array([2, 0.5, 0.7, 1, 1.5, 1, 2, 0.3, 4])
    costs = [layer_costs(probe.program) for probe in probes]
    times = predict_ms(gather_operators(costs, truth), coefficients, truth)
    times = times * np.exp(0.02 * np.random.default_rng(0).standard_normal(len(times)))
    seen = [LatencyObservation(c, float(ms)) for c, ms in zip(costs, times, strict=True)]
    model = calibrate_model(profile, seen, [probe.is_student for probe in probes], SESSION)
    return model, coefficients


def test_it_finds_the_board_behind_the_timings(calibrated):
    model, coefficients = calibrated
    assert model.channel_block.value == 16
    # The classes that students are made of; a matrix product is a millionth of their time.
    for name in ("conv", "pointwise", "depthwise", "per_node_us"):
        true = coefficients[COEFFICIENTS.index(name)]
        assert getattr(model, name).value == pytest.approx(true, rel=0.15), name


def test_it_writes_down_what_it_was_fitted_to_and_how_far_it_is_off(calibrated):
    record = calibrated[0].calibration
    assert (record.graphs, record.dropped, record.threads) == (42, 1, 4)
    assert (record.date, record.runtime) == ("2026-01-31", "onnxruntime 1.20.1")
    assert record.within_10_percent > 0.95
    assert record.median_error < 0.03
    assert record.rank_correlation > 0.99
    assert 1.01 <= calibrated[0].interval_factor.value < 1.1
    assert "2026-01-31" in calibrated[0].conv.source
    assert not calibrated[0].conv.is_estimate

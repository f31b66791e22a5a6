"""Coefficients from timings that were made up from known ones."""

import numpy as np
import pytest

from autokd.core.device import load_profile
from autokd.core.sourced import Sourced
from autokd.space.calibration import belief_before, machine_before
from autokd.space.latency import COEFFICIENTS, gather_operators, latency_model, predict_ms
from autokd.space.latency_fit import (
    Belief,
    LatencyObservation,
    choose_machine,
    fit_coefficients,
    refine,
)
from autokd.space.operators import layer_costs
from autokd.space.probe_set import choose_probes, draw_students

PROFILE = load_profile("raspberry-pi-4b")
MACHINE = machine_before(PROFILE)
TRUE = np.array([0.9, 0.35, 0.1, 0.4, 0.6, 5.0, 2.0, 7.0, 60.0])


def predictions(costs, coefficients, machine=MACHINE):
    return predict_ms(gather_operators(costs, machine), coefficients, machine)


@pytest.fixture(scope="module")
def probes():
    chosen = choose_probes(PROFILE, MACHINE, belief_before(PROFILE), seed=0)
    return [layer_costs(probe.program) for probe in chosen]


@pytest.fixture(scope="module")
def students():
    return [layer_costs(one.program) for one in draw_students(PROFILE, 30, seed=1)]


def observe(costs, coefficients=TRUE, noise=0.0, machine=MACHINE):
    rng = np.random.default_rng(0)
    times = predictions(costs, coefficients, machine)
    times = times * np.exp(noise * rng.standard_normal(len(times)))
    return [LatencyObservation(c, float(ms)) for c, ms in zip(costs, times, strict=True)]


def test_the_probes_settle_the_coefficients_that_times_were_made_from(probes):
    found = fit_coefficients(observe(probes), MACHINE, belief_before(PROFILE)).coefficients
    settled = np.array(COEFFICIENTS) != "linear"  # which takes next to no time in any student
    assert found[settled] == pytest.approx(TRUE[settled], rel=0.15)


def test_noise_of_3_percent_leaves_students_within_10_percent(probes, students):
    seen = observe(probes, noise=0.03)
    found = fit_coefficients(seen, MACHINE, belief_before(PROFILE)).coefficients
    errors = predictions(students, found) / predictions(students, TRUE) - 1
    assert np.abs(errors).max() < 0.1


def test_one_graph_that_was_disturbed_changes_little(probes, students):
    seen = observe(probes, noise=0.01)
    disturbed = [LatencyObservation(seen[5].costs, 3 * seen[5].latency_ms)]
    found = fit_coefficients(seen[:5] + disturbed + seen[6:], MACHINE, belief_before(PROFILE))
    errors = predictions(students, found.coefficients) / predictions(students, TRUE) - 1
    assert np.abs(errors).max() < 0.1


def test_the_block_of_channels_the_cache_and_the_overlap_are_found(probes):
    from dataclasses import replace

    truth = replace(MACHINE, channel_block=16, cache_bytes=2.0**21, overlap_lost=1.0)
    seen = observe(probes, noise=0.01, machine=truth)
    found = choose_machine(
        seen,
        replace(MACHINE, channel_block=4),
        belief_before(PROFILE),
        blocks=(1, 4, 16),
        caches_bytes=(2.0**19, 2.0**21, 2.0**24),
        overlaps_lost=(0.0, 0.5, 1.0),
    )
    assert found == truth


def test_what_is_zero_stays_zero(probes):
    centre = belief_before(PROFILE).centre.copy()
    centre[COEFFICIENTS.index("edge_px")] = 0.0
    found = fit_coefficients(observe(probes), MACHINE, Belief(centre, alone=1.0, together=1.0))
    assert found.coefficients[COEFFICIENTS.index("edge_px")] == 0.0
    assert (found.coefficients >= 0).all()


def bias(model, costs, truth):
    coefficients = np.array([getattr(model, name).value for name in COEFFICIENTS])
    return float(np.median(predictions(costs, coefficients) / truth))


def test_the_first_student_timed_corrects_all_others_by_one_factor(students):
    own = np.array([getattr(latency_model(PROFILE), name).value for name in COEFFICIENTS])
    truth = 1.5 * predictions(students, own)
    seen = [LatencyObservation(students[0], float(truth[0]))]
    assert bias(latency_model(PROFILE), students, truth) == pytest.approx(1 / 1.5)
    assert bias(refine(PROFILE, seen), students[1:], truth[1:]) == pytest.approx(1.0, abs=0.05)


def test_the_interval_narrows_with_students_predicted_well_and_widens_with_others(students):
    own = np.array([getattr(latency_model(PROFILE), name).value for name in COEFFICIENTS])
    before = latency_model(PROFILE).interval_factor.value
    well = [
        LatencyObservation(costs, float(ms))
        for costs, ms in zip(students, predictions(students, own), strict=True)
    ]
    factors = [refine(PROFILE, well[:n]).interval_factor.value for n in (1, 10, 30)]
    assert before > factors[0] > factors[1] > factors[2] > 1
    rng = np.random.default_rng(0)
    badly = [LatencyObservation(s.costs, s.latency_ms * np.exp(rng.normal())) for s in well]
    assert refine(PROFILE, badly).interval_factor.value > before


def test_a_refined_model_says_that_it_is(students):
    model = refine(PROFILE, [LatencyObservation(students[0], 5.0)])
    assert model.conv.source == "the profile's, corrected by 1 students timed in this run"
    assert model.cache_kib == latency_model(PROFILE).cache_kib
    assert isinstance(model.conv, Sourced)

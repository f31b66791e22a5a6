"""The graphs that a calibration times."""

from collections import Counter

import numpy as np
import pytest

from autokd.core.device import load_profile
from autokd.space.calibration import belief_before, machine_before
from autokd.space.latency_fit import NOISE
from autokd.space.probe_set import (
    CHAINS,
    CHOSEN_STUDENTS,
    DRAWN_STUDENTS,
    choose_probes,
    draw_students,
    log_gradient,
)

PROFILE = load_profile("raspberry-pi-4b")
BELIEF, MACHINE = belief_before(PROFILE), machine_before(PROFILE)


@pytest.fixture(scope="module")
def probes():
    return choose_probes(PROFILE, MACHINE, BELIEF, seed=0)


def information(chosen):
    gradient = log_gradient(chosen, MACHINE, BELIEF.centre) / NOISE
    root = BELIEF.root_of_precision()
    return np.linalg.slogdet(root.T @ root + gradient.T @ gradient)[1]


def test_they_are_chains_and_students_of_different_names(probes):
    assert len(probes) == CHAINS + CHOSEN_STUDENTS + DRAWN_STUDENTS
    assert sum(probe.is_student for probe in probes) == CHOSEN_STUDENTS + DRAWN_STUDENTS
    assert len({probe.name for probe in probes}) == len(probes)
    kinds = Counter(probe.name.split("-")[0] for probe in probes)
    assert {"conv", "pointwise", "depthwise", "add"} <= set(kinds)


def test_they_tell_more_than_as_many_students_drawn_at_random(probes):
    drawn = list(draw_students(PROFILE, len(probes), seed=9))
    # In powers of e, of the volume of what stays uncertain of nine coefficients.
    assert information(probes) > information(drawn) + 2


def test_the_same_seed_gives_the_same_set(probes):
    again = choose_probes(PROFILE, MACHINE, BELIEF, seed=0)
    assert [probe.program for probe in again] == [probe.program for probe in probes]


def test_the_students_of_another_seed_are_others():
    one, other = (
        {probe.program for probe in draw_students(PROFILE, 20, seed=seed)} for seed in (0, 20)
    )
    assert len(one) == len(other) == 20
    assert not one & other


def test_a_gradient_of_a_latency_sums_to_one_over_what_it_is_proportional_to(probes):
    """Halving all rates and doubling all times doubles a latency: Euler's theorem."""
    gradient = log_gradient(probes, MACHINE, BELIEF.centre)
    slower = np.array([-1, -1, -1, -1, -1, 0, 0, 1, 1])
    assert gradient @ slower == pytest.approx(np.ones(len(probes)), abs=1e-4)

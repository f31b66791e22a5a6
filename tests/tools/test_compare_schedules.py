"""The cosine is one, scoring on the way changes nothing, and the figures are those of the ranks."""

import math

import numpy as np
import pytest

from autokd.core.trial import DistillParams
from autokd.distill.batches import TrainingData
from autokd.space.program import Program
from tests.distill.conftest import _one_thread, data, program  # noqa: F401 - fixtures
from tools.compare_schedules import Cosine, CosineTraining, compare

TAUGHT = DistillParams(temperature=4, alpha=0.7)


def test_the_rate_falls_by_half_a_cosine_after_the_warm_up() -> None:
    rates = [Cosine(total_steps=100, warmup_steps=10).rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[50] == pytest.approx(0.5)
    assert rates[75] == pytest.approx((1 - math.sqrt(0.5)) / 2)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert 0 < rates[-1] < 0.001


def train(data: TrainingData, program: Program, *, scored_at: tuple[int, ...]) -> float:  # noqa: F811
    training = CosineTraining(program, data, TAUGHT, images=64 * 8, seed=3)
    training.use_cosine()
    for step in range(8):
        if step in scored_at:
            training.accuracy()
        training.advance()
    return training.result().loss


def test_scoring_on_the_way_changes_nothing(data: TrainingData, program: Program) -> None:  # noqa: F811
    assert train(data, program, scored_at=(2, 5)) == train(data, program, scored_at=())


def test_figures_are_correlations_with_the_last_score_of_the_same_schedule() -> None:
    last = np.linspace(0.1, 0.9, 40)
    same, reverse = np.column_stack([last / 2, last]), np.column_stack([1 - last, last])
    lines = list(compare(same, reverse, (0.5, 1.0)))
    assert lines[0].startswith("40 students")
    assert len(lines) == 3
    figures = "0.500 1.000 (1.000 to 1.000) -1.000 (-1.000 to -1.000) 2.000 (2.000 to 2.000)"
    assert " ".join(lines[2].split()) == figures

"""The engine's steps as the benchmark takes them."""

import itertools
from types import SimpleNamespace

import pytest

from tools.training.engine import advance, advance_mixed


class Trained:
    def __init__(self, total):
        self.schedule = SimpleNamespace(total_steps=total, branch_step=int(0.7 * total))
        self.step = 0
        self.early = []

    def advance(self):
        self.early.append(self.step < self.schedule.branch_step)
        self.step += 1


@pytest.mark.parametrize("window", [20, 100, 1000])
def test_a_window_of_mixed_steps_has_the_mix_of_a_whole_training(window):
    training = Trained(10_000)
    assert sum(itertools.islice(advance_mixed(training, batch_images=4), window)) == 4 * window
    assert sum(training.early) / window == pytest.approx(0.7, abs=1.5 / window**0.5 / 4)


def test_in_order_the_training_ends_with_its_schedule():
    training = Trained(10)
    assert list(advance(training, batch_images=4)) == [4] * 10
    assert training.early == [True] * 7 + [False] * 3

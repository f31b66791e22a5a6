import pytest

from autokd.distill.schedule import WARMUP_STEPS, Schedule, warmup_steps
from autokd.space.phases import DECAY_FRACTION


def test_the_rate_rises_stays_and_falls_to_about_zero() -> None:
    schedule = Schedule(total_steps=1000, warmup_steps=100)
    rates = [schedule.rate(step) for step in range(1000)]
    branch = schedule.branch_step
    assert branch == int(1000 * (1 - DECAY_FRACTION))
    assert rates[0] == 0.01
    assert rates[99 : branch + 1] == [1.0] * (branch + 1 - 99)
    assert rates[-1] == pytest.approx(1 / (1000 - branch))
    assert all(b < a for a, b in zip(rates[branch:], rates[branch + 1 :], strict=False))


def test_a_longer_rung_has_the_same_rates_up_to_the_branch() -> None:
    short, long = Schedule(40, warmup_steps=60), Schedule(500, warmup_steps=60)
    steps = range(short.branch_step + 1)
    assert [short.rate(step) for step in steps] == [long.rate(step) for step in steps]
    assert long.branch_step > short.branch_step


@pytest.mark.parametrize("total", [1, 2, 3])
def test_the_shortest_rungs_have_a_rate_in_every_step(total: int) -> None:
    schedule = Schedule(total, warmup_steps=1)
    assert all(0 < schedule.rate(step) <= 1 for step in range(total))


def test_the_warm_up_is_at_most_an_epoch() -> None:
    assert warmup_steps(4) == 4
    assert warmup_steps(10**6) == WARMUP_STEPS

"""Days, their file, and the replay of what was timed."""

import math
import random

import pytest

from autokd.measure.interleaved import LOOKS
from tools.gate.days import append_day, in_turns, live_day, read_days
from tools.gate.figures import binomial_interval, row, table
from tools.gate.replay import recorded, replay, spread


@pytest.fixture
def machine(make_block):
    """Give a timer of a machine with some noise; ``factor`` is the slow-down of the current."""
    rng = random.Random(3)  # noqa: S311 - a sample, no secret

    def make(factor: float, noise: float = 0.01):
        def block(side):
            time = 2.0 * math.exp(rng.gauss(0, noise))
            return make_block(time * (factor if side == "current" else 1))

        return block

    return make


def day(machine, kind, factor, noise=0.01):
    return live_day(kind, machine(factor, noise), limit=0.05, load=lambda: 1.5)


def test_a_day_is_judged_as_the_command_does(machine) -> None:
    same, slower = day(machine, "same", 1.0), day(machine, "slower", 1.2)
    assert (same.outcome, len(same.rounds)) == ("pass", 1)
    assert (slower.outcome, len(slower.rounds)) == ("failed", 2)
    assert slower.failed == ("latency.min", "latency.p50", "latency.p90")
    assert slower.change[0] == pytest.approx(0.2, abs=0.02)
    noisy = day(machine, "same", 1.0, noise=0.5)
    assert (noisy.outcome, len(noisy.rounds[0].p50_ms)) == ("invalid", LOOKS[-1])


def test_days_come_back_from_their_file(machine, tmp_path) -> None:
    days = [day(machine, "same", 1.0), day(machine, "slower", 1.2)]
    assert read_days(tmp_path / "days.jsonl") == []
    for one in days:
        append_day(tmp_path / "days.jsonl", one)
    assert read_days(tmp_path / "days.jsonl") == days


def test_a_stopped_run_goes_on_with_what_is_missing(machine) -> None:
    assert list(in_turns([], 2)) == ["same", "slower", "same", "slower"]
    done = [day(machine, "same", 1.0), day(machine, "same", 1.0)]
    assert list(in_turns(done, 2)) == ["slower", "slower"]
    assert list(in_turns(done, 1)) == ["slower"]


def test_a_replay_draws_days_from_the_pairs_that_were_timed(machine) -> None:
    days = [day(machine, "same", 1.0) for _ in range(5)]
    series = recorded(days, "same")
    assert len(series) == sum(len(one.rounds[0].p50_ms) for one in days)
    assert series[0][0][1] == days[0].rounds[0].p50_ms[0][0]
    assert 0.002 < spread(series, 1) < 0.03
    again = replay(series, kind="same", days=30, limit=0.05)
    assert {one.outcome for one in again} == {"pass"}
    slower = replay(series, kind="slower", days=30, limit=0.05, factor=1.2)
    assert {one.outcome for one in slower} == {"failed"}
    assert replay(series, kind="same", days=3, limit=0.05)[2].rounds == again[2].rounds


def test_a_short_series_is_refused(machine) -> None:
    series = recorded([day(machine, "same", 1.0)], "same")
    with pytest.raises(ValueError, match="8 pairs are too few"):
        replay(series, kind="same", days=1, limit=0.05)


def test_the_interval_of_a_rate_is_that_of_clopper_and_pearson() -> None:
    # None of 200: the upper end is 1 - 0.025^(1/200).
    low, high = binomial_interval(0, 200)
    assert (low, high) == pytest.approx((0.0, 1 - 0.025 ** (1 / 200)))
    assert binomial_interval(200, 200)[0] == pytest.approx(0.025 ** (1 / 200))


def test_the_table_counts_what_ended_how(machine) -> None:
    days = [day(machine, "same", 1.0) for _ in range(3)] + [day(machine, "slower", 1.2)]
    lines = table(days).splitlines()
    assert len(lines) == 4
    assert "| the same model | 3 | 0 (0.0%) |" in lines[2]
    assert "| a slower model | 1 | 1 (100.0%) |" in lines[3]
    assert "replayed" in row(
        "x", replay(recorded(days * 3, "same"), kind="same", days=2, limit=0.05)
    )

import pytest

from autokd.distill import probe
from autokd.distill.batches import TrainingData
from autokd.space.program import Program


class Clock:
    """Each step takes the next of some times; everything else takes none."""

    def __init__(self, steps: list[float]) -> None:
        self.now = 0.0
        self._steps = iter(steps)

    def advance(self) -> None:
        self.now += next(self._steps)


def test_the_fastest_timed_step_counts_and_the_warm_up_does_not(
    data: TrainingData, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = [0.1, 0.2, 9.0, 5.0, 3.0, 4.0, 8.0], [0.1, 0.2, 9.0, 6.0, 5.0, 8.0, 7.0]
    clock = Clock(early + late)
    assert probe.WARMUP_STEPS + probe.TIMED_STEPS == 7
    monkeypatch.setattr(probe.Training, "advance", clock.advance)
    monkeypatch.setattr(probe.time, "perf_counter", lambda: clock.now)
    seen = []
    seconds = probe.time_students([program], data, progress=lambda *step: seen.append(step))
    assert seconds == [pytest.approx((0.7 * 3.0 + 0.3 * 5.0) / data.batch_size)]
    assert seen == [("timing students", 0, 1), ("timing students", 1, 1)]


def test_real_steps_take_time_for_each_student(data: TrainingData, program: Program) -> None:
    seconds = probe.time_students([program, program], data, progress=lambda *step: None)
    assert len(seconds) == 2
    assert all(0 < each < 1 for each in seconds)

import pytest

from autokd.search.rungs import Ladder
from autokd.search.slowdown import slowdown
from autokd.space.phases import REUSED_TIME
from tests.search.fakes import RUNG_SECONDS, trial

LADDER = Ladder(rungs=2, reused=REUSED_TIME)


def test_a_promoted_student_that_repeats_its_decay_is_no_slower_machine() -> None:
    first, second = RUNG_SECONDS[:2]
    on_time = trial(0, 0.1, 0.2)
    seconds = (first, second - REUSED_TIME * first)
    timed = [
        seen.model_copy(update={"train_seconds": taken})
        for seen, taken in zip(on_time.observations, seconds, strict=True)
    ]
    trials = [on_time.model_copy(update={"observations": tuple(timed)})]
    assert slowdown(trials, LADDER) == pytest.approx(1.0)
    assert slowdown([], LADDER) == 1.0

import pytest

from autokd.core.trial import Failure
from autokd.pipeline.step_progress import StepProgress
from autokd.search.ledger import Job
from autokd.search.loop import Event
from tests.pipeline.fakes import Lines
from tests.search.fakes import candidate, fidelity_of, observation

JOB = Job(trial_id=3, candidate=candidate(), fidelity=fidelity_of(None, 0))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def steps(lines: Lines) -> StepProgress:
    return StepProgress(lines.progress, lines.say)


def test_time_that_is_over_is_not_the_end(steps, lines) -> None:
    steps.begin_seconds("training", 10.0, since=100.0)
    for spent in (105.0, 110.0, 500.0):
        steps(Event("waiting", spent))
    assert lines == [
        ("training", 5.0, 10.0),
        ("training", 9.9, 10.0),
        ("training", 9.9, 10.0),
    ]
    steps.end()
    assert lines[-1] == ("training", 10.0, 10.0)


def test_time_of_earlier_sessions_counts_in_a_search(steps, lines) -> None:
    steps.begin_seconds("searching", 200.0, since=0.0)
    steps(Event("waiting", 150.0))
    assert lines == [("searching", 150.0, 200.0)]


def test_students_count_when_they_are_through_the_first_rung(steps, lines) -> None:
    steps.begin_trials("searching", 4, done=2)
    steps(Event("started", 0.0, JOB))
    steps(Event("observed", 0.0, JOB, observation(0, 0.5)))
    higher = JOB.model_copy(update={"fidelity": fidelity_of(None, 1)})
    steps(Event("observed", 0.0, higher, observation(1, 0.6)))
    failure = Failure(kind="not finite", message="nan", rung=0)
    steps(Event("failed", 0.0, JOB, failure))
    steps = [line for line in lines if isinstance(line, tuple)]
    assert [done for _, done, _ in steps] == [2, 3, 3, pytest.approx(3.96)]


def test_a_result_is_one_line(steps, lines) -> None:
    steps.begin_trials("searching", 4, done=0)
    steps(Event("observed", 0.0, JOB, observation(0, 0.5)))
    steps(Event("failed", 0.0, JOB, Failure(kind="x", message="why", rung=0)))
    texts = [line for line in lines if isinstance(line, str)]
    assert texts == [
        "student   3  rung 0  50.00%     50.0 k params     0.5 M MACs  conv 32 px",
        "student 3 failed: why",
    ]

from datetime import datetime

import pytest

from autokd.core.trial import BoardTiming, Failure
from autokd.errors import InterruptedRunError
from autokd.pipeline import searching, stage, students, tracking
from autokd.pipeline.tracking import tracked
from autokd.search.events import Job
from autokd.search.ledger import Ledger
from autokd.tracking.courier import Courier
from tests.pipeline.fakes import FakeTraining, Lines, make_config, make_inputs, make_plan
from tests.search.fakes import candidate, fidelity_of, observation
from tests.tracking.fakes import NotingTracker

LIMITS = make_plan().limits


@pytest.fixture
def tracker(monkeypatch):
    """The tracker of all runs, whatever they choose."""
    made = NotingTracker()

    def couriers(choices):
        return tuple(Courier(choice, made) for choice in choices)

    monkeypatch.setattr(tracking, "make_couriers", couriers)
    return made


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def config(*track: str):
    return make_config().model_copy(update={"track": track})


def job(trial_id: int, rung: int = 0) -> Job:
    made = candidate(member_seed=trial_id)
    return Job(trial_id=trial_id, candidate=made, fidelity=fidelity_of(None, rung))


def write_some(ledger: Ledger) -> None:
    """Two students, one promoted and one failed, and a timing that is no result."""
    timing = BoardTiming(candidate=candidate(), p50_ms=1.0, samples=9, target="local")
    for number in (0, 1):
        ledger.timed(number, timing)
        ledger.asked(job(number))
        ledger.started(job(number))
    ledger.observed(1, observation(0, 0.5))
    ledger.failed(0, Failure(kind="not finite", message="nan", rung=0))
    ledger.asked(job(1, rung=1))
    ledger.observed(1, observation(1, 0.75))


def told(tracker: NotingTracker) -> list[tuple]:
    return [
        (one.number, one.trial_id, getattr(one.result, "accuracy", None))
        for name, one in tracker.calls
        if name == "tell"
    ]


def test_results_are_told_in_the_order_of_the_ledger_and_once(tmp_path, ledger, tracker) -> None:
    with tracked(config("mlflow"), LIMITS, tmp_path, ledger, say=print) as follower:
        write_some(ledger)
        follower.follow()
        follower.follow()
        ledger.asked(job(2))
        follower.follow()
        ledger.observed(2, observation(0, 0.25))
        follower.follow()
        follower.finish("the report")
    assert told(tracker) == [(1, 1, 0.5), (2, 0, None), (3, 1, 0.75), (4, 2, 0.25)]
    opening = tracker.calls[0][1]
    assert (opening.run, opening.limits) == (tmp_path, LIMITS)
    assert tracker.calls[-1] == ("finish", "the report")
    seen = tracker.calls[1][1]
    assert seen.candidate == candidate(member_seed=1)
    at = next(event.at for event in ledger.events() if event.kind == "observed")
    assert seen.at_seconds == datetime.fromisoformat(at).timestamp()


def test_a_session_that_goes_on_tells_the_same_numbers_again(tmp_path, ledger, tracker) -> None:
    write_some(ledger)
    for _ in range(2):
        with tracked(config("mlflow"), LIMITS, tmp_path, ledger, say=print) as follower:
            follower.finish("the report")
    results = told(tracker)
    assert results[:3] == results[3:] == [(1, 1, 0.5), (2, 0, None), (3, 1, 0.75)]


def test_without_trackers_nothing_is_read(tmp_path, ledger, monkeypatch) -> None:
    monkeypatch.setattr(Ledger, "events", None)
    with tracked(config(), LIMITS, tmp_path, ledger, say=print) as follower:
        follower.follow()
        follower.finish("the report")


@pytest.mark.parametrize(
    ("fault", "interrupted"),
    [
        (KeyboardInterrupt(), True),
        (InterruptedRunError("stopped by SIGTERM"), True),
        (ValueError("bad"), False),
    ],
)
def test_how_a_run_ends_early_is_told(tmp_path, ledger, tracker, fault, interrupted) -> None:
    with (
        pytest.raises(type(fault)),
        tracked(config("mlflow"), LIMITS, tmp_path, ledger, say=print),
    ):
        raise fault
    assert tracker.calls[-1] == ("stop", interrupted)


@pytest.mark.parametrize("place", ["open", "tell", "finish"])
def test_a_tracker_that_breaks_is_said_once_and_the_run_goes_on(
    tmp_path, ledger, tracker, place
) -> None:
    tracker._fails_in = place
    lines = Lines()
    with tracked(config("mlflow"), LIMITS, tmp_path, ledger, say=lines.say) as follower:
        write_some(ledger)
        follower.follow()
        follower.finish("the report")
        follower.follow()
    (line,) = lines
    assert line.startswith("--track mlflow: is given up (ConnectionError: the server is away)")


def test_a_broken_tracker_does_not_take_another_with_it(tmp_path, ledger, monkeypatch) -> None:
    broken, whole = NotingTracker(fails_in="open"), NotingTracker()
    pair = (Courier("mlflow", broken), Courier("tensorboard", whole))
    monkeypatch.setattr(tracking, "make_couriers", lambda choices: pair)
    with tracked(config(), LIMITS, tmp_path, ledger, say=lambda _: None) as follower:
        write_some(ledger)
        follower.finish("the report")
    assert broken.calls == []
    assert [name for name, *_ in whole.calls] == ["open", "tell", "tell", "tell", "finish"]


def test_a_real_search_tells_every_result_as_it_comes(tmp_path, tracker, monkeypatch) -> None:
    training = FakeTraining(fails={(1, 0)})
    for module in (searching, stage):
        monkeypatch.setattr(module, "ProcessExecutor", training.open)
    plan = make_plan()
    seen_while_running = []
    with (
        Ledger.open(tmp_path / "ledger.sqlite") as ledger,
        tracked(config("mlflow"), LIMITS, tmp_path, ledger, say=print) as follower,
    ):

        def on_result() -> None:
            follower.follow()
            seen_while_running.append(follower._results)

        trained = students.train_students(
            make_inputs(make_config(trials=6)),
            plan,
            None,  # what only a worker reads
            ledger,
            run=tmp_path,
            progress=Lines().progress,
            say=print,
            on_result=on_result,
        )
        follower.finish("the report")
    results = sum(len(t.observations) + (t.failure is not None) for t in trained.trials)
    assert [number for number, *_ in told(tracker)] == list(range(1, results + 1))
    assert seen_while_running == list(range(1, results + 1))
    told_by_trial = {(trial_id, accuracy) for _, trial_id, accuracy in told(tracker)}
    assert told_by_trial == {
        (t.trial_id, accuracy)
        for t in trained.trials
        for accuracy in [*(o.accuracy for o in t.observations), *([None] if t.failure else [])]
    }

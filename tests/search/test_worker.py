import os

import pytest

from autokd.core.trial import Failure
from autokd.errors import InterruptedRunError, ParityError, StorageError, TrainingError
from autokd.search import worker
from autokd.search.ledger import Job
from tests.search.fakes import FakeEvaluator, candidate, fidelity_of

JOB = Job(trial_id=4, candidate=candidate(), fidelity=fidelity_of(None, 1))


def raising(fault: BaseException):
    def evaluator(trial_id, candidate, fidelity):
        raise fault

    return evaluator


def test_a_result_is_passed_on() -> None:
    assert worker.evaluate(FakeEvaluator(), JOB).fidelity == JOB.fidelity


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (TrainingError("the loss is nan"), "not finite", "the loss is nan"),
        (ParityError("differs by 1"), "ParityError", "differs by 1"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError", "by zero (test_worker.py, line "),
        (RuntimeError(), "RuntimeError", "no message (test_worker.py, line "),
    ],
)
def test_what_goes_wrong_with_a_candidate_is_its_failure(fault, kind: str, text: str) -> None:
    result = worker.evaluate(raising(fault), JOB)
    assert isinstance(result, Failure)
    assert (result.kind, result.rung) == (kind, 1)
    assert result.message.startswith(text)


def test_a_full_disk_is_handed_back_and_is_not_the_candidates_fault() -> None:
    fault = StorageError("disk full")
    assert worker.evaluate(raising(fault), JOB) is fault


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), InterruptedRunError("SIGTERM")])
def test_an_interrupt_goes_through(fault: BaseException) -> None:
    with pytest.raises(type(fault)):
        worker.evaluate(raising(fault), JOB)


def test_threads_are_set_for_libraries_that_are_loaded_later(monkeypatch) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    monkeypatch.delitem(worker.sys.modules, "torch", raising=False)
    worker._limit_threads(3)
    assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "3"

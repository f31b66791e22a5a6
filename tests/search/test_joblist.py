import pytest

from autokd.core.trial import Failure
from autokd.search.executors import InlineExecutor
from autokd.search.joblist import JobList
from autokd.search.ledger import Job, Ledger
from autokd.search.loop import run_search
from tests.search.fakes import FakeEvaluator, candidate, fidelity_of, observation


def job(trial_id: int, rung: int) -> Job:
    return Job(
        trial_id=trial_id,
        candidate=candidate(member_seed=trial_id),
        fidelity=fidelity_of(None, rung),
    )


def handed_out(jobs: JobList) -> list[tuple[int, int]]:
    found = []
    while (next_job := jobs.ask(seconds_left=0.0, workers=1)) is not None:
        found.append(next_job.key)
    return found


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def test_jobs_come_in_their_order_and_are_in_the_ledger_then(ledger: Ledger) -> None:
    given = [job(3, 1), job(1, 0)]
    jobs = JobList(ledger, given)
    assert ledger.unfinished() == ()
    assert handed_out(jobs) == [(3, 1), (1, 0)]
    assert ledger.unfinished() == tuple(given)


def test_a_job_with_a_result_is_never_handed_out_again(ledger: Ledger) -> None:
    given = [job(0, 1), job(1, 1), job(2, 1), job(3, 1)]
    run = JobList(ledger, given)
    for _ in range(2):
        run.ask(seconds_left=0.0, workers=1)
    run.tell(given[0], observation(1, 0.5))
    run.tell(given[1], Failure(kind="not finite", message="nan", rung=1))
    again = JobList(ledger, given)
    assert handed_out(again) == [(2, 1), (3, 1)]


def test_a_trial_that_failed_or_went_further_needs_no_lower_rung(ledger: Ledger) -> None:
    jobs = JobList(ledger, [job(0, 2), job(1, 0)])
    handed_out(jobs)
    jobs.tell(job(0, 2), observation(2, 0.5))
    jobs.tell(job(1, 0), Failure(kind="not finite", message="nan", rung=0))
    assert handed_out(JobList(ledger, [job(0, 1), job(1, 1)])) == []


def test_an_unfinished_job_is_asked_once_in_the_ledger_however_often_it_is_handed_out(
    ledger: Ledger,
) -> None:
    for _ in range(3):  # a second 'asked' of one job would break a rule of the ledger
        assert handed_out(JobList(ledger, [job(0, 1)])) == [(0, 1)]
    assert [open_job.key for open_job in ledger.unfinished()] == [(0, 1)]


def test_a_paused_trial_goes_on_to_a_higher_rung(ledger: Ledger) -> None:
    for rung in (0, 2):
        run_search(JobList(ledger, [job(0, rung)]), InlineExecutor(FakeEvaluator()))
    (trial,) = ledger.trials()
    assert [seen.fidelity.rung for seen in trial.observations] == [0, 2]

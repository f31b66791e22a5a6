from pathlib import Path

import pytest

from autokd.core.trial import TOO_SLOW, Candidate, Failure, TrialState
from autokd.errors import InfeasibleError
from autokd.search.belief import results_of
from autokd.search.ledger import Ledger
from autokd.search.rungs import Ladder
from autokd.search.strategies import AshaStrategy
from autokd.search.study import MOST_TOO_SLOW, Study
from tests.search.fakes import FakeSpace, fidelity_of, observation

LADDER = Ladder(rungs=2, eta=3.0, min_last=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def study_on(ledger: Ledger, max_trials: int | None = 6, ladder: Ladder = LADDER) -> Study:
    strategy = AshaStrategy(FakeSpace(), seed=0, ladder=ladder)
    return Study(ledger, strategy, fidelity_of=fidelity_of, max_trials=max_trials)


def finish(study: Study, job, accuracy: float, train_seconds: float = 1.0) -> None:
    study.tell(job, observation(job.fidelity.rung, accuracy, train_seconds=train_seconds))


def run_out(study: Study) -> list[tuple[int, int]]:
    """Run all jobs, one at a time; a trial's accuracy falls with its id."""
    keys = []
    while (job := study.ask()) is not None:
        study.started(job)
        finish(study, job, 0.9 - job.trial_id / 100)
        keys.append(job.key)
    return keys


def test_promotions_come_before_new_trials_and_the_last_rung_is_filled_at_the_end(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger, max_trials=7, ladder=Ladder(rungs=2, min_last=3))
        expected = [(0, 0), (1, 0), (2, 0), (0, 1), (3, 0), (4, 0), (5, 0), (1, 1), (6, 0), (2, 1)]
        assert run_out(study) == expected
        assert study.ask() is None


def test_a_job_is_in_the_ledger_before_it_is_handed_out(path) -> None:
    with Ledger.open(path) as ledger:
        job = study_on(ledger).ask()
        with Ledger.open_read_only(path) as reader:
            assert reader.unfinished() == (job,)


def test_left_over_jobs_come_first_and_once_in_the_next_session(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger)
        jobs = [study.ask() for _ in range(3)]
        study.started(jobs[1])
        finish(study, jobs[0], 0.5)
    with Ledger.open(path) as ledger:
        study = study_on(ledger)
        assert [study.ask(), study.ask()] == jobs[1:]
        assert study.ask().key == (3, 0)


def test_a_left_over_promotion_is_not_promoted_a_second_time(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger)
        for _ in range(3):
            job = study.ask()
            finish(study, job, 0.5 + job.trial_id / 100)
        promoted = study.ask()
        assert promoted.key == (2, 1)
    with Ledger.open(path) as ledger:
        study = study_on(ledger)
        assert study.ask() == promoted
        assert study.ask().key == (3, 0)


def test_a_study_goes_on_as_if_it_had_not_been_stopped(path, tmp_path) -> None:
    with Ledger.open(path) as ledger:
        whole = run_out(study_on(ledger, max_trials=9))
        trials = ledger.trials()
    parts, other = [], tmp_path / "other.sqlite"
    while True:
        with Ledger.open(other) as ledger:
            study = study_on(ledger, max_trials=9)
            job = study.ask()
            if job is None:
                assert ledger.trials() == trials
                break
            finish(study, job, 0.9 - job.trial_id / 100)
            parts.append(job.key)
    assert parts == whole


def test_a_failed_trial_is_not_run_again_and_counts(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger, max_trials=2)
        job = study.ask()
        study.tell(job, Failure(kind="not finite", message="nan", rung=0))
        assert run_out(study) == [(1, 0), (1, 1)]
        assert study.trials[0].state is TrialState.FAILED


def test_a_result_that_nobody_asked_for_is_a_defect(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger)
        job = study.ask()
        finish(study, job, 0.5)
        with pytest.raises(AssertionError, match="are not out"):
            finish(study, job, 0.6)


def test_without_time_nothing_is_handed_out_or_written(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger)
        assert study.ask(seconds_left=9.9) is None
        assert ledger.trials() == ()
        assert study.ask(seconds_left=10.0).fidelity.seconds == 10.0


def test_a_promotion_needs_the_time_that_it_adds_not_that_of_the_whole_rung(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger)
        for _ in range(3):
            finish(study, study.ask(), 0.5, train_seconds=10.0)
        assert study.ask(seconds_left=19.9) is None
        assert study.ask(seconds_left=20.0).key == (0, 1)


def test_a_promotion_needs_the_time_of_what_it_trains_again(path) -> None:
    ladder = Ladder(rungs=2, min_last=1, reused=0.5)
    with Ledger.open(path) as ledger:
        study = study_on(ledger, ladder=ladder)
        for _ in range(3):
            finish(study, study.ask(), 0.5, train_seconds=10.0)
        assert study.ask(seconds_left=24.9) is None
        finish(study, study.ask(seconds_left=25.0), 0.5, train_seconds=25.0)
    with Ledger.open(path) as ledger:
        # All took as long as was meant, so the machine is not taken for a slower one.
        study = study_on(ledger, ladder=ladder, max_trials=None)
        assert study.ask(seconds_left=10.0 + 25.0).key == (3, 0)


def test_a_new_trial_leaves_the_time_to_bring_the_best_to_the_last_rung(path) -> None:
    # Rungs of 10 and 30 s; two climbers of 20 s each are to fit after the new trial's 10 s.
    with Ledger.open(path) as ledger:
        study = study_on(ledger, max_trials=None)
        for _ in range(2):
            finish(study, study.ask(), 0.5)
        assert study.ask(seconds_left=49.9).key == (0, 1)
    with Ledger.open(path) as ledger:
        study = study_on(ledger, max_trials=None)
        assert study.ask(seconds_left=50.0).key == (0, 1)
        assert study.ask(seconds_left=30.0).key == (2, 0)


def test_a_left_over_job_that_is_too_long_leaves_its_place_in_the_last_rung(path) -> None:
    def ten_times(candidate, rung):
        found = fidelity_of(candidate, rung)
        return found.model_copy(update={"seconds": 10 * found.seconds})

    with Ledger.open(path) as ledger:
        strategy = AshaStrategy(FakeSpace(), seed=0, ladder=LADDER)
        study = Study(ledger, strategy, fidelity_of=ten_times, max_trials=3)
        for _ in range(3):
            job = study.ask()
            finish(study, job, 0.5 + job.trial_id / 100, train_seconds=10.0)
        assert study.ask().key == (2, 1)
    with Ledger.open(path) as ledger:
        study, keys = study_on(ledger, max_trials=3), []
        while (job := study.ask(seconds_left=100.0)) is not None:
            finish(study, job, 0.7, train_seconds=20.0)
            keys.append(job.key)
        assert keys == [(1, 1), (0, 1)]


def test_with_more_workers_the_climbers_need_fewer_rounds(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger, max_trials=None)
        for _ in range(2):
            finish(study, study.ask(), 0.5)
        assert study.ask(seconds_left=30.0, workers=2).key == (2, 0)


def test_a_machine_slower_than_planned_is_reckoned_with(path) -> None:
    with Ledger.open(path) as ledger:
        study = study_on(ledger)
        for _ in range(3):
            finish(study, study.ask(), 0.5, train_seconds=20.0)
        assert study.ask(seconds_left=39.0) is None
        assert study.ask(seconds_left=40.0).key == (0, 1)


@pytest.mark.parametrize("rungs", [1, 3])
def test_any_number_of_rungs_works(path, rungs: int) -> None:
    with Ledger.open(path) as ledger:
        ladder = Ladder(rungs=rungs, min_last=2)
        keys = run_out(study_on(ledger, max_trials=9, ladder=ladder))
        assert len(keys) == len(set(keys))
        assert sum(rung == 0 for _, rung in keys) == 9
        assert sum(rung == rungs - 1 for _, rung in keys) >= 2


def too_slow(trial_id: int, candidate: Candidate) -> Candidate | Failure:
    return Failure(kind=TOO_SLOW, message=f"student {trial_id}: 41 ms, at most 33.", rung=0)


def test_a_candidate_that_the_screen_refuses_is_a_trial_that_failed_and_costs_no_place(
    path,
) -> None:
    def screen(trial_id: int, candidate: Candidate) -> Candidate | Failure:
        return too_slow(trial_id, candidate) if trial_id % 2 == 0 else candidate

    with Ledger.open(path) as ledger:
        strategy = AshaStrategy(FakeSpace(), seed=0, ladder=LADDER)
        study = Study(ledger, strategy, fidelity_of=fidelity_of, max_trials=3, screen=screen)
        keys = run_out(study)
        assert [trial for trial, rung in keys if rung == 0] == [1, 3, 5]
        assert [t.trial_id for t in study.trials if t.too_slow] == [0, 2, 4]
        # Of three that were trained one goes on: the refused ones are not counted on the rung.
        assert sum(rung == 1 for _, rung in keys) == 2  # one promotion, one to fill the last rung
        assert results_of(study.trials[0]) == []


def test_the_screen_may_give_another_candidate_to_train(path) -> None:
    def narrower(trial_id: int, candidate: Candidate) -> Candidate:
        return candidate.model_copy(update={"base_width": 1})

    with Ledger.open(path) as ledger:
        strategy = AshaStrategy(FakeSpace(), seed=0, ladder=LADDER)
        study = Study(ledger, strategy, fidelity_of=fidelity_of, max_trials=3, screen=narrower)
        assert study.ask().candidate.base_width == 1


def test_when_nothing_is_fast_enough_the_search_ends_with_the_last_reason(path) -> None:
    with Ledger.open(path) as ledger:
        strategy = AshaStrategy(FakeSpace(), seed=0, ladder=LADDER)
        study = Study(ledger, strategy, fidelity_of=fidelity_of, max_trials=3, screen=too_slow)
        with pytest.raises(InfeasibleError, match=f"last {MOST_TOO_SLOW} .* 41 ms, at most 33"):
            study.ask()
        assert len(study.trials) == MOST_TOO_SLOW

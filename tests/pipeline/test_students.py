import pytest

from autokd.core.codec import load_record
from autokd.errors import ConfigError, StoppedError
from autokd.pipeline import searching, stage, students
from autokd.pipeline.plan import FINAL_RUNG, FINALISTS, LAST_SEARCH_RUNG
from autokd.pipeline.searching import SearchEnd
from autokd.pipeline.students import Trained
from autokd.search.ledger import Ledger
from tests.pipeline.fakes import (
    FakeTraining,
    Lines,
    make_config,
    make_inputs,
    make_lengths,
    make_plan,
)

TRIALS = 6


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Run the students' step in a folder with a fake training; give what came of it."""

    def run(training: FakeTraining, *, folder="run", lines=None, plan=None, **search) -> Trained:
        monkeypatch.setattr(searching, "ProcessExecutor", training.open)
        monkeypatch.setattr(stage, "ProcessExecutor", training.open)
        lines = lines if lines is not None else Lines()
        config = make_config(**{"trials": TRIALS, **search})
        (tmp_path / folder).mkdir(exist_ok=True)
        with Ledger.open(tmp_path / folder / "ledger.sqlite") as ledger:
            return students.train_students(
                make_inputs(config),
                plan or make_plan(),
                None,  # what only a worker reads
                ledger,
                run=tmp_path / folder,
                progress=lines.progress,
                say=lines.say,
            )

    return run


def at_rung(trial, rung: int) -> float:
    return next(o.accuracy for o in trial.observations if o.fidelity.rung == rung)


def test_a_search_is_followed_by_members_finalists_and_the_twin(train, tmp_path) -> None:
    trained = train(FakeTraining())
    assert load_record(SearchEnd, tmp_path / "run" / "search.json").trials == TRIALS
    origins = [t.candidate.origin for t in trained.trials]
    assert origins == ["random"] * TRIALS + ["member"] * FINALISTS + ["twin"]
    assert [t.trial_id for t in trained.trials] == list(range(len(origins)))
    assert trained.search_seconds > 0


def test_members_are_other_draws_of_the_best_families_of_the_search(train) -> None:
    trained = train(FakeTraining())
    searched = [t for t in trained.trials[:TRIALS] if t.rung >= LAST_SEARCH_RUNG]
    best = sorted(searched, key=lambda t: -at_rung(t, LAST_SEARCH_RUNG))[:FINALISTS]
    members = [t.candidate for t in trained.trials if t.candidate.origin == "member"]
    assert [m.family for m in members] == [t.candidate.family for t in best]
    assert [m.distill for m in members] == [t.candidate.distill for t in best]
    assert not {m.member_seed for m in members} & {t.candidate.member_seed for t in best}


@pytest.mark.parametrize("strategy", ["autokd", "bohb", "asha", "evolution", "random"])
def test_all_students_are_taught_by_the_loss_of_the_run(train, strategy: str) -> None:
    trained = train(FakeTraining(), strategy=strategy, loss="dkd", trials=10)
    assert {t.candidate.distill.loss for t in trained.trials} == {"dkd"}
    assert trained.twin is not None


def test_finalists_are_the_best_of_the_last_search_rung_in_the_order_of_the_full_length(
    train,
) -> None:
    trained = train(FakeTraining())
    there = [t for t in trained.trials if any(o.fidelity.rung == 1 for o in t.observations)]
    best = sorted(there, key=lambda t: -at_rung(t, LAST_SEARCH_RUNG))[:FINALISTS]
    assert {t.trial_id for t in trained.finalists} == {t.trial_id for t in best}
    full = [at_rung(t, FINAL_RUNG) for t in trained.finalists]
    assert full == sorted(full, reverse=True)
    twin = trained.twin.trial_id
    full_length = {t.trial_id for t in trained.trials if t.rung == FINAL_RUNG}
    assert full_length == {t.trial_id for t in best} | {twin}


def test_the_twin_is_the_winner_without_its_teacher_and_otherwise_the_same(train) -> None:
    trained = train(FakeTraining())
    winner, twin = trained.finalists[0].candidate, trained.twin.candidate
    assert twin.distill.alpha == 0.0
    assert twin.distill.temperature == winner.distill.temperature
    same = {"origin": "twin", "distill": twin.distill}
    assert winner.model_copy(update=same) == twin
    (seen,) = trained.twin.observations
    assert seen.fidelity == trained.finalists[0].observations[-1].fidelity


def test_more_seeds_are_more_pairs_and_none_of_them_is_a_finalist(train) -> None:
    trained = train(FakeTraining(), plan=make_plan(kd_gain_seeds=3))
    assert len(trained.pairs) == 3
    winner = trained.finalists[0]
    assert trained.pairs[0] == (winner, trained.twin)
    added = [one for pair in trained.pairs for one in pair][1:]
    assert [t.candidate.origin for t in added] == ["twin", "repeat", "twin", "repeat", "twin"]
    assert [t.trial_id for t in added] == list(range(len(trained.trials) - 5, len(trained.trials)))
    again = train(FakeTraining(), plan=make_plan(kd_gain_seeds=3))
    assert again.finalists == trained.finalists
    assert again.pairs == trained.pairs


def test_a_pair_of_which_one_half_failed_is_not_compared(train) -> None:
    first = train(FakeTraining(), plan=make_plan(kd_gain_seeds=2))
    failing = first.pairs[1][0].trial_id
    training = FakeTraining(fails={(failing, FINAL_RUNG)})
    trained = train(training, folder="failing", plan=make_plan(kd_gain_seeds=2))
    assert trained.pairs == first.pairs[:1]


def test_without_the_comparison_there_is_no_twin(train) -> None:
    trained = train(FakeTraining(), kd_gain=False)
    assert trained.twin is None
    assert all(t.candidate.origin != "twin" for t in trained.trials)


def test_without_labels_there_is_nothing_to_compare_with(train) -> None:
    plan = make_plan()
    unlabelled = plan.data.model_copy(update={"labelled": False})
    plan = plan.model_copy(update={"data": unlabelled})
    assert train(FakeTraining(), plan=plan).twin is None


def test_a_single_job_gets_all_the_threads(train) -> None:
    training = FakeTraining()
    train(training)
    assert training.executors == [(2, 1), (2, 1), (2, 1), (1, 2)]


def test_a_run_that_is_interrupted_anywhere_ends_as_one_that_was_not(train) -> None:
    whole = FakeTraining()
    expected = train(whole, folder="whole")
    for moment in range(0, len(whole.calls), 3):
        training = FakeTraining(interrupt_at=moment)
        with pytest.raises(KeyboardInterrupt):
            train(training, folder=f"broken {moment}")
        found = train(training, folder=f"broken {moment}")
        assert found.trials == expected.trials
        assert found.finalists == expected.finalists
        assert found.twin == expected.twin
        assert training.calls == whole.calls


def test_a_finished_step_trains_nothing_again(train) -> None:
    first = train(FakeTraining())
    again = FakeTraining()
    assert train(again).trials == first.trials
    assert again.calls == []


def test_a_twin_that_fails_ends_no_run(train) -> None:
    twin_id = train(FakeTraining(), folder="whole").twin.trial_id
    trained = train(FakeTraining(fails={(twin_id, FINAL_RUNG)}))
    assert trained.twin is None
    assert trained.trials[twin_id].failure.kind == "not finite"


def test_a_finalist_that_fails_leaves_the_others(train) -> None:
    first, second = (t.trial_id for t in train(FakeTraining(), folder="whole").finalists)
    trained = train(FakeTraining(fails={(first, FINAL_RUNG)}))
    assert [t.trial_id for t in trained.finalists] == [second]


def test_no_finalist_at_all_is_told(train) -> None:
    fails = {(t.trial_id, FINAL_RUNG) for t in train(FakeTraining(), folder="whole").finalists}
    with pytest.raises(StoppedError, match="no finalist could be trained at full length"):
        train(FakeTraining(fails=fails))


def test_a_search_in_which_all_fail_gives_the_reason_of_the_last(train) -> None:
    with pytest.raises(StoppedError, match="all 6 students failed, the last with: the loss is nan"):
        train(FakeTraining(fails="all"))


def test_a_budget_that_is_too_short_is_named_with_what_helps(train) -> None:
    plan = make_plan(make_lengths(trials=None, budget_seconds=600.0))
    with pytest.raises(ConfigError, match=r"--budget 1s: ended before .* with a longer budget"):
        train(FakeTraining(), plan=plan, budget="1s", trials=None)


def test_every_step_ends_with_all_of_it_done_exactly_once(train) -> None:
    lines = Lines()
    train(FakeTraining(), lines=lines)
    steps = [line for line in lines if isinstance(line, tuple)]
    names = list(dict.fromkeys(what for what, _, _ in steps))
    assert names == [
        "searching",
        "training new members of the best families",
        "training finalists at full length",
        "training the winner without its teacher",
    ]
    assert [what for what, done, total in steps if done >= total] == names

import pytest

from autokd.core.trial import TOO_SLOW, BoardTiming, Failure, TrialState
from autokd.pipeline.search_facts import find_search_facts, timed_students
from autokd.pipeline.survey import make_space
from autokd.search import effects
from autokd.search.effects import FEWEST_TRIALS
from autokd.search.events import Job
from autokd.search.ledger import Ledger
from autokd.space.coding import dimensions
from tests.pipeline.fakes import Lines, make_inputs, make_plan
from tests.search.fakes import candidate, fidelity_of, observation, trial
from tests.space.conftest import draw_members


def timing(seed: int, p50_ms: float, *, width: int = 8) -> BoardTiming:
    timed = candidate(member_seed=seed).model_copy(update={"base_width": width})
    return BoardTiming(candidate=timed, p50_ms=p50_ms, samples=64, target="ssh://board")


def test_each_timing_stands_beside_what_was_predicted_of_it() -> None:
    found = timed_students([timing(1, 1.2), timing(0, 0.8)], [trial(0, 0.5), trial(1, 0.4)])
    assert [(t.trial_id, t.predicted_ms, t.measured_ms) for t in found] == [
        (1, 1.0, 1.2),
        (0, 1.0, 0.8),
    ]


def test_what_was_measured_of_a_trial_does_not_stand_for_its_prediction() -> None:
    cost = {"latency_ms": 1.2, "latency_low_ms": 1.2, "latency_high_ms": 1.2, "is_measured": True}
    measured = candidate(member_seed=0)
    measured = measured.model_copy(update={"cost": measured.cost.model_copy(update=cost)})
    trained = trial(0, 0.5).model_copy(update={"candidate": measured})
    (found,) = timed_students([timing(0, 1.2)], [trained])
    assert (found.trial_id, found.predicted_ms, found.measured_ms) == (0, 1.0, 1.2)


def test_a_student_that_was_refused_or_drawn_narrower_has_no_trial() -> None:
    refused = trial(0).model_copy(
        update={
            "state": TrialState.FAILED,
            "failure": Failure(kind=TOO_SLOW, message="", rung=0),
        }
    )
    timings = [timing(0, 9.0), timing(1, 5.0, width=16), timing(1, 2.0)]
    found = timed_students(timings, [refused, trial(1, 0.4)])
    assert [t.trial_id for t in found] == [None, None, 1]


def test_a_twin_is_the_same_network_and_the_first_of_them_is_named() -> None:
    first, twin = trial(0, 0.5), trial(3, 0.4)
    alone = first.candidate.model_copy(update={"origin": "twin"})
    (found,) = timed_students(
        [timing(0, 1.1)], [first, twin.model_copy(update={"candidate": alone})]
    )
    assert found.trial_id == 0


def test_without_a_prediction_there_is_nothing_to_compare() -> None:
    none = dict.fromkeys(("latency_ms", "latency_low_ms", "latency_high_ms"))
    given = timing(0, 1.0)
    cost = given.candidate.cost.model_copy(update=none)
    bare = given.candidate.model_copy(update={"cost": cost})
    assert timed_students([given.model_copy(update={"candidate": bare})], [trial(0, 0.5)]) == ()


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def test_the_facts_are_read_off_the_ledger_of_a_run(ledger, monkeypatch) -> None:
    monkeypatch.setattr(effects, "MEMBERS", 128)  # drawing them is what takes long
    inputs, plan = make_inputs(), make_plan()
    space = make_space(inputs, plan.limits)
    members = draw_members(space, FEWEST_TRIALS + 2)
    for number, member in enumerate(members):
        job = Job(trial_id=number, candidate=member, fidelity=fidelity_of(None, 0))
        ledger.asked(job)
        ledger.observed(number, observation(0, 0.3 + 0.5 * member.family.fill))
    ledger.timed(0, BoardTiming(candidate=members[0], p50_ms=7.0, samples=64, target="ssh://board"))
    lines = Lines()
    facts = find_search_facts(inputs, plan, ledger, progress=lines.progress)
    assert [(t.trial_id, t.measured_ms) for t in facts.timed] == [(0, 7.0)]
    names = {effect.name for effect in facts.effects}
    assert names == {d.name for d in dimensions(space.preset, space.image_px)}
    assert [effect.share for effect in facts.effects] == sorted(
        (effect.share for effect in facts.effects), reverse=True
    )
    assert lines[-1][1:] == (1, 1)

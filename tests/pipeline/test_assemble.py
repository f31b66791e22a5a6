import pytest

from autokd.core.device import DeviceProfile, load_profile
from autokd.core.effects import ParameterEffect
from autokd.core.measurement import TimedStudent
from autokd.core.results import Report
from autokd.core.trial import Trial
from autokd.pipeline.assemble import assemble_report, search_front
from autokd.pipeline.deliver import Delivery
from autokd.pipeline.plan import FINAL_RUNG
from autokd.pipeline.search_facts import SearchFacts
from autokd.pipeline.students import Trained
from tests.pipeline.fakes import make_plan
from tests.report.conftest import build_report
from tests.search.fakes import observation, trial

PROFILE = load_profile("raspberry-pi-zero-2w")


@pytest.fixture(scope="module")
def sample() -> Report:
    return build_report()


def with_origin(found: Trial, origin: str) -> Trial:
    candidate = found.candidate.model_copy(update={"origin": origin})
    return found.model_copy(update={"candidate": candidate})


def assemble(
    sample: Report,
    *,
    winner: float = 0.8,
    twin: float | None = 0.7,
    labelled: bool = True,
    measured: bool = True,
    plan_warnings: tuple[str, ...] = (),
    profile: DeviceProfile = PROFILE,
    facts: SearchFacts | None = None,
    **winner_changes: object,
) -> Report:
    finalist = trial(0, 0.5, 0.6, winner)
    others = (trial(1, failed=0), trial(2, 0.4))
    plain = None if twin is None else with_origin(trial(3, twin), "twin")
    trials = (finalist, *others, *([plain] if plain else []))
    best = sample.winners[0].model_copy(update=winner_changes)
    if not measured:
        best = best.model_copy(update={"measurement": None})
    plan = make_plan(
        data=sample.data.model_copy(update={"labelled": labelled, "train_images": 1000}),
        teacher=sample.teacher.model_copy(update={"params": 1_480_000}),
        warnings=plan_warnings,
    )
    pairs = ((finalist, plain),) if plain else ()
    trained = Trained(trials, (finalist,), pairs, search_seconds=30.0, finalists_seconds=20.0)
    delivery = Delivery(
        (best,),
        teacher_test_accuracy=0.9 if labelled else None,
        export_seconds=3.0,
        measure_seconds=4.0,
    )
    return assemble_report(sample.config, profile, plan, trained, delivery, facts or SearchFacts())


def changed(sample: Report, **values: object):
    winner = sample.winners[0]
    cost = winner.cost.model_copy(
        update={
            "params": 148_000,
            "latency_ms": 12.0,
            "latency_low_ms": 8.0,
            "latency_high_ms": 18.0,
        }
    )
    export = winner.export.model_copy(update={"size_bytes": 600 * 2**10, **values})
    return {"cost": cost, "export": export}


def test_the_verdict_compares_student_and_teacher_on_the_test_images(sample: Report) -> None:
    report = assemble(sample, **changed(sample, test_accuracy=0.8512))
    assert report.verdict == (
        "The student gets 85.12% of the test images right, its teacher 90.00%, with 148 k "
        "parameters (10 times fewer), 600 KiB; predicted 12 ms (8 to 18) on Raspberry Pi Zero 2 W, "
        "an estimate."
    )


def test_without_a_runtime_the_verdict_says_what_the_file_is_for_and_gives_no_time(
    sample: Report,
) -> None:
    none = {"latency_ms": None, "latency_low_ms": None, "latency_high_ms": None}
    report = assemble(
        sample,
        profile=load_profile("stm32h7"),
        measured=False,
        cost=sample.winners[0].cost.model_copy(update=none),
    )
    assert report.verdict.endswith(
        "an INT8 file for ST Edge AI Core, and no claim of a latency: onnxruntime does not run on "
        "STM32H747 (STM32H747I-DISCO)."
    )
    assert not any("timed" in warning for warning in report.warnings)


def test_without_labels_the_verdict_is_about_agreement(sample: Report) -> None:
    report = assemble(
        sample,
        labelled=False,
        validation_agreement=0.9123,
        **changed(sample, test_accuracy=None),
    )
    assert report.verdict.startswith(
        "The student names the teacher's class for 91.23% of the validation images, with 148 k"
    )
    assert report.kd_gain is None


def test_the_gain_is_the_winner_less_its_twin(sample: Report) -> None:
    gain = assemble(sample, winner=0.8, twin=0.7).kd_gain
    assert (gain.with_teacher, gain.without_teacher, gain.seeds) == (0.8, 0.7, 1)
    assert gain.gain == pytest.approx(0.1)
    assert gain.epochs == observation(FINAL_RUNG, 0.8).fidelity.images / 1000
    assert assemble(sample, twin=None).kd_gain is None


def test_the_front_is_of_the_search_alone() -> None:
    # By the full length trial 0 leads; by the search, which all had, trial 1 does.
    trials = (trial(0, 0.5, 0.6, 0.9), trial(1, 0.5, 0.7), with_origin(trial(2, 0.9, 0.95), "twin"))
    assert search_front(trials, make_plan()) == (1,)


def test_a_trial_with_nothing_but_the_full_length_is_not_on_the_front() -> None:
    full = trial(1).model_copy(update={"observations": (observation(FINAL_RUNG, 0.99),)})
    assert search_front((trial(0, 0.5, 0.6), full), make_plan()) == (0,)


def test_what_the_search_says_beside_its_students_is_in_the_report(sample: Report) -> None:
    effect = ParameterEffect(name="block", share=0.3, share_low=0.1, share_high=0.4)
    timed = TimedStudent(trial_id=0, predicted_ms=1.0, measured_ms=1.2)
    report = assemble(sample, facts=SearchFacts((effect,), (timed,)))
    assert (report.effects, report.timed) == ((effect,), (timed,))


def test_doubts_are_told(sample: Report) -> None:
    report = assemble(sample, winner=0.6, twin=0.7, measured=False, plan_warnings=("from before",))
    assert report.warnings[0] == "from before"
    assert "The winner was not timed on this host." in report.warnings
    assert any("distillation did not help here" in text for text in report.warnings)
    assert "1 of 4 students failed; the table says why." in report.warnings


def test_a_time_that_does_not_count_is_told_with_its_reason(sample: Report) -> None:
    measured = sample.winners[0].measurement.model_copy(update={"valid": False, "reason": "busy"})
    report = assemble(sample, measurement=measured)
    assert "The timing on this host does not count: busy." in report.warnings


def test_what_went_well_is_no_warning(sample: Report) -> None:
    warnings = assemble(sample).warnings
    assert warnings == ("1 of 4 students failed; the table says why.",)


def test_the_seconds_are_those_of_the_steps(sample: Report) -> None:
    seconds = assemble(sample).seconds
    assert seconds.model_dump() == {
        "preflight": 1.0,
        "teach": 2.0,
        "search": 30.0,
        "finalists": 20.0,
        "export": 3.0,
        "measure": 4.0,
    }
    assert assemble(sample).teacher.test_accuracy == 0.9

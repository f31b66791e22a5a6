import math

import pytest

from autokd.core.codec import load_record, save_record
from autokd.pipeline.plan import (
    ETA,
    FINALISTS,
    LONGEST_SEARCH_RUNG,
    RUNGS,
    SEARCH_SHARE,
    STUDENTS,
    RunPlan,
    plan_lengths,
)
from autokd.space.phases import REUSED_TIME
from tests.pipeline.fakes import PACE, make_lengths, make_plan, small_program

# Of `small_program` with one channel, the mean over a training that begins at 10 px; the classifier
# takes no time in PACE.
CONV_MACS = 9 * (0.3 * 16**2 + 0.7 * 10**2)


@pytest.mark.parametrize("workers", [1, 2, 4, 64])
def test_the_search_sees_enough_students_and_no_rung_close_to_the_full_length(workers: int) -> None:
    lengths = plan_lengths(
        PACE,
        budget_seconds=2400.0,
        trials=None,
        epochs=12,
        train_images=1000,
        workers=workers,
        gain_seeds=1,
    )
    first, second, final = lengths.seconds
    assert RUNGS == 2
    assert second == ETA * first
    assert second <= LONGEST_SEARCH_RUNG * final * (1 + 1e-9)
    # A third of the students go on, and a rung repeats the decay of the one below.
    each = first + (second - REUSED_TIME * first) / ETA
    students = SEARCH_SHARE * 2400.0 * workers / each
    assert students >= STUDENTS - 1e-9
    shortened = second == pytest.approx(LONGEST_SEARCH_RUNG * final)
    assert students == pytest.approx(STUDENTS) or shortened


@pytest.mark.parametrize(
    ("workers", "seeds", "rounds"),
    [(1, 0, 2), (1, 1, 3), (2, 0, 1), (4, 1, 2), (1, 3, 7), (2, 3, 4), (4, 3, 3), (8, 3, 2)],
)
def test_finalists_and_then_the_pairs_fill_the_share_of_the_full_length(
    workers: int, seeds: int, rounds: int
) -> None:
    lengths = plan_lengths(
        PACE,
        budget_seconds=1000.0,
        trials=None,
        epochs=1,
        train_images=1,
        workers=workers,
        gain_seeds=seeds,
    )
    assert rounds * lengths.seconds[-1] == pytest.approx(370.0)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_all_steps_fit_into_the_budget_and_leave_a_part_to_export(workers: int) -> None:
    """As `autokd.pipeline.students` runs them: a step has at most as many workers as jobs."""
    lengths = plan_lengths(
        PACE,
        budget_seconds=1.0,
        trials=None,
        epochs=1,
        train_images=1,
        workers=workers,
        gain_seeds=1,
    )
    _, last_search, final = lengths.seconds

    def step(jobs: int, seconds: float) -> float:
        used = min(jobs, workers)
        return math.ceil(jobs / used) * seconds / (workers // used)  # idle cores are its threads

    total = SEARCH_SHARE + step(FINALISTS, last_search) + step(FINALISTS, final) + step(1, final)
    assert 0.6 < total < 0.96


def test_with_a_number_of_trials_rungs_are_a_ninth_a_third_and_all_of_the_epochs() -> None:
    lengths = plan_lengths(
        PACE, budget_seconds=60.0, trials=8, epochs=9.0, train_images=1000, workers=2, gain_seeds=1
    )
    assert lengths.seconds is None
    assert lengths.images == (1000, 3000, 9000)


def test_a_rung_is_one_image_at_least() -> None:
    lengths = plan_lengths(
        PACE, budget_seconds=60.0, trials=1, epochs=0.01, train_images=100, workers=1, gain_seeds=1
    )
    assert lengths.images == (1, 1, 1)


def test_in_equal_time_the_faster_student_sees_more_images() -> None:
    lengths = make_lengths(trials=None)
    for rung in range(RUNGS + 1):
        small, large = (lengths.fidelity(small_program(width), rung) for width in (4, 8))
        assert small.seconds == large.seconds == lengths.seconds[rung]
        assert small.images == int(small.seconds / (1e-9 * 4 * CONV_MACS))
        assert small.images == pytest.approx(2 * large.images, abs=1)


def test_of_equal_images_the_seconds_are_foreseen() -> None:
    lengths = make_lengths(trials=6)
    for rung, images in enumerate(lengths.images):
        fidelity = lengths.fidelity(small_program(), rung)
        assert (fidelity.rung, fidelity.images) == (rung, images)
        assert fidelity.seconds == pytest.approx(images * 1e-9 * 4 * CONV_MACS)


@pytest.mark.parametrize("trials", [None, 6])
def test_a_plan_is_the_same_after_a_file(tmp_path, trials: int | None) -> None:
    written = make_plan(make_lengths(trials=trials), warnings=("a", "b"))
    save_record(written, tmp_path / "plan.json")
    assert load_record(RunPlan, tmp_path / "plan.json") == written


def test_on_a_slower_machine_the_full_length_is_shorter_and_the_rungs_stay() -> None:
    lengths = plan_lengths(
        PACE, budget_seconds=2400.0, trials=None, epochs=1, train_images=1, workers=1, gain_seeds=1
    )
    first, second, full = lengths.seconds
    assert lengths.slowed_by(1.5).seconds == pytest.approx((first, second, full / 1.5))
    assert lengths.slowed_by(100.0).seconds == (first, second, second)
    assert lengths.slowed_by(0.8) == lengths


def test_with_a_number_of_trials_a_slower_machine_changes_nothing() -> None:
    assert make_lengths().slowed_by(3.0) == make_lengths()

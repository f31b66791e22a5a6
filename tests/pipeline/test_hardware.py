"""Students that are timed before they are trained, on a machine whose speed is known."""

from contextlib import contextmanager
from pathlib import Path

import onnx
import pytest

from autokd.core.cost import Limits
from autokd.core.measurement import LatencyMeasurement
from autokd.core.trial import TOO_SLOW, Failure
from autokd.errors import DeviceError
from autokd.pipeline import hardware
from autokd.pipeline.hardware import FEWEST_TIMINGS, MOST_SILENCES, BoardScreen
from autokd.search.ledger import Ledger
from autokd.space.cost import cost_on
from autokd.space.counts import folded_numbers
from autokd.space.latency import predict_latency_ms
from autokd.space.operators import layer_costs
from autokd.space.program import Program
from autokd.space.students import StudentSpace
from tests.pipeline.fakes import CLASSES, make_plan
from tests.space.conftest import draw_members

LIMIT_MS = 4.0


class Board:
    """As fast as predicted, times ``factor``; it reads which student it is off the file."""

    name = "ssh://board"
    is_device = True

    def __init__(self, monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
        self.factor = factor
        self.timed = 0
        self.invalid_first = 0
        self.fault: Exception | None = None
        self.program: Program | None = None
        monkeypatch.setattr(hardware, "measure_on", self.measure)

    def measure(self, target, model: Path, profile, **given) -> LatencyMeasurement:
        assert target is self
        onnx.checker.check_model(model, full_check=True)
        layers = self.program.layers
        numbers = 4 * sum(folded_numbers(self.program, layer) for layer in layers)
        assert model.stat().st_size == pytest.approx(numbers, rel=0.3)  # it is this student's file
        self.timed += 1
        if self.fault:
            raise self.fault
        valid = self.timed > self.invalid_first
        return LatencyMeasurement(
            host="board",
            is_device=True,
            valid=valid,
            reason=None if valid else "drift",
            runtime="onnxruntime 1.20.0",
            provider="CPUExecutionProvider",
            threads=1,
            samples=64,
            load_ms=1.0,
            first_ms=1.0,
            p50_ms=self.factor * predict_latency_ms(layer_costs(self.program), profile),
            p90_ms=9.0,
            p99_ms=None,
            min_ms=1.0,
            mean_ms=1.0,
            std_ms=0.1,
            peak_memory_bytes=None,
            runtime_memory_bytes=None,
        )


@pytest.fixture
def plan():
    return make_plan(limits=Limits(max_latency_ms=LIMIT_MS))


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def space(plan):
    return StudentSpace(
        preset="edge",
        profile=plan.profile,
        limits=plan.limits,
        image_px=16,
        image_channels=1,
        class_names=CLASSES,
    )


@pytest.fixture
def screened(monkeypatch, space, plan, ledger):
    """Give a screen on a board that is slower by a factor, and the board."""

    def make(factor: float) -> tuple[BoardScreen, Board, list[str]]:
        board, lines = Board(monkeypatch, factor), []
        original = space.program

        def program(candidate):
            board.program = original(candidate)
            return board.program

        monkeypatch.setattr(space, "program", program)
        return BoardScreen(board, space, plan, ledger, say=lines.append), board, lines

    return make


def test_a_student_within_the_limit_goes_on_with_what_was_measured(screened, space, ledger) -> None:
    screen, _, _ = screened(0.9)
    (candidate,) = draw_members(space, 1)
    seen = screen(0, candidate)
    predicted = candidate.cost.latency_ms
    assert seen.cost.is_measured
    assert seen.cost.latency_interval_ms == pytest.approx((0.9 * predicted,) * 3, rel=0.02)
    assert seen.model_copy(update={"cost": candidate.cost}) == candidate
    assert [t.p50_ms for t in ledger.timings()] == [seen.cost.latency_ms]


def test_a_student_that_is_too_slow_is_drawn_narrower_until_it_is_not(screened, space) -> None:
    factor = 2.5  # more than the interval of the prediction allows for
    screen, board, _ = screened(factor)
    slow = next(c for c in draw_members(space, 40) if factor * c.cost.latency_ms > LIMIT_MS)
    seen = screen(0, slow)
    assert not isinstance(seen, Failure)
    assert (seen.family, seen.member_seed) == (slow.family, slow.member_seed)
    assert seen.base_width < slow.base_width
    assert seen.cost.latency_ms <= LIMIT_MS
    assert board.timed >= 2


def test_one_that_is_too_slow_at_any_width_fails_with_the_numbers(screened, space, ledger) -> None:
    screen, _, lines = screened(1000.0)
    seen = screen(3, draw_members(space, 1)[0])
    assert isinstance(seen, Failure)
    assert seen.kind == TOO_SLOW
    assert "on ssh://board at width" in seen.message
    assert f"at most {LIMIT_MS:g} ms" in seen.message
    assert lines[-1].startswith("student 3 refused")


def test_what_was_timed_is_not_timed_again_by_the_next_session(
    screened, space, plan, ledger
) -> None:
    screen, board, _ = screened(0.9)
    (candidate,) = draw_members(space, 1)
    first = screen(0, candidate)
    again = BoardScreen(board, space, plan, ledger, say=print)(0, candidate)
    assert again == first
    assert board.timed == 1
    assert len(ledger.timings()) == 1


def test_predictions_follow_the_board_and_students_are_drawn_narrower(screened, space) -> None:
    screen, _, _ = screened(2.0)
    candidates = draw_members(space, 4 * FEWEST_TIMINGS)
    before = cost_on(space.program(candidates[-1]), space.profile)
    for trial_id, candidate in enumerate(candidates[:-1]):
        screen(trial_id, candidate)
    after = cost_on(space.program(candidates[-1]), space.profile)
    assert space.revision >= 2
    assert after.latency_ms == pytest.approx(2.0 * before.latency_ms, rel=0.2)
    assert after.latency_high_ms / after.latency_ms < before.latency_high_ms / before.latency_ms


def test_a_timing_that_does_not_count_is_taken_again(screened, space) -> None:
    screen, board, _ = screened(0.9)
    board.invalid_first = 2
    assert screen(0, draw_members(space, 1)[0]).cost.is_measured
    assert board.timed == 3


def test_a_board_that_is_never_quiet_leaves_the_prediction(screened, space, ledger) -> None:
    screen, board, lines = screened(0.9)
    board.invalid_first = 10**6
    (candidate,) = draw_members(space, 1)
    assert screen(0, candidate) == candidate
    assert ledger.timings() == ()
    assert "invalid, drift" in lines[-1]


def test_a_board_that_is_gone_is_not_asked_for_every_student(screened, space) -> None:
    screen, board, lines = screened(0.9)
    board.fault = DeviceError("ssh://board: no route to host")
    candidates = draw_members(space, MOST_SILENCES + 2)
    assert [screen(n, c) for n, c in enumerate(candidates)] == candidates
    assert board.timed == MOST_SILENCES
    assert "not asked any more" in lines[-1]


def test_other_work_is_held_back_while_something_is_timed(
    monkeypatch, space, plan, ledger, screened
) -> None:
    _, board, _ = screened(0.9)
    held = []

    @contextmanager
    def quiet():
        before = board.timed
        yield
        held.append(board.timed - before)

    BoardScreen(board, space, plan, ledger, say=print, quiet=quiet)(0, draw_members(space, 1)[0])
    assert held == [1]


def test_without_a_target_every_candidate_passes(space, plan, ledger) -> None:
    with hardware.screening(None, space, plan, ledger, say=print) as screen:
        (candidate,) = draw_members(space, 1)
        assert screen(0, candidate) is candidate

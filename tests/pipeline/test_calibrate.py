"""A calibration as a whole: graphs are chosen, timed, fitted, and the profile is written."""

from types import SimpleNamespace

import numpy as np
import pytest

from autokd.core.device import load_profile, profile_folders
from autokd.core.measurement import LatencyMeasurement
from autokd.core.progress import silent
from autokd.errors import DeviceError, MeasurementError
from autokd.measure.calibrate import ROUNDS
from autokd.measure.target import open_target
from autokd.pipeline import calibrate as steps
from autokd.pipeline.calibrate import calibrate, save_calibrated
from autokd.space.calibration import belief_before, machine_before
from autokd.space.latency import gather_operators, predict_latency_ms, predict_ms
from autokd.space.operators import layer_costs
from autokd.space.probe_set import choose_probes, draw_students

DEVICE = "raspberry-pi-4b"


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AUTOKD_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


class Board:
    """A target that takes three times what the profile says; ``broken`` fails some graphs."""

    name = "ssh://pi@board:22"
    is_device = True

    def __init__(self, monkeypatch):
        profile = load_profile(DEVICE)
        machine, belief = machine_before(profile), belief_before(profile)
        probes = choose_probes(profile, machine, belief, seed=steps.SEED)
        costs = [layer_costs(probe.program) for probe in probes]
        times = 3 * predict_ms(gather_operators(costs, machine), belief.centre, machine)
        self.latency_ms = dict(zip([probe.name for probe in probes], times, strict=True))
        self.invalid = set()
        self.gone_after = None
        self.asked = []
        monkeypatch.setattr(steps, "measure_on", self.measure)
        monkeypatch.setattr(steps, "write_untrained", lambda path, program, target: path)

    def probe(self):
        return SimpleNamespace(runtime=SimpleNamespace(version="1.20.1"))

    def measure(self, target, path, profile, *, seconds, threads, max_warmup_seconds, reference):
        assert target is self
        assert reference.stem.startswith("student-")
        if self.gone_after is not None and len(self.asked) >= self.gone_after:
            msg = "the board is gone"
            raise DeviceError(msg)
        self.asked.append(path.stem)
        p50, beside = (float(self.latency_ms[file.stem]) for file in (path, reference))
        return LatencyMeasurement(
            host="a board",
            is_device=True,
            valid=path.stem not in self.invalid,
            reason="throttled: heat" if path.stem in self.invalid else None,
            runtime="onnxruntime 1.20.1",
            provider="CPUExecutionProvider",
            threads=3,
            samples=64,
            load_ms=1,
            first_ms=1,
            p50_ms=p50,
            p90_ms=p50,
            p99_ms=None,
            min_ms=p50,
            mean_ms=p50,
            std_ms=0,
            peak_memory_bytes=None,
            runtime_memory_bytes=None,
            reference_p50_ms=beside,
            reference_ratio=p50 / beside,
        )


@pytest.fixture
def board(monkeypatch):
    return Board(monkeypatch)


def run(board, device=DEVICE):
    return calibrate(load_profile(device), board, seconds=1.0, progress=silent)


def test_the_written_profile_predicts_what_was_measured(board, tmp_path):
    path = save_calibrated(DEVICE, run(board).profile)
    assert path == tmp_path / "config" / "autokd" / "profiles" / f"{DEVICE}.toml"
    before = load_profile(str(profile_folders()[1] / f"{DEVICE}.toml"))
    after = load_profile(DEVICE)
    for student in draw_students(before, 10, seed=3):
        costs = layer_costs(student.program)
        # The first calls differ by what a shipped profile leaves open.
        ratio = predict_latency_ms(costs, after) / predict_latency_ms(costs, before)
        assert 2.5 < ratio < 3.5
    runtime = after.required_runtime()
    assert runtime.threads == 3
    record = runtime.latency["fp32"].calibration
    assert (record.target, record.runtime, record.graphs) == (board.name, "onnxruntime 1.20.1", 42)
    assert record.within_10_percent == 1.0


def test_nothing_else_of_the_profile_changes(board):
    before = load_profile(DEVICE).model_dump()
    after = run(board).profile.model_dump()
    for raw in (before, after):
        del raw["runtimes"][0]["latency"]["fp32"], raw["runtimes"][0]["threads"]
    assert before == after


def test_a_path_is_written_where_it_lies_but_for_one_of_ours(board, tmp_path):
    shipped = profile_folders()[1] / f"{DEVICE}.toml"
    own = tmp_path / f"{DEVICE}.toml"
    own.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    done = run(board, str(own))
    content = shipped.read_bytes()
    assert save_calibrated(str(own), done.profile) == own
    assert load_profile(str(own)).required_runtime().latency["fp32"].calibration
    elsewhere = save_calibrated(str(shipped), done.profile)
    assert elsewhere.parent == profile_folders()[0]
    assert shipped.read_bytes() == content


def test_after_a_lost_board_only_the_rest_is_timed(board):
    board.gone_after = 50
    with pytest.raises(DeviceError, match="gone"):
        run(board)
    board.gone_after = None
    done = run(board)
    assert len(board.asked) == ROUNDS * 42
    assert done.journal.is_file()


def test_graphs_that_never_count_are_left_out_and_named(board):
    board.invalid = set(list(board.latency_ms)[::10])
    done = run(board)
    assert set(done.dropped) == board.invalid
    assert set(done.dropped.values()) == {"throttled: heat"}
    assert (done.model.calibration.graphs, done.model.calibration.dropped) == (37, 5)


def test_too_few_that_count_are_an_error_that_says_what_to_do(board):
    board.invalid = set(list(board.latency_ms)[19:])
    with pytest.raises(
        MeasurementError, match=r"only 19 of 42.*at least 20.*\(throttled: heat\).*is kept"
    ):
        run(board)


@pytest.mark.slow
def test_this_host_is_calibrated_for_real():
    """Far from quiet, so only the order of students is held to anything."""
    profile = load_profile("host")
    with open_target("local", profile) as target:
        try:
            done = calibrate(profile, target, seconds=0.1, threads=1, progress=silent)
        except MeasurementError as fault:
            pytest.skip(f"this machine is too busy to be timed: {fault}")
    record = done.model.calibration
    assert record.runtime.startswith("onnxruntime ")
    assert record.rank_correlation > 0.8
    assert np.isfinite(record.median_error)

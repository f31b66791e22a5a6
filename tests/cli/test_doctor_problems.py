"""The ten problems that people of such tools report most, each made to occur, and found."""

import json
import os

import numpy as np
import onnx
import pytest

from autokd.cli.device_checks import check_device
from autokd.cli.file_checks import check_files
from autokd.cli.input_checks import check_inputs, judge_fit
from autokd.cli.run_checks import check_run, judge_report
from autokd.cli.target_trial import check_trial, judge_trial
from autokd.core.codec import save_record
from autokd.core.config import RunConfig
from autokd.core.device import list_profiles, load_profile
from autokd.core.latency import Calibration
from autokd.core.measurement import SustainedResult, TimedStudent
from autokd.core.progress import silent
from autokd.core.results import KdGain, VariantResult
from autokd.core.trial import Candidate, Trial, TrialState
from autokd.export.package import MODEL_FILE, TrainedStudent, export_winner
from autokd.measure.local import LocalTarget
from tests.cli.test_doctor import GOOD
from tests.contract.students import noise, smallest_student
from tests.export.conftest import make_program, make_weights, run_student

MEAN, STD = (0.3, 0.5, 0.4), (0.2, 0.25, 0.3)


@pytest.fixture
def config():
    return RunConfig(device="jetson-nano", teacher={"file": "model.pt"})


@pytest.fixture
def report(driver, config):
    return driver.make_report(config)


@pytest.fixture
def here():
    """The profile of this very machine; its first runtime is what is installed."""
    profile = load_profile("host")
    cpu = profile.cpu.model_copy(update={"arch": os.uname().machine})
    return profile.model_copy(update={"cpu": cpu})


def by_name(findings):
    found = {finding.what: finding for finding in findings}
    assert all(bool(f.advice) == (f.level != "ok") for f in found.values()), found
    return found


def with_winner(report, **changes):
    return report.model_copy(update={"winners": (report.winners[0].model_copy(update=changes),)})


def measured(report, **changes):
    now = {"is_device": True, "p50_ms": 12.0, "p90_ms": 12.5, **changes}
    return with_winner(report, measurement=report.winners[0].measurement.model_copy(update=now))


def int8(**changes):
    values = {
        "precision": "int8",
        "file": "student.int8.onnx",
        "sha256": "0" * 64,
        "size_bytes": 1,
        "validation_images": 1000,
        "validation_accuracy": 0.9,
        "agreement": 0.95,
        "drop": 0.002,
        "passed": True,
        "ratio": 0.6,
    }
    return VariantResult(**{**values, **changes})


# 1: fewer operations, and no faster.


def test_a_profile_without_a_limit_on_time_is_found(folder):
    raw = list_profiles()["raspberry-pi-5"].read_text()
    kept = [line for line in raw.splitlines() if not line.startswith("max_latency_ms")]
    (folder / "raspberry-pi-5.toml").write_text("\n".join(kept))
    finding = by_name(check_device("raspberry-pi-5.toml", GOOD))["limit on time"]
    assert (finding.level, "--max-latency-ms" in finding.advice) == ("warn", True)
    assert by_name(check_device("raspberry-pi-5", GOOD))["limit on time"].found == "33 ms"
    assert by_name(check_device("stm32h7", GOOD))["limit on time"].level == "ok"


def test_a_run_without_a_limit_on_time_is_found_with_what_was_timed(report):
    cost = report.winners[0].cost
    trials = [
        Trial(
            trial_id=number,
            state=TrialState.PAUSED,
            candidate=Candidate.model_construct(
                cost=cost.model_copy(update={"macs": 1000 * (number + 1)})
            ),
        )
        for number in range(4)
    ]
    times = (4.0, 1.0, 2.0, 3.0)  # the one with the fewest MACs is the slowest: 3 of 6 pairs
    timed = [
        TimedStudent(trial_id=number, predicted_ms=1.0, measured_ms=time)
        for number, time in enumerate(times)
    ]
    changed = report.model_copy(update={"trials": tuple(trials), "timed": tuple(timed)})
    finding = by_name(judge_report(changed))["limit on time"]
    assert finding.level == "warn"
    assert "of 6 pairs timed the one with fewer MACs was slower in 3" in finding.found


# 2: int8 is slower.


def test_a_target_where_int8_is_slower_is_found(here, monkeypatch, tmp_path):
    """As the INT8 file a student that is truly slower stands in, timed by the real agent."""
    from autokd.cli import target_trial
    from autokd.pipeline import trial_student
    from autokd.pipeline.untrained import write_untrained

    small, large = make_program(px=8), make_program(px=64)
    files = [
        write_untrained(tmp_path / f"{name}.onnx", program, here.export)
        for name, program in (("small", small), ("large", large))
    ]
    student = trial_student.TrialStudent(tuple(files), None)
    monkeypatch.setattr(trial_student, "write_trial_student", lambda *_: student)
    monkeypatch.setattr(target_trial, "_SECONDS", 0.2)
    monkeypatch.setattr(target_trial, "_RATIO_SECONDS", 0.1)
    monkeypatch.setattr(target_trial, "_WARMUP_SECONDS", 0.2)
    # This machine may be busy; a factor of a hundred shows anyway.
    time = target_trial._time
    monkeypatch.setattr(
        target_trial, "_time", lambda *given: time(*given).model_copy(update={"valid": True})
    )
    found = by_name(check_trial(LocalTarget(is_device=True), here))
    assert found["a student there"].level == "ok"
    assert found["int8 there"].level == "warn"
    assert float(found["int8 there"].found.split()[0]) > 1


def test_files_that_are_equally_fast_are_not_told_apart(report):
    shown = report.winners[0].measurement
    found = by_name(judge_trial(shown, [0.97, 1.02, 0.99, 1.01, 0.98], None))["int8 there"]
    assert (found.level, found.advice) == ("ok", "")
    assert found.found == "0.99 of the time of fp32 (0.97 to 1.02): too close to tell"
    faster = by_name(judge_trial(shown, [0.7, 0.8, 0.75], None))["int8 there"]
    assert (faster.level, faster.found) == ("ok", "0.75 of the time of fp32 (0.70 to 0.80)")


def test_a_run_that_delivers_a_slower_int8_is_found(report):
    forced = with_winner(report, chosen="int8", variants=(int8(ratio=1.3),))
    assert by_name(judge_report(forced))["time of int8"].level == "warn"
    chosen = with_winner(report, chosen="fp32", variants=(int8(ratio=1.3),))
    finding = by_name(judge_report(chosen))["time of int8"]
    assert (finding.level, finding.found) == ("ok", "1.30 of the time of fp32, so fp32 was chosen")
    untimed = with_winner(report, chosen="int8", variants=(int8(ratio=None),))
    assert by_name(judge_report(untimed))["time of int8"].level == "warn"


# 3: int8 ruins the accuracy.


def test_a_run_that_delivers_a_ruined_int8_is_found(report):
    ruined = with_winner(report, chosen="int8", variants=(int8(drop=0.3, passed=False),))
    finding = by_name(judge_report(ruined))["accuracy of int8"]
    assert (finding.level, finding.found) == ("fail", "30.0 points lost, 1.0 allowed")


def test_images_too_few_to_see_a_ruined_int8_are_found(folder):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (200, 12, 12), dtype=np.uint8)
    np.savez(folder / "few.npz", images=images, labels=np.arange(200) % 4)
    found = by_name(check_inputs({"data": "few.npz"}, None, progress=silent))
    assert found["data"].level == "ok"
    assert "4 classes, 12 px" in found["data"].found
    assert found["gate on accuracy"].level == "warn"
    assert "5 points; a precision may lose 1" in found["gate on accuracy"].found


# 4: the times of a profile are of another board.


def test_a_profile_that_was_not_calibrated_is_found():
    finding = by_name(check_device("jetson-nano", GOOD))["predictions"]
    assert (finding.level, "a factor of 1.54" in finding.found) == ("warn", True)
    assert "autokd devices calibrate jetson-nano" in finding.advice


@pytest.mark.parametrize(("runtime", "level"), [("1.32.0", "ok"), ("1.10.0", "warn")])
def test_a_calibration_of_another_runtime_is_found(folder, runtime, level):
    profile = load_profile("raspberry-pi-5")
    made = Calibration(
        date="2026-01-01",
        target="ssh://board",
        runtime=f"onnxruntime {runtime}",
        threads=profile.threads,
        graphs=42,
        dropped=0,
        median_error=0.05,
        within_10_percent=0.8,
        rank_correlation=0.99,
    )
    model = profile.latency.model_copy(update={"calibration": made})
    changed = profile.with_latency(model)
    assert profile.runtime.version == "1.32.0"
    (folder / "raspberry-pi-5.toml").write_text(changed.to_toml())
    finding = by_name(check_device("raspberry-pi-5.toml", GOOD))["predictions"]
    assert finding.level == level


def test_a_prediction_that_misses_is_found(report, here):
    shown = report.winners[0].measurement.model_copy(update={"p50_ms": 30.0, "is_device": True})
    found = by_name(judge_trial(shown, [], (8.0, 12.0, 18.0)))
    assert found["prediction there"].level == "warn"
    found = by_name(judge_trial(shown, [], (20.0, 31.0, 50.0)))
    assert found["prediction there"].level == "ok"
    assert by_name(judge_report(measured(report)))["prediction"].level == "ok"
    finding = by_name(judge_report(measured(report, p50_ms=30.0)))["prediction"]
    assert (finding.level, "12 ms predicted (8 to 18), 30" in finding.found) == ("warn", True)


# 5: times of another machine.


def test_a_time_that_is_not_the_boards_is_found(report):
    finding = by_name(judge_report(report))["timed on"]
    assert (finding.level, "not the board's" in finding.advice) == ("warn", True)
    finding = by_name(judge_report(with_winner(report, measurement=None)))["timed on"]
    assert (finding.level, finding.found) == ("warn", "nothing")
    assert by_name(judge_report(measured(report)))["timed on"].level == "ok"


def test_a_student_over_its_limit_on_the_board_is_found(report):
    limits = report.limits.model_copy(update={"max_latency_ms": 10.0})
    slow = measured(report).model_copy(update={"limits": limits})
    assert by_name(judge_report(slow))["limit kept"].level == "fail"


# 6: warming up and spikes.


def test_a_timing_that_does_not_count_is_found(report):
    noisy = measured(report, valid=False, reason="noise of 40 % is above 10 %")
    finding = by_name(judge_report(noisy))["timing"]
    assert (finding.level, "INVALID: noise of 40 %" in finding.found) == ("fail", True)
    elsewhere = measured(report, valid=False, reason="noise", is_device=False)
    assert by_name(judge_report(elsewhere))["timing"].level == "warn"
    shown = noisy.winners[0].measurement
    assert by_name(judge_trial(shown, [], None))["a student there"].level == "fail"


# 7: heat.


def test_a_board_that_slows_down_is_found(report):
    hot = measured(report, throttled="throttled now")
    assert by_name(judge_report(hot))["heat in the run"].level == "warn"
    course = SustainedResult(
        seconds=1800.0,
        window_seconds=60.0,
        p50_ms=(10.0, 14.0),
        temp_c=(50.0, 85.0),
        freq_mhz=(2400.0, 1500.0),
        slowdown_pct=40.0,
    )
    finding = by_name(judge_report(measured(report, sustained=course)))["heat in the run"]
    assert (finding.level, finding.found) == ("warn", "+40 % slower after 1800 s")


# 8: another provider runs the model.


def test_a_provider_that_is_not_there_is_found(here, monkeypatch):
    """The real agent is asked for CUDA, which onnxruntime here has not."""
    from autokd.cli import target_trial

    cuda = here.runtime.model_copy(update={"providers": ("CUDAExecutionProvider",)})
    board = here.model_copy(update={"runtimes": (cuda,)})
    monkeypatch.setattr(target_trial, "_SECONDS", 0.2)
    (finding,) = check_trial(LocalTarget(is_device=True), board)
    assert finding.level == "fail"
    assert "CUDAExecutionProvider" in finding.found
    assert check_trial(LocalTarget(is_device=False), here) == []
    assert target_trial.check_trial(LocalTarget(is_device=True), load_profile("stm32h7")) == []


def test_a_run_on_another_provider_is_found(report):
    fallen = measured(report, provider="TensorrtExecutionProvider")
    finding = by_name(judge_report(fallen))["provider"]
    assert (finding.level, "asks for CPUExecutionProvider" in finding.advice) == ("fail", True)
    mixed = measured(report, node_placement={"CPUExecutionProvider": 3, "X": 40})
    finding = by_name(judge_report(mixed))["provider"]
    assert (finding.level, "40 nodes elsewhere" in finding.found) == ("warn", True)


# 9 and 10: the file is not what the board loads, or computes something else.


@pytest.fixture(scope="module", params=["jetson-nano", "raspberry-pi-5"])
def exported(request, tmp_path_factory):
    """The folder of a run with a real file, fed with floats or with bytes, and its export."""
    from autokd.core.family import FamilyParams
    from autokd.space.wiring import draw_genotype

    run = tmp_path_factory.mktemp("exported")
    program = smallest_student()
    weights = make_weights(program)
    images = noise(program, images=12)
    family = FamilyParams(
        preset="edge", top_nodes=3, top_degree=2, top_rewire=0.1, mid_nodes=1, mid_edge=0.5,
        bottom_nodes=2, bottom_degree=2, bottom_rewire=0.1, input_px=8,
    )  # fmt: skip
    genotype = draw_genotype(family, member_seed=1, image_channels=3, classes=5)
    student = TrainedStudent(program, weights, genotype, MEAN, STD, (), {})
    found = export_winner(
        run / "winners" / "1",
        student,
        target=load_profile(request.param).export,
        images=images,
        reference=run_student(program, weights, images, MEAN, STD),
    )
    return run, found, request.param


@pytest.fixture
def whole(exported, report, tmp_path):
    """A copy of that run with its report, whose file may be changed."""
    import shutil

    source, found, device = exported
    run = tmp_path / "run"
    shutil.copytree(source, run)
    export = report.winners[0].export.model_copy(
        update={"file": f"winners/1/{MODEL_FILE}", "sha256": found.sha256}
    )
    changed = with_winner(report, export=export).model_copy(update={"device": device})
    (run / "config.toml").write_text("")
    save_record(changed, run / "results.json")
    return run, changed


def rewritten(run, change):
    path = run / "winners" / "1" / MODEL_FILE
    model = onnx.load_model(path)
    change(model)
    path.write_bytes(model.SerializeToString())


def test_a_whole_run_is_found_whole(whole, call):
    run, report = whole
    found = by_name(check_files(report, run))
    assert {finding.level for finding in found.values()} == {"ok"}
    assert "8 images within" in found["what it computes"].found
    assert {"run", "limit on time", "file"} <= set(by_name(check_run(run)))


def test_an_opset_that_the_board_cannot_load_is_found(whole):
    run, report = whole

    def newer(model):
        model.opset_import[0].version, model.ir_version = 18, 10

    rewritten(run, newer)
    found = by_name(check_files(report, run))
    assert found["file"].level == "fail"
    assert found["form of the file"].level == "fail"
    asked = load_profile(report.device).export.opset
    assert f"ai.onnx 18; the profile asks for ai.onnx {asked}" in found["form of the file"].found
    assert "what it computes" not in found


def test_a_file_that_computes_something_else_is_found(whole):
    run, report = whole

    def broken(model):
        last = model.graph.initializer[-1]
        values = onnx.numpy_helper.to_array(last) + np.float32(1)
        last.CopyFrom(onnx.numpy_helper.from_array(values, last.name))

    rewritten(run, broken)
    found = by_name(check_files(report, run))
    assert found["form of the file"].level == "ok"
    assert found["what it computes"].level == "fail"
    assert "does not compute what the student computes" in found["what it computes"].found


def test_a_file_or_sample_that_is_gone_is_found(whole):
    run, report = whole
    (run / "winners" / "1" / "sample.npz").write_bytes(b"PK")
    assert by_name(check_files(report, run))["what it computes"].level == "fail"
    (run / "winners" / "1" / MODEL_FILE).unlink()
    assert by_name(check_files(report, run))["file"].level == "fail"
    assert check_files(report.model_copy(update={"winners": ()}), run) == []


# Those that come after the ten: the teacher taught nothing, a run was stopped, nothing fits.


def test_a_teacher_that_taught_nothing_is_found(report):
    gain = KdGain(epochs=1.0, with_teacher=0.8, without_teacher=0.81, seeds=3)
    changed = report.model_copy(update={"kd_gain": gain})
    assert by_name(judge_report(changed))["gain by the teacher"].level == "warn"


def test_a_stopped_run_is_found(call, folder):
    (folder / "run").mkdir()
    text = "device = 'jetson-nano'\n[teacher]\nfile = 'model.pt'\n"
    (folder / "run" / "config.toml").write_text(text)
    (finding,) = check_run(folder / "run")
    assert finding.level == "warn"
    assert "autokd resume" in finding.advice
    (folder / "run" / "results.json").write_text("{}")
    (finding,) = check_run(folder / "run")
    assert (finding.level, "results.json" in finding.found) == ("fail", True)


def test_limits_that_nothing_fits_are_found(driver):
    finding = judge_fit(driver.INFEASIBLE)
    assert (finding.level, "The limit on size binds" in finding.found) == ("fail", True)
    scarce = driver.FEASIBLE.model_copy(update={"fitting": 3})
    finding = judge_fit(scarce)
    assert (finding.level, "raise the limit on parameters" in finding.advice) == ("warn", True)
    assert judge_fit(driver.FEASIBLE).level == "ok"


def test_inputs_that_cannot_be_used_are_found(folder):
    (finding,) = check_inputs({"data": "none"}, None, progress=silent)
    assert (finding.level, "no such folder or file" in finding.found) == ("fail", True)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (200, 12, 12), dtype=np.uint8)
    np.savez(folder / "data.npz", images=images, labels=np.arange(200) % 4)
    (folder / "model.pt").touch()
    given = {"data": "data.npz", "teacher": "model.pt"}
    found = by_name(check_inputs(given, "jetson-nano", progress=silent))
    assert (found["teacher"].level, "has 0 bytes" in found["teacher"].found) == ("fail", True)
    assert "students that fit" not in found


def test_a_run_and_images_are_asked_about_on_the_command_line(call, whole, folder, monkeypatch):
    from autokd.cli import checks

    monkeypatch.setattr(checks, "probe_packages", lambda names: {})
    run, _ = whole
    code, out, err = call("doctor", "--run", run, "--data", "none", "--json")
    found = {finding["what"]: finding for finding in json.loads(out)["checks"]}
    assert found["data"]["level"] == "fail"
    assert found["what it computes"]["level"] == "ok"
    assert (code, "checks failed: " in err) == (2, True)
    code, _, err = call("doctor", "--run", "nowhere")
    assert (code, "nowhere: no such run folder" in err) == (2, True)

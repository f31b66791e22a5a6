"""The agent itself, imported from its file as a board would have it."""

import ast
import importlib.util
import io
import json
import math
import sys
import time

import numpy as np
import pytest
from onnx import TensorProto

from autokd.measure.local import agent_file

SOURCE = agent_file().read_text()
TURN = agent_file("turn.py").read_text()


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench", agent_file())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


IN_PYTHON_3_6 = {
    "array",
    "fcntl",
    "glob",
    "hashlib",
    "json",
    "math",
    "os",
    "platform",
    "random",
    "shutil",
    "signal",
    "statistics",
    "subprocess",
    "sys",
    "tempfile",
    "time",
}


def make_job(model, **changes):
    job = {
        "model": str(model),
        "model_sha256": None,
        "sample": None,
        "reference": None,
        "providers": ["CPUExecutionProvider"],
        "threads": 1,
        "seconds": 0.05,
        "max_seconds": 5,
        "warmup_seconds": 0,
        "max_warmup_seconds": 0.3,
        "sustained_seconds": None,
        "arena": True,
        "memory_pattern": True,
        "spinning": True,
        "seed": 7,
    }
    return {**job, **changes}


def answer_to(bench, job, arguments=()):
    stdout = io.StringIO()
    text = job if isinstance(job, str) else json.dumps(job)
    status = bench.main(list(arguments), io.StringIO(text), stdout)
    begin, line, end = stdout.getvalue().splitlines()
    assert (begin, end) == (bench.BEGIN, bench.END)
    answer = json.loads(line)
    assert status == (0 if answer["ok"] else 1)
    return answer


def is_python_3_6(source):
    try:
        tree = ast.parse(source, feature_version=(3, 6))
    except SyntaxError:
        return False
    # What the parser lets through: f"{x=}" (so no f-string at all) and "with (a, b):".
    formatted = any(isinstance(node, ast.JoinedStr) for node in ast.walk(tree))
    return not formatted and "with (" not in source


def test_it_is_python_3_6():
    assert is_python_3_6(SOURCE)


@pytest.mark.parametrize(
    "newer",
    [
        "if (n := 1): pass",
        "def f(a, /): pass",
        "match x:\n    case 1: pass",
        "f'{x=}'",
        "with (a as b, c as d): pass",
        "try: pass\nexcept* OSError: pass",
    ],
)
def test_newer_syntax_would_be_found(newer):
    assert not is_python_3_6(SOURCE + newer + "\n")


def test_it_needs_numpy_onnxruntime_and_nothing_else_that_is_not_in_python_3_6():
    imported = set()
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    assert imported - sys.stdlib_module_names == {"numpy", "onnxruntime"}
    assert imported & sys.stdlib_module_names <= IN_PYTHON_3_6


def test_what_waits_for_the_turn_is_python_3_6_and_needs_nothing():
    assert is_python_3_6(TURN)
    names = [n for n in ast.walk(ast.parse(TURN)) if isinstance(n, ast.Import)]
    assert {alias.name for name in names for alias in name.names} <= IN_PYTHON_3_6


def test_a_probe_needs_no_job(bench):
    answer = answer_to(bench, "", ["--probe"])
    assert answer["ok"]
    assert answer["host"]["nproc"] >= 1
    assert "CPUExecutionProvider" in answer["runtime"]["providers_available"]
    assert "latency_ms" not in answer


def test_it_times_a_model_and_says_what_it_computed(bench, make_model):
    answer = answer_to(bench, make_job(make_model(weight=2.0)))
    latency = answer["latency_ms"]
    assert latency["n"] >= 64
    assert 0 < latency["min"] <= latency["p50"] <= latency["p90"] <= latency["p90_early_stop"]
    assert latency["warmup_n"] >= 10
    assert latency["load"] > 0
    assert latency["first"] > 0
    image = {"dtype": "uint8", "shape": [1, 3, 4, 4]}
    assert answer["job"]["input"] == {"image": image}
    first, second = answer["output"]["values"]
    assert first in {2.0 * byte for byte in range(256)}
    assert second == 0.0
    memory = answer["memory_kb"]
    assert memory["start"] <= memory["after_import"] <= memory["after_session"] <= memory["peak"]
    assert memory["after_session"] <= memory["after_first_run"] <= memory["peak"]
    assert 0 < memory["anonymous"] <= memory["resident"]
    assert answer["runtime"]["threads"] == 1
    assert abs(answer["state"]["before"]["utc_seconds"] - time.time()) < 60
    assert "sustained" not in answer


def test_session_options_reach_onnxruntime_and_the_answer(bench, make_model, monkeypatch):
    import onnxruntime

    seen = []

    class Session(onnxruntime.InferenceSession):
        def __init__(self, path, options, **given):
            spinning = options.get_session_config_entry("session.intra_op.allow_spinning")
            seen.append((options.enable_cpu_mem_arena, options.enable_mem_pattern, spinning))
            assert options.intra_op_num_threads == 2
            super().__init__(path, options, **given)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    switches = {"arena": False, "memory_pattern": False, "spinning": False}
    answer = answer_to(bench, make_job(make_model(), threads=2, **switches))
    assert seen == [(False, False, "0")]
    assert {key: answer["runtime"][key] for key in switches} == switches
    answer_to(bench, make_job(make_model(), threads=2))
    assert seen[1] == (True, True, "1")


def test_a_long_run_is_told_in_windows(bench, make_model):
    answer = answer_to(bench, make_job(make_model(), sustained_seconds=0.5))
    course = answer["sustained"]
    assert course["window_seconds"] == pytest.approx(0.05)
    assert len(course["p50_ms"]) == len(course["n"]) == len(course["temp_mc"])
    assert 8 <= len(course["p50_ms"]) <= 10
    assert 0.5 <= course["seconds"] < 5
    assert all(n >= 1 for n in course["n"])
    first, last = course["p50_ms"][0], course["p50_ms"][-1]
    assert course["slowdown_pct"] == pytest.approx((last / first - 1) * 100)


def test_beside_a_reference_the_pace_of_the_machine_falls_out(bench, make_model, monkeypatch):
    """The machine is half as fast from the first second on; each first run of a turn is slow."""
    clock, last = [0.0], [None]

    def timed(session, feed):
        seconds = {"model": 0.003, "reference": 0.001}[session] * (2 if clock[0] > 1 else 1)
        seconds *= 10 if session != last[0] else 1
        clock[0], last[0] = clock[0] + seconds, session
        return seconds * 1e3

    monkeypatch.setattr(bench, "_timed", timed)
    monkeypatch.setattr(bench, "_load", lambda *_: ("reference", 0.1))
    monkeypatch.setattr(bench, "_make_input", lambda *_: (None, None))
    monkeypatch.setattr(bench, "_run", lambda *_: None)
    monkeypatch.setattr(bench.time, "perf_counter", lambda: clock[0])
    job = make_job("model.onnx", reference="reference.onnx", seconds=8.0, max_seconds=60)
    samples, seconds, compared = bench._measure_in_turns("model", None, job, {})
    assert seconds >= 8.0
    assert set(np.round(samples, 6)) == {3.0, 6.0}
    assert compared["reference_p50"] == pytest.approx(2.0)
    assert compared["reference_ratio"] == pytest.approx(3.0)


def test_a_model_is_timed_in_turns_with_a_reference(bench, make_model, tmp_path):
    model = make_model()
    alone = answer_to(bench, make_job(model))["latency_ms"]
    assert (alone["reference_p50"], alone["reference_ratio"]) == (None, None)
    np.savez(tmp_path / "sample.npz", image=np.full((1, 3, 4, 4), 9, dtype=np.uint8))
    job = make_job(model, reference=str(model), sample=str(tmp_path / "sample.npz"), seconds=0.3)
    answer = answer_to(bench, job)
    assert answer["output"]["values"] == [9.0, 0.0]
    latency = answer["latency_ms"]
    assert latency["n"] >= 64
    assert latency["reference_p50"] > 0
    assert 0.5 < latency["reference_ratio"] < 2
    missing = answer_to(bench, make_job(model, reference="missing.onnx"))
    assert missing["error"]["kind"] == "load"
    assert "missing.onnx" in missing["error"]["message"]


def test_a_window_is_a_minute_at_most_and_the_slowdown_is_of_tenths(bench, monkeypatch):
    clock = [0.0]

    def timed(session, feed):
        clock[0] += 10.0
        return 2.0 if clock[0] > 1620 else 1.0

    monkeypatch.setattr(bench, "_timed", timed)
    monkeypatch.setattr(bench.time, "perf_counter", lambda: clock[0])
    course = bench._sustain(None, None, 1800.0)
    assert course["window_seconds"] == 60.0
    assert course["n"] == [6] * 30
    assert course["p50_ms"] == [1.0] * 27 + [2.0] * 3
    assert course["slowdown_pct"] == 100.0


def test_a_provider_that_runs_no_node_is_refused_and_one_that_runs_some_is_told(bench, make_model):
    """Azure's provider is in every wheel, and takes no node of a model that needs no network."""
    wanted = ["AzureExecutionProvider", "CPUExecutionProvider"]
    if wanted[0] not in answer_to(bench, "", ["--probe"])["runtime"]["providers_available"]:
        pytest.skip("this onnxruntime has no AzureExecutionProvider")
    answer = answer_to(bench, make_job(make_model(), providers=wanted))
    assert answer["error"]["kind"] == "provider"
    words = "asked for AzureExecutionProvider, onnxruntime ran 3 nodes on CPUExecutionProvider"
    assert answer["error"]["message"] == words
    placed = bench._placement(
        make_job(make_model(), providers=["CPUExecutionProvider"]),
        {"image": np.zeros((1, 3, 4, 4), dtype=np.uint8)},
    )
    assert placed == {"CPUExecutionProvider": 3}


@pytest.mark.parametrize(
    ("machine", "features", "files", "found"),
    [
        ("aarch64", ["asimd"], {}, "none"),
        ("x86_64", ["sse2", "avx2"], {}, "none"),
        ("aarch64", ["fpu", "sse2"], {}, "qemu-user"),
        ("aarch64", ["asimd"], {"/proc/sys/kernel/arch": "x86_64"}, "qemu-user"),
        ("aarch64", [], {"/proc/self/status": "Name:\tqemu-aarch64-st\nUmask:"}, "qemu-user"),
        ("aarch64", ["asimd"], {"/proc/sys/kernel/arch": "aarch64"}, "none"),
        ("x86_64", ["hypervisor"], {}, "vm"),
        ("aarch64", ["asimd"], {"/sys/class/dmi/id/sys_vendor": "QEMU"}, "vm"),
        ("x86_64", ["hypervisor"], {"/proc/1/cgroup": "0::/docker/12ab"}, "container"),
    ],
)
def test_what_a_machine_runs_in(bench, monkeypatch, machine, features, files, found):
    monkeypatch.setattr(bench, "_read", files.get)
    monkeypatch.setattr(bench.os.path, "exists", lambda path: False)
    assert bench._virtualised(machine, features) == found


def test_power_and_heat_are_read_where_a_system_keeps_them(bench, monkeypatch, tmp_path):
    devices = tmp_path / "cooling"
    for number, (kind, step) in enumerate((("Processor", 0), ("cpufreq-cpu0", 3), ("fan", 9))):
        folder = devices / f"cooling_device{number}"
        folder.mkdir(parents=True)
        (folder / "type").write_text(kind + "\n")
        (folder / "cur_state").write_text(f"{step}\n")
    real = bench.glob.glob
    place = "/sys/class/thermal/cooling_device*"
    swapped = {place: str(devices / "cooling_device*")}
    monkeypatch.setattr(bench.glob, "glob", lambda pattern: real(swapped.get(pattern, pattern)))
    assert bench._cooling() == 3
    monkeypatch.setattr(bench, "_read_all", lambda pattern: [])
    monkeypatch.setattr(bench, "_ask", lambda command: "throttled=0x50005")
    assert bench._throttled() == 0x50005
    monkeypatch.setattr(bench, "_ask", lambda command: "")
    assert bench._throttled() is None
    assert bench._heat_events() is None
    monkeypatch.setattr(bench, "_read_all", lambda pattern: ["3", "4"])
    assert bench._heat_events() == 7


def test_noise_depends_on_the_seed_alone_and_sums_up_alike_as_bytes_and_floats(bench):
    one, two, three = (
        bench._noise({"seed": seed}, [1, 3, 4, 4], dtype)
        for seed, dtype in ((7, "uint8"), (7, "float32"), (8, "uint8"))
    )
    assert one.dtype == np.uint8
    np.testing.assert_allclose(two, one / 255, rtol=1e-6)
    assert not np.array_equal(one, three)
    assert one[0, 0, 0].tolist() == list(
        __import__("random").Random(7).getrandbits(8 * 48).to_bytes(48, "little")[:4]
    )


def test_the_first_sample_is_the_input_when_there_is_one(bench, make_model, tmp_path):
    images = np.full((2, 3, 4, 4), 9, dtype=np.uint8)
    images[1] = 200
    np.savez(tmp_path / "sample.npz", image=images)
    answer = answer_to(bench, make_job(make_model(), sample=str(tmp_path / "sample.npz")))
    assert answer["output"]["values"] == [9.0, 0.0]
    assert answer["output"]["argmax"] == 0
    assert answer["job"]["sample"]


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"model": "missing.onnx"}, "model", "missing.onnx: cannot be read (No such file"),
        ({"model_sha256": "0" * 64}, "sha256", "not the one sent"),
        (
            {"providers": ["CUDAExecutionProvider", "CPUExecutionProvider"]},
            "provider",
            "has no CUDAExecutionProvider, only",
        ),
        ({"sample": "missing.npz"}, "input", "missing.npz: no input can be read"),
        ({"threads": "many"}, "internal", "TypeError"),
        ({"more": 1}, "job", "must have exactly"),
    ],
)
def test_a_job_that_cannot_be_done_is_answered_with_its_reason(
    bench, make_model, changes, kind, words
):
    answer = answer_to(bench, {**make_job(make_model()), **changes})
    assert not answer["ok"]
    assert answer["error"]["kind"] == kind
    assert words in answer["error"]["message"]


def test_a_provider_that_onnxruntime_replaces_is_refused(bench, make_model, monkeypatch):
    import onnxruntime

    class FallenBack(onnxruntime.InferenceSession):
        def get_providers(self):
            return ["OtherExecutionProvider"]

    monkeypatch.setattr(onnxruntime, "InferenceSession", FallenBack)
    answer = answer_to(bench, make_job(make_model()))
    assert answer["error"]["kind"] == "provider"
    assert "asked for CPUExecutionProvider, onnxruntime runs" in answer["error"]["message"]


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_what_is_no_job_is_answered(bench, text):
    assert answer_to(bench, text)["error"]["kind"] == "job"


def test_models_that_do_not_load_or_take_other_inputs_are_answered(bench, make_model, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"\xff\xff")
    answer = answer_to(bench, make_job(tmp_path / "broken.onnx"))
    assert answer["error"]["kind"] == "load"
    answer = answer_to(bench, make_job(make_model(kind=TensorProto.INT64)))
    assert answer["error"]["kind"] == "input"
    assert "tensor(int64)" in answer["error"]["message"]


def test_a_model_that_computes_no_numbers_is_answered(bench, make_model):
    answer = answer_to(bench, make_job(make_model(weight=float("nan"))))
    assert answer["error"] == {
        "kind": "output",
        "message": "the model gives numbers that are not finite",
    }


def test_a_run_that_must_stop_early_is_invalid(bench, make_model):
    answer = answer_to(bench, make_job(make_model(), max_seconds=0))
    assert answer["latency_ms"]["n"] == 1
    assert not answer["validity"]["valid"]
    assert answer["validity"]["reasons"][0] == "too few samples: 1, p90 needs 64"


@pytest.mark.parametrize(
    ("fraction", "samples", "dropped"),
    [(0.9, 63, None), (0.9, 64, 0), (0.9, 81, 1), (0.9, 97, 2), (0.99, 661, None), (0.99, 662, 0)],
)
def test_early_stopping_drops_as_many_as_mlperf(bench, fraction, samples, dropped):
    values = list(range(samples))
    expected = None if dropped is None else samples - 1 - dropped
    assert bench.early_stop(values[::-1], fraction) == expected


def test_early_stopping_of_many_samples_comes_near_the_percentile(bench):
    assert 0.9 < bench.early_stop(list(range(100_000)), 0.9) / 100_000 < 0.905


def test_statistics_are_over_all_samples(bench):
    values = [1.0] * 95 + [100.0] * 5
    found = bench.summarise(values, 1.0)
    assert (found["n"], found["min"], found["p50"], found["max"]) == (100, 1.0, 1.0, 100.0)
    assert found["mean"] == pytest.approx(5.95)
    assert found["std"] == pytest.approx(np.std(values, ddof=1))
    assert found["p99"] is None
    assert bench.summarise(values * 7, 1.0)["p99"] == 100.0


def judged(bench, values, before=None, after=None, **facts):
    """``facts`` are of before and after, two each."""
    around = {"before": {"throttled": before}, "after": {"throttled": after}}
    for place, when in enumerate(("before", "after")):
        for name in ("cooling", "heat_events"):
            around[when][name] = facts.get(name, (None, None))[place]
    return bench.judge(bench.summarise(values, 1.0), around)


def test_a_steady_run_is_valid_in_spite_of_outliers(bench):
    assert judged(bench, [1.0, 1.02, 1.01, 1.0] * 24 + [9.0] * 4) == []


def test_a_run_that_slows_down_is_invalid(bench):
    reasons = judged(bench, [1.0 + 0.002 * number for number in range(100)])
    assert reasons == ["drift: the last third is +13.6 % off the first, at most 5 % allowed"]


def test_a_run_with_a_slow_stretch_in_the_middle_is_invalid(bench):
    reasons = judged(bench, [1.0] * 45 + [2.0] * 15 + [1.0] * 40)
    assert reasons == [
        "noise: medians of tenths of the run spread over 100 %, at most 25 % allowed"
    ]


def test_a_board_that_throttles_now_is_invalid_and_one_that_did_so_once_is_not(bench):
    steady = [1.0] * 100
    assert judged(bench, steady, before=0x50000, after=0x50000) == []
    reasons = judged(bench, steady, before=0, after=0x50005)
    assert reasons == ["throttled: the board says 0x50005 (power or heat)"]


def test_a_clock_that_the_kernel_holds_down_is_invalid(bench):
    steady = [1.0] * 100
    assert judged(bench, steady, cooling=(0, 0), heat_events=(7, 7)) == []
    for around in ((0, 2), (1, 0)):
        reasons = judged(bench, steady, cooling=around)
        assert reasons == ["throttled: the system holds the clock down (heat)"]
    reasons = judged(bench, steady, heat_events=(7, 9))
    assert reasons == ["throttled: the processor counts 2 heat events"]


def test_drift_is_finite_for_any_number_of_samples(bench):
    for n in range(1, 40):
        assert math.isfinite(bench.summarise([1.0] * n, 1.0)["drift_pct"])

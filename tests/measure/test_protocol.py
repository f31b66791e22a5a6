import json

import pytest

from autokd.errors import DeviceError
from autokd.measure.protocol import (
    BEGIN,
    END,
    MAX_ANSWER_BYTES,
    BenchJob,
    parse_answer,
    strip_control,
    to_measurement,
)

STATE = {
    "governor": ["ondemand"],
    "freq_khz": [1479000],
    "temp_mc": [41500],
    "throttled": None,
    "loadavg": [0.1, 0.2, 0.3],
    "mem_available_kb": 2000000,
}


def an_answer(**changes):
    answer = {
        "schema": "autokd.bench/1",
        "ok": True,
        "error": None,
        "runner": {
            "version": "1",
            "sha256": "a" * 64,
            "started_utc": "2026-01-01T00:00:00Z",
            "clock": "perf_counter",
        },
        "host": {
            "machine": "aarch64",
            "cpu_model": "Cortex-A57",
            "cpu_features": ["asimd"],
            "board": None,
            "nproc": 4,
            "mem_total_kb": 4000000,
            "os": "Ubuntu 18.04",
            "kernel": "4.9",
            "python": "3.6.9",
            "glibc": "2.27",
            "virtualised": "none",
        },
        "runtime": {
            "name": "onnxruntime",
            "version": "1.10.0",
            "providers_available": ["CPUExecutionProvider"],
            "providers_requested": ["CPUExecutionProvider"],
            "providers_active": ["CPUExecutionProvider"],
            "threads": 4,
        },
        "memory_kb": {
            "start": 10000,
            "after_import": 50000,
            "after_session": 60000,
            "after_first_run": 61000,
            "peak": 62000,
            "resident": 61500,
        },
        "state": {"before": STATE, "after": STATE},
        "job": {
            "model_bytes": 1000,
            "model_sha256": "b" * 64,
            "input": {"image": {"dtype": "uint8", "shape": [1, 3, 32, 32]}},
            "sample": False,
            "seed": 0,
        },
        "latency_ms": {
            "n": 64,
            "seconds": 10.0,
            "warmup_n": 20,
            "warmup_seconds": 1.0,
            "warmup_settled": True,
            "load": 12.5,
            "first": 3.5,
            "min": 1.0,
            "mean": 2.0,
            "std": 0.1,
            "p50": 2,
            "p90": 2.5,
            "p90_early_stop": 2.6,
            "p99": None,
            "max": 3.0,
            "drift_pct": -0.5,
            "noise_pct": 1.5,
        },
        "output": {"sha256": "c" * 64, "argmax": 1, "size": 2, "values": [0.5, 1.5]},
        "validity": {"valid": True, "reasons": []},
    }
    return {**answer, **changes}


def wrapped(answer):
    text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return b"a warning of some driver\n" + BEGIN + b"\n" + text + b"\n" + END + b"\n"


def changed(part, **changes):
    return an_answer(**{part: {**an_answer()[part], **changes}})


def test_an_answer_among_other_output_is_read():
    answer = parse_answer(wrapped(an_answer()), where="board")
    measured = to_measurement(answer, host="board", is_device=True)
    assert measured.model_dump() == {
        "host": "board",
        "is_device": True,
        "valid": True,
        "reason": None,
        "runtime": "onnxruntime 1.10.0",
        "provider": "CPUExecutionProvider",
        "threads": 4,
        "samples": 64,
        "load_ms": 12.5,
        "first_ms": 3.5,
        "p50_ms": 2.0,
        "p90_ms": 2.5,
        "p99_ms": None,
        "min_ms": 1.0,
        "mean_ms": 2.0,
        "std_ms": 0.1,
        "peak_memory_bytes": 62000 * 1024,
        "runtime_memory_bytes": 50000 * 1024,
    }


def test_a_measurement_that_does_not_count_keeps_its_reasons():
    answer = an_answer(validity={"valid": False, "reasons": ["drift: much", "noise: much"]})
    measured = to_measurement(parse_answer(wrapped(answer), where="x"), host="x", is_device=False)
    assert not measured.valid
    assert measured.reason == "drift: much; noise: much"


def test_a_refusal_is_a_device_error_with_the_agents_words():
    refused = {key: an_answer()[key] for key in ("schema", "runner")} | {
        "ok": False,
        "error": {"kind": "load", "message": "no \x1b[31mopset\n99"},
    }
    answer = parse_answer(wrapped(refused), where="board")
    with pytest.raises(DeviceError, match=r"^board: no \[31mopset 99 \(load\)$"):
        to_measurement(answer, host="board", is_device=True)


def test_a_probe_is_no_measurement():
    parts = ("job", "latency_ms", "output", "validity")
    probe = {key: value for key, value in an_answer().items() if key not in parts}
    answer = parse_answer(wrapped(probe), where="board")
    assert answer.host.machine == "aarch64"
    with pytest.raises(DeviceError, match="answered a probe"):
        to_measurement(answer, host="board", is_device=True)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", "gave no whole answer, but: nothing"),
        (b"bash: python3: \x1b[1mnot found", r"but: bash: python3: \[1mnot found"),
        (BEGIN + b"{}", "gave no whole answer"),
        (b"x" * (MAX_ANSWER_BYTES + 1), "answered 1048577 bytes; at most 1048576"),
        (wrapped(b"{"), "is not JSON"),
        (wrapped(b"[" * 100_000), "is not JSON"),
        (wrapped(b"\xff"), "is not JSON"),
        (wrapped(b"[]"), r"the answer's \(whole answer\) is wrong"),
        (wrapped(json.dumps(an_answer()).replace("12.5", "NaN").encode()), "NaN is not a number"),
        (wrapped(json.dumps(an_answer()).replace("12.5", "1e999").encode()), "latency_ms.load"),
        (wrapped(an_answer(more=1)), "the answer's more is wrong: Extra inputs"),
        (wrapped(an_answer(schema="autokd.bench/2")), "the answer's schema is wrong"),
        (wrapped(changed("latency_ms", p50="2")), "the answer's latency_ms.p50 is wrong"),
        (wrapped(changed("latency_ms", p50=-1.0)), "the answer's latency_ms.p50 is wrong"),
        (wrapped(changed("latency_ms", n=0)), "the answer's latency_ms.n is wrong"),
        (wrapped(changed("output", sha256="/etc/passwd")), "the answer's output.sha256 is wrong"),
        (wrapped(changed("host", cpu_model="x" * 5000)), "the answer's host.cpu_model is wrong"),
        (wrapped(changed("runtime", providers_active=[])), "a part of a measurement only"),
        (wrapped(an_answer(validity=None)), "a part of a measurement only"),
        (wrapped(an_answer(host=None)), "host facts are missing"),
        (wrapped(an_answer(ok=False)), "says not ok, without an error"),
    ],
)  # fmt: skip
def test_anything_else_is_a_device_error(output, words):
    with pytest.raises(DeviceError, match=f"^board: .*{words}"):
        parse_answer(output, where="board")


def test_text_from_a_board_cannot_steer_the_terminal():
    answer = parse_answer(wrapped(changed("host", cpu_model="a\x1b]0;x\x07b\u202ec")), where="x")
    assert answer.host.cpu_model == "a ]0;x b c"
    assert strip_control("\r\nplain\x9b ü\n") == "plain ü"


def test_a_job_refuses_what_the_agent_would_not_understand():
    with pytest.raises(ValueError, match="threads"):
        BenchJob(model="m", threads=0, seconds=1, max_seconds=2)
    job = BenchJob(model="m", threads=1, seconds=1, max_seconds=2)
    assert job.longest_seconds == 7.0

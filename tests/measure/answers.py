"""Answers of the agent, as a board would give them."""

import json

from autokd.measure.protocol import BEGIN, END, BenchJob

STATE = {
    "governor": ["ondemand"],
    "freq_khz": [1479000],
    "temp_mc": [41500],
    "throttled": None,
    "heat_events": None,
    "cooling": None,
    "utc_seconds": 1800000000.0,
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
            "arena": True,
            "memory_pattern": True,
            "spinning": False,
        },
        "memory_kb": {
            "start": 10000,
            "after_import": 50000,
            "after_session": 60000,
            "after_first_run": 61000,
            "peak": 62000,
            "resident": 61500,
            "anonymous": 40000,
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
            "reference_p50": 4.0,
            "reference_ratio": 0.52,
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


def a_job(**changes):
    """The job that `an_answer` answers."""
    values = {"model": "m.onnx", "model_sha256": "b" * 64, "threads": 4}
    return BenchJob(**{**values, "seconds": 10.0, "max_seconds": 60.0, **changes})

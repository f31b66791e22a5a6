import pytest

from autokd.errors import DeviceError
from autokd.measure.measurement import describe_throttling, to_measurement
from autokd.measure.protocol import StateAround, parse_answer
from tests.measure.answers import STATE, a_job, an_answer, changed, wrapped


def measured(answer, *, job=None, is_device=True):
    parsed = parse_answer(wrapped(answer), where="board")
    return to_measurement(parsed, target="board", job=job or a_job(), is_device=is_device)


def test_every_number_of_an_answer_arrives():
    assert measured(an_answer()).model_dump() == {
        "host": "board (aarch64, Cortex-A57)",
        "input": "uint8 1x3x32x32",
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
        "target": "board",
        "p90_early_stop_ms": 2.6,
        "drift_pct": -0.5,
        "noise_pct": 1.5,
        "reference_p50_ms": 4.0,
        "reference_ratio": 0.52,
        "virtualised": "none",
        "session": {"arena": True, "memory_pattern": True, "spinning": False},
        "node_placement": {},
        "throttled": None,
        "governor": ("ondemand",),
        "freq_mhz": (1479.0, 1479.0),
        "temp_c": (41.5, 41.5),
        "session_memory_bytes": 60000 * 1024,
        "first_run_memory_bytes": 61000 * 1024,
        "anonymous_memory_bytes": 40000 * 1024,
        "sustained": None,
    }


def test_a_measurement_that_does_not_count_keeps_its_reasons():
    found = measured(
        an_answer(validity={"valid": False, "reasons": ["drift: much", "noise: much"]})
    )
    assert not found.valid
    assert found.reason == "drift: much; noise: much"
    assert found.lasting_reason is None
    hot = {"valid": False, "reasons": ["drift: much", "throttled: heat", "too few samples: 3"]}
    assert measured(an_answer(validity=hot)).lasting_reason == "throttled: heat"
    assert measured(an_answer()).lasting_reason is None


def test_a_refusal_is_a_device_error_with_the_agents_words():
    refused = {key: an_answer()[key] for key in ("schema", "runner")} | {
        "ok": False,
        "error": {"kind": "load", "message": "no \x1b[31mopset\n99"},
    }
    with pytest.raises(DeviceError, match=r"^board: no \[31mopset 99 \(load\); export it"):
        measured(refused)


def test_a_probe_is_no_measurement():
    parts = ("job", "latency_ms", "output", "validity")
    with pytest.raises(DeviceError, match="answered a probe"):
        measured({key: value for key, value in an_answer().items() if key not in parts})


def test_an_emulated_processor_has_no_latency():
    with pytest.raises(DeviceError, match="runs under qemu-user"):
        measured(changed("host", virtualised="qemu-user"))


@pytest.mark.parametrize("kind", ["none", "container", "vm"])
def test_other_virtual_machines_are_labelled(kind):
    assert measured(changed("host", virtualised=kind)).virtualised == kind


def test_another_file_than_the_one_sent_is_refused():
    with pytest.raises(DeviceError, match="timed another file"):
        measured(changed("job", model_sha256="d" * 64))


def test_a_model_that_was_timed_without_its_reference_is_refused():
    """As by a plug-in of a target that does not send it."""
    alone = changed("latency_ms", reference_p50=None, reference_ratio=None)
    assert measured(alone).reference_ratio is None
    with pytest.raises(DeviceError, match="without the reference that was sent; let its plug-in"):
        measured(alone, job=a_job(reference="reference.onnx"))


def test_another_provider_than_asked_is_refused():
    job = a_job(providers=("TensorrtExecutionProvider", "CPUExecutionProvider"))
    with pytest.raises(DeviceError, match="on CPUExecutionProvider, and TensorrtExecutionProvider"):
        measured(an_answer(), job=job)


def test_the_course_of_a_long_run_is_in_degrees_and_megahertz():
    course = {
        "seconds": 120.5,
        "window_seconds": 60.0,
        "n": [100, 90],
        "p50_ms": [1.0, 1.1],
        "temp_mc": [60000, None],
        "freq_khz": [1500000, None],
        "slowdown_pct": 10.0,
    }
    found = measured(an_answer(sustained=course)).sustained
    assert found.p50_ms == (1.0, 1.1)
    assert found.temp_c == (60.0, None)
    assert found.freq_mhz == (1500.0, None)
    assert found.slowdown_pct == 10.0


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {}, None),
        ({"throttled": 0}, {"throttled": 0}, "none"),
        ({"cooling": 0}, {"cooling": 0}, "none"),
        ({"heat_events": 7}, {"heat_events": 7}, "none"),
        ({"heat_events": 7}, {"heat_events": 9}, "2 heat events"),
        ({"throttled": 0x50000}, {"throttled": 0x50000}, "low voltage before, throttled before"),
        ({"throttled": 0}, {"throttled": 0x20002}, "clock capped now, clock capped before"),
        ({"throttled": 0x80008}, {}, "soft limit of heat now, soft limit of heat before"),
        ({"cooling": 0}, {"cooling": 2}, "the clock is held down for heat"),
    ],
)
def test_what_a_board_says_of_power_and_heat(before, after, words):
    around = StateAround.model_validate(
        {"before": {**STATE, **before}, "after": {**STATE, **after}}
    )
    assert describe_throttling(around) == words

import hashlib
import importlib.util
import os
import platform

import pytest

from autokd.errors import DeviceError, InputError, MeasurementError
from autokd.measure import local
from autokd.measure.local import agent_file, measure_local, run_agent
from autokd.measure.protocol import BEGIN, END, SCHEMA, BenchJob


def a_job(model, **changes):
    job = {
        "model": str(model),
        "threads": 1,
        "seconds": 0.05,
        "max_seconds": 1,
        "warmup_seconds": 0,
        "max_warmup_seconds": 0.2,
    }
    return BenchJob(**{**job, **changes})


def an_agent(tmp_path, code):
    path = tmp_path / "agent.py"
    path.write_text(code)
    return path


def test_a_local_run_is_labelled_as_this_host_and_never_as_the_board(make_model, profile):
    measured = measure_local(make_model(), profile, seconds=0.05)
    assert not measured.is_device
    assert measured.host.startswith(f"this host ({platform.machine()}, ")
    assert measured.provider == "CPUExecutionProvider"
    assert measured.samples >= 64
    assert measured.threads == 1
    assert measured.valid == (measured.reason is None)
    assert 0 < measured.min_ms <= measured.p50_ms <= measured.p90_ms
    assert measured.runtime_memory_bytes < measured.peak_memory_bytes


def test_the_agent_and_the_protocol_speak_of_the_same_job_and_schema():
    spec = importlib.util.spec_from_file_location("bench", agent_file())
    agent = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(agent)
    assert set(agent.JOB) == set(BenchJob.model_fields)
    assert (agent.BEGIN.encode(), agent.END.encode(), agent.SCHEMA) == (BEGIN, END, SCHEMA)


def test_the_answer_is_about_the_file_that_was_asked_for(make_model):
    model = make_model(weight=3.0)
    answer = run_agent(a_job(model))
    assert answer.job.model_sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert answer.runner.sha256 == hashlib.sha256(agent_file().read_bytes()).hexdigest()


def test_a_board_with_more_threads_than_this_host_has_processors_gets_what_there_is(
    make_model, profile, monkeypatch
):
    seen = []
    monkeypatch.setattr(local, "run_agent", lambda job: seen.append(job) or run_agent(a_job("x")))
    many = profile.model_copy(
        update={"runtimes": (profile.runtimes[0].model_copy(update={"threads": 256}),)}
    )
    with pytest.raises(DeviceError):
        measure_local(make_model(), many, seconds=1)
    assert seen[0].threads == len(os.sched_getaffinity(0))
    assert seen[0].max_seconds == 60


def test_a_missing_model_is_the_persons_input(tmp_path, profile):
    with pytest.raises(InputError, match=r"no\.onnx: cannot be read \(No such file or directory\)"):
        measure_local(tmp_path / "no.onnx", profile)


def test_a_file_that_is_no_model_is_a_device_error(tmp_path, profile):
    (tmp_path / "no.onnx").write_bytes(b"\xff")
    with pytest.raises(DeviceError, match=r"this host.*: onnxruntime .*\(load\)"):
        measure_local(tmp_path / "no.onnx", profile, seconds=0.05)


def test_a_provider_that_is_not_here_is_a_device_error(make_model):
    answer = run_agent(a_job(make_model(), providers=("TensorrtExecutionProvider",)))
    assert answer.error.kind == "provider"


def test_an_agent_that_dies_is_a_device_error_with_its_last_words(tmp_path):
    agent = an_agent(tmp_path, "import sys; sys.exit('Illegal \\x1b[1minstruction')")
    with pytest.raises(DeviceError, match=r"ended with status 1 and no answer: Illegal \[1mins"):
        run_agent(a_job("x"), agent=agent)


def test_an_agent_that_hangs_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "_START_SECONDS", 0.3)
    agent = an_agent(tmp_path, "import time; time.sleep(60)")
    job = a_job("model.onnx", max_seconds=0.1, max_warmup_seconds=0)
    with pytest.raises(MeasurementError, match=r"model\.onnx: did not end within 0 s"):
        run_agent(job, agent=agent)


def test_threads_of_libraries_are_set_before_the_agent_starts(tmp_path):
    agent = an_agent(tmp_path, "import os, sys; sys.exit(os.environ['OMP_NUM_THREADS'])")
    with pytest.raises(DeviceError, match=r"no answer: 3\."):
        run_agent(a_job("x", threads=3), agent=agent)

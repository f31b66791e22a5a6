"""``autokd devices calibrate``; what it does is tested in tests/pipeline."""

import json

import pytest

from autokd.core.device import load_profile
from autokd.core.latency import Calibration
from autokd.pipeline.calibrate import Calibrated

RECORD = Calibration(
    date="2026-01-31",
    target="this host",
    runtime="onnxruntime 1.20.1",
    threads=2,
    graphs=41,
    dropped=1,
    median_error=0.034,
    within_10_percent=0.93,
    rank_correlation=0.9912,
)


@pytest.fixture
def quick(monkeypatch, folder):
    """A calibration that takes no time, and what it was asked."""
    asked = {}

    def run(profile, target, *, seconds, threads, progress):
        asked.update(device=profile.id, target=target.name, seconds=seconds, threads=threads)
        runtime = profile.required_runtime()
        model = runtime.latency["fp32"].model_copy(update={"calibration": RECORD})
        changed = runtime.model_copy(update={"latency": {"fp32": model}})
        journal = folder / "journal.jsonl"
        journal.write_text("")
        profile = profile.model_copy(update={"runtimes": (changed,)})
        return Calibrated(profile, model, {"add-16x4x4": "noise: too much"}, journal)

    monkeypatch.setattr("autokd.pipeline.calibrate.calibrate", run)
    return asked


def test_it_says_how_close_it_is_and_where_the_profile_went(call, quick, folder):
    code, out, err = call("devices", "calibrate", "host", "--target", "local")
    assert code == 0, err
    assert quick["seconds"] == 0.4
    assert quick["threads"] is None
    assert "41 graphs on this host, onnxruntime 1.20.1, 2 threads" in out
    assert "93% predicted within 10 %, median error 3.4%, rank correlation 0.991" in " ".join(
        out.split()
    )
    assert "left out: add-16x4x4, never measured validly: noise: too much" in out
    assert "profiles/host.toml is written" in out
    assert load_profile("host").required_runtime().latency["fp32"].calibration == RECORD
    assert not (folder / "journal.jsonl").exists()


def test_the_numbers_are_given_to_programs(call, quick):
    line = ("--target", "local", "--seconds", "2", "--threads", "1", "--json")
    code, out, _ = call("devices", "calibrate", "host", *line)
    answer = json.loads(out)
    assert code == 0
    assert (quick["seconds"], quick["threads"]) == (2.0, 1)
    assert answer["latency"]["calibration"]["graphs"] == 41
    assert answer["path"].endswith("host.toml")


def test_show_has_the_record_of_the_calibration(call, quick):
    call("devices", "calibrate", "host", "--target", "local")
    code, out, _ = call("devices", "show", "host")
    assert code == 0
    assert "rank_correlation" in out
    assert "0.9912" in out


def test_a_calibration_without_a_target_or_of_no_device_is_refused(call, quick):
    assert call("devices", "calibrate", "host")[0] == 2
    code, _, err = call("devices", "calibrate", "no-such-board", "--target", "local")
    assert code == 2
    assert "no such device" in err
    assert call("devices", "calibrate", "host", "--target", "local", "--seconds", "0")[0] == 2

"""What doctor says of a board, from the answer that the board gives."""

import json
import time

import pytest

from autokd.cli.target_checks import check_target, judge_probe
from autokd.core.device import KnownBad, load_profile
from autokd.errors import ConfigError
from autokd.measure.protocol import parse_answer
from tests.measure.answers import STATE, an_answer, wrapped

WELL = {
    **STATE,
    "governor": ["performance"],
    "throttled": 0,
    "mem_available_kb": 3_500_000,
}


@pytest.fixture
def nano():
    return load_profile("jetson-nano")


def judged(profile, *, host=None, runtime=None, **state):
    answer = an_answer()
    now = {"utc_seconds": time.time()}
    answer["state"] = {"before": {**WELL, **now, **state}}
    answer["host"] = {**answer["host"], **(host or {})}
    answer["runtime"] = {**answer["runtime"], "version": "1.11.0", **(runtime or {})}
    for part in ("job", "latency_ms", "output", "validity"):
        del answer[part]
    found = judge_probe("ssh://board", parse_answer(wrapped(answer), where="x"), profile)
    assert all(finding.is_device for finding in found)
    assert all(bool(finding.advice) == (finding.level != "ok") for finding in found)
    return {finding.what: finding for finding in found}


def test_a_board_that_is_well_has_nothing_to_say(nano):
    found = judged(nano)
    assert {finding.level for finding in found.values()} == {"ok"}
    text = found["target"].found
    for word in ("ssh://board", "Cortex-A57", "aarch64", "4 processors", "Ubuntu", "3.6.9"):
        assert word in text


@pytest.mark.parametrize(
    ("facts", "what", "level", "words"),
    [
        ({"host": {"machine": "armv7l"}}, "machine", "fail", "install the 64-bit system"),
        ({"host": {"machine": "i686"}}, "machine", "fail", "install the 64-bit system"),
        ({"host": {"machine": "x86_64"}}, "machine", "fail", "is of aarch64: give another device"),
        ({"host": {"virtualised": "qemu-user"}}, "machine", "fail", "say nothing about a proc"),
        ({"host": {"virtualised": "container"}}, "machine", "warn", "cannot be seen from inside"),
        ({"runtime": {"version": "1.9.1"}}, "runtime there", "fail", "Older than the profile's"),
        (
            {"runtime": {"providers_available": ["CUDAExecutionProvider"]}},
            "runtime there",
            "fail",
            "asks for CPUExecutionProvider: install the build",
        ),
        ({"governor": ["ondemand", "performance"]}, "governor", "warn", "sudo tee"),
        ({"loadavg": [0.9, 0.1, 0.1]}, "load there", "warn", "measurements are INVALID"),
        ({"mem_available_kb": 100_000}, "memory there", "fail", "Too little for onnxruntime"),
        ({"mem_available_kb": 400_000}, "memory there", "warn", "The profile counts on"),
        ({"throttled": 0x50000}, "power and heat", "warn", "it is well now"),
        ({"throttled": 0x50005}, "power and heat", "fail", "a better supply and a fan."),
        ({"cooling": 1}, "power and heat", "fail", "a better supply"),
        ({"utc_seconds": 0.0}, "clock there", "warn", "set it, or install NTP"),
    ],
)
def test_each_fault_is_found_with_what_to_do(nano, facts, what, level, words):
    found = judged(nano, **facts)
    assert (found[what].level, words in found[what].advice) == (level, True), found[what]
    others = {name for name, finding in found.items() if finding.level != "ok"}
    assert others == {what}


def test_a_version_that_is_known_to_fail_is_found(nano):
    bad = KnownBad(package=nano.runtime.package, version="1.11.0", reason="SIGILL")
    found = judged(nano.model_copy(update={"known_bad": (bad,)}))
    assert "This version fails there: SIGILL" in found["runtime there"].advice


def test_without_a_device_the_board_is_judged_alone():
    found = judged(None, host={"machine": "x86_64"}, runtime={"version": "1.0.0"})
    assert {finding.level for finding in found.values()} == {"ok"}


def test_what_a_board_does_not_tell_is_no_fault(nano):
    found = judged(nano, governor=[], throttled=None, mem_available_kb=None, loadavg=[])
    assert {finding.level for finding in found.values()} == {"ok"}
    assert found["governor"].found == "cannot be read there"


def test_a_target_that_cannot_be_reached_is_a_finding(nano, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (finding,) = check_target("ssh://me@127.0.0.1:1", nano, accept_host_key=None)
    assert finding.level == "fail"
    assert "ssh://me@127.0.0.1:1: cannot be reached" in finding.found


def test_an_address_that_is_none_is_an_error(nano):
    with pytest.raises(ConfigError, match="is no target"):
        check_target("board", nano, accept_host_key=None)


def test_doctor_asks_this_host_when_it_is_the_target(call, monkeypatch):
    from autokd.cli import checks

    monkeypatch.setattr(checks, "probe_packages", lambda names: {})
    code, out, err = call("doctor", "--target", "local", "--json")
    answer = json.loads(out)
    found = {finding["what"]: finding for finding in answer["checks"]}
    assert found["target"]["found"].startswith("this host: ")
    assert found["runtime there"]["found"].startswith("onnxruntime ")
    assert "asking local" in err
    failed = [finding for finding in answer["checks"] if finding["level"] == "fail"]
    assert code == (5 if any(f["is_device"] for f in failed) else 2 if failed else 0)

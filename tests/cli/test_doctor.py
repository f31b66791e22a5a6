"""Checks of the machine: each with what is there, what is missing, and what to do."""

import json
from collections import namedtuple

import pytest

from autokd.cli import checks
from autokd.cli.checks import Finding, Package
from autokd.cli.device_checks import check_device
from autokd.core.device import list_profiles

GOOD = {
    name: Package("1.0", opset=26, ir=13) if name == "onnx" else Package("1.0")
    for name in checks.PACKAGES
}
FREE = namedtuple("FREE", "total used free")


def test_packages_are_imported_in_a_process_of_their_own(tmp_path, monkeypatch):
    for name, text in {
        "fine_one": "__version__ = '2.5'",
        "raises_one": "raise OSError('libfoo.so: cannot open')",
        "kills_one": "import os; os._exit(132)",
        "last_one": "print('noise on stdout')\n__version__ = '1'",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = checks.probe_packages(["fine_one", "raises_one", "kills_one", "absent_one", "last_one"])
    assert list(found) == ["fine_one", "raises_one", "kills_one", "absent_one", "last_one"]
    assert found["fine_one"] == Package("2.5")
    assert found["raises_one"] == Package(None, "OSError: libfoo.so: cannot open")
    assert found["kills_one"] == Package(None, "the import ends the process (exit code 132)")
    assert "No module named 'absent_one'" in found["absent_one"].error
    assert found["last_one"].version == "1"


def test_an_import_that_hangs_is_given_up(tmp_path, monkeypatch):
    (tmp_path / "sleepy.py").write_text("import time; time.sleep(30)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(checks, "IMPORT_SECONDS", 0.5)
    assert checks.probe_packages(["sleepy"])["sleepy"].error == "the import takes longer than 0.5 s"


def test_a_package_that_cannot_be_imported_fails_with_the_command_that_helps():
    finding = checks.check_package("torch", Package(None, "OSError: boom"))
    assert (finding.level, finding.found) == ("fail", "OSError: boom")
    assert finding.advice.endswith("-m pip install --force-reinstall torch")


@pytest.mark.parametrize(
    ("free", "level"), [(10 * 2**30, "ok"), (2**30, "warn"), (10 * 2**20, "fail")]
)
def test_free_space_is_judged(tmp_path, monkeypatch, free, level):
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: FREE(0, 0, free))
    finding = checks.check_disk("disk", tmp_path / "not" / "yet" / "there")
    assert finding.level == level
    assert bool(finding.advice) == (level != "ok")


def test_a_cache_that_cannot_be_written_fails(tmp_path):
    (tmp_path / "file").write_text("")
    finding = checks.check_cache(tmp_path / "file" / "cache")
    assert (finding.level, finding.advice) == (
        "fail",
        "Set AUTOKD_CACHE to a folder that can be written.",
    )
    assert checks.check_cache(tmp_path / "new").level == "ok"


@pytest.mark.parametrize(
    ("cores", "load", "workers", "level"),
    [(4, 0.2, None, "ok"), (4, 3.5, 4, "warn"), (2, 0.0, 4, "warn"), (16, 8.0, None, "ok")],
)
def test_cores_are_compared_with_load_and_workers(monkeypatch, cores, load, workers, level):
    monkeypatch.setattr(checks.os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(checks.os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert checks.check_processor(workers).level == level


def _changed_profile(folder, name, *changes):
    raw = list_profiles()[name].read_text()
    for old, new in changes:
        assert old in raw
        raw = raw.replace(old, new)
    (folder / f"{name}.toml").write_text(raw)
    return f"{name}.toml"


def test_a_runtime_that_is_known_to_be_bad_fails(folder):
    entry = '[[known_bad]]\npackage = "onnxruntime"\nversion = "1.0"\nreason = "dies"\n'
    name = _changed_profile(folder, "host", ("[limits]", f"{entry}\n[limits]"))
    device, runtime, form, *_ = check_device(name, GOOD)
    assert (device.level, runtime.level, form.level) == ("ok", "fail", "ok")
    assert runtime.advice.startswith("This version fails there: dies.")


def test_a_profile_of_a_runtime_that_it_says_is_bad_fails(folder):
    name = _changed_profile(folder, "raspberry-pi-4b", ('version = "1.32.0"', 'version = "1.21.0"'))
    (device,) = check_device(name, GOOD)
    assert device.level == "fail"
    assert "dies with SIGILL on Cortex-A53" in device.found


def test_an_onnx_that_cannot_write_the_form_fails():
    packages = {**GOOD, "onnx": Package("1.6.0", opset=11, ir=6)}
    form = check_device("jetson-nano", packages)[2]
    assert form.level == "fail"
    assert form.advice == "onnx 1.6.0 writes up to opset 11 and IR 6: upgrade it."
    form = check_device("jetson-nano", {**GOOD, "onnx": Package(None, "x")})[2]
    assert form.level == "fail"


def test_a_sound_device_is_ok():
    levels = {f.what: f.level for f in check_device("jetson-nano", GOOD)}
    assert levels.pop("predictions") == "warn"  # no timing of this very board is in a profile
    assert set(levels.values()) == {"ok"}


@pytest.fixture
def healthy(monkeypatch):
    monkeypatch.setattr(checks, "probe_packages", lambda _: dict(GOOD))
    monkeypatch.setattr(checks, "check_disk", lambda what, _: Finding("ok", what, "much"))
    monkeypatch.setattr(checks, "check_processor", lambda _: Finding("ok", "processor", "idle"))


def test_all_well_is_exit_code_0(call, healthy):
    code, out, err = call("doctor", "--device", "jetson-nano")
    assert (code, err) == (0, "importing packages ...\n")
    levels = [line.split()[:2] for line in out.splitlines() if line[:1].strip()]
    assert [what for level, what in levels if level != "ok"] == ["predictions"]
    code, out, _ = call("doctor", "--json")
    assert (code, json.loads(out)["checks"][0]["what"]) == (0, "python")


def test_a_fault_of_this_machine_is_exit_code_2(call, healthy, monkeypatch):
    broken = {**GOOD, "torch": Package(None, "OSError: boom")}
    monkeypatch.setattr(checks, "probe_packages", lambda _: broken)
    code, out, err = call("doctor")
    assert code == 2
    assert "fail  torch" in out
    assert "1 of 11 checks failed: torch." in err
    code, out, _ = call("doctor", "--json")
    assert (code, json.loads(out)["exit"]["name"]) == (2, "input")
    assert "fail" in {check["level"] for check in json.loads(out)["checks"]}


def test_a_fault_of_the_device_is_exit_code_5(call, healthy):
    code, out, err = call("doctor", "--device", "jetson-nan")
    assert code == 5
    assert "did you mean 'jetson-nano'" in " ".join(out.split())
    assert "checks failed: device." in err


def test_workers_are_read_from_the_settings_in_the_folder(call, healthy, folder, monkeypatch):
    asked = []
    monkeypatch.setattr(
        checks, "check_processor", lambda n: asked.append(n) or Finding("ok", "processor", "")
    )
    call("doctor")
    (folder / "autokd.toml").write_text("[search]\nworkers = 3\n")
    call("doctor")
    (folder / "autokd.toml").write_text("not toml")
    _, _, err = call("doctor")
    assert asked == [None, 3, None]
    assert "autokd.toml: is not valid TOML" in err


def test_the_real_doctor_finds_the_packages_that_are_here(call, monkeypatch):
    monkeypatch.setattr(checks, "PACKAGES", ("numpy", "onnx", "onnxruntime"))
    code, out, err = call("doctor", "--device", "jetson-nano", "--json")
    assert code in {0, 2}, err  # 2: the disk of this machine may be full
    found = {check["what"]: check["level"] for check in json.loads(out)["checks"]}
    assert {found[what] for what in ("numpy", "onnx", "onnxruntime", "runtime", "cache")} == {"ok"}


@pytest.mark.slow
def test_the_whole_doctor_ends_without_a_traceback(command):
    done = command("doctor", "--device", "jetson-nano", "--json", timeout=120)
    assert done.returncode in {0, 2}, done.stderr
    found = {check["what"]: check["level"] for check in json.loads(done.stdout)["checks"]}
    assert {found[what] for what in checks.PACKAGES} == {"ok"}
    assert "Traceback" not in done.stderr

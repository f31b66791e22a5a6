"""What is said of a profile with something wrong: the file, the key, the value, the rule."""

import re

import pytest

from tests.messages.conftest import ROOT

NANO = ROOT / "profiles" / "jetson-nano.toml"
STM = ROOT / "profiles" / "stm32h7.toml"

# A pattern in the profile, what stands there instead, and words of the message.
CASES = [
    (NANO, r"^schema_version = 1", "schema_version = 2", ("schema_version = 2: must be 1.",)),
    (NANO, r'^kind = "sbc"', 'kind = "board"', ("kind = 'board'", "must be 'sbc'")),
    (NANO, r"^software = .*", "", ("missing key 'software'", "add it")),
    (NANO, r"^\[limits\]", "[limits]\nmax_latency = 3", ("unknown key", "did you mean")),
    (NANO, r"^cores = .*", "cores = 4", ("cpu.cores", 'source = "..."')),
    (NANO, r"^cores = \{ value = 4", "cores = { value = 0", ("cpu.cores", "must be positive")),
    (
        NANO,
        r"^clock_ghz = \{ value = [\d.]+",
        "clock_ghz = { value = 1430",
        ("is the unit right?",),
    ),
    (NANO, r"^ram_usable_mib = \{ value = \d+", "ram_usable_mib = { value = 9999", ("ram_mib =",)),
    (
        NANO,
        r"^ram_mib = \{ value = \d+",
        "ram_mib = { value = 4",
        ("ram_usable_mib", "ram_mib = 4"),
    ),
    (NANO, r"^threads = \d+", "threads = 64", ("threads = 64", "cpu.cores")),
    (NANO, r"^opset = \d+", "opset = 22", ("opset 22 needs ir >=",)),
    (NANO, r"^ir = \d+", "ir = 6", ("export.ir = 6", "must be greater")),
    (NANO, r"^max_opset = \d+", "max_opset = 20", ("max_opset", "IR")),
    (NANO, r'^precisions = \["fp32", "int8"\]', 'precisions = ["fp32"]', ("precisions", "int8")),
    (NANO, r'^precisions = \["fp32", "int8"\]', 'precisions = ["fp32", "fp32"]', ("twice",)),
    (NANO, r'activation = "int8"', 'activation = "uint8", symmetric = true', ("symmetric",)),
    (NANO, r"^interval_factor = \{ value = [\d.]+", "interval_factor = { value = 1", ("above 1",)),
    (NANO, r"^cache_speedup = \{ value = [\d.]+", "cache_speedup = { value = 0.5", ("at least 1",)),
    (NANO, r"^overlap_lost = \{ value = [\d.]+", "overlap_lost = { value = 2", ("from 0 to 1",)),
    (NANO, r"^per_run_us = \{ value = [\d.]+", "per_run_us = { value = -1", ("not be negative",)),
    (NANO, r'^id = "jetson-nano"', 'id = "Nano"', ("id = 'Nano': must match",)),
    (STM, r"^flash_mib = .*", "", ("flash_mib", "microcontroller needs")),
    (STM, r'^input = "uint8"', 'input = "float32"', ("export.input", "'uint8'")),
    (STM, r"^ram_mib = \{ value = [\d.]+", "ram_mib = { value = 512", ("looks like KiB",)),
    (STM, r"^\[limits\]", '[limits]\nmax_latency_ms = { value = 5, source = "policy" }', ("held",)),
    (
        STM,
        r"^runtime_flash_kib = \{ value = [\d.]+",
        "runtime_flash_kib = { value = 9999",
        ("flash",),
    ),
    (
        STM,
        r"^runtime_memory_kib = \{ value = [\d.]+",
        "runtime_memory_kib = { value = 999",
        ("ram",),
    ),
]


@pytest.mark.parametrize(("profile", "old", "new", "words"), CASES, ids=[c[2] for c in CASES])
def test_a_fault_in_a_profile_is_told(say, profile, old, new, words):
    text = profile.read_text(encoding="utf-8")
    assert re.search(old, text, re.MULTILINE), "the profile has no such line"
    (say.work / profile.name).write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))
    said = say(f"devices check {profile.name}")
    assert said.code == 2
    assert said.message.startswith(f"{profile.name}: ")
    for word in words:
        assert word in said.message, said.message
    assert said.message.endswith((".", "?", ")")), said.message
    assert "Value error" not in said.message
    assert " should " not in said.message
    assert "{'" not in said.message
    assert "?." not in said.message


def test_a_profile_under_another_name_is_told(say):
    (say.work / "board.toml").write_text(NANO.read_text(encoding="utf-8"))
    said = say("devices check board.toml")
    assert said.message == (
        "board.toml: id = 'jetson-nano' must be the name of the file, 'board'; rename one."
    )

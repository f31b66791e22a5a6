"""What the tables of a profile must not say together; each message names place, value and rule."""

import copy
import tomllib
from pathlib import Path

import pytest

from autokd.core.codec import parse_record
from autokd.core.device import DeviceProfile
from autokd.core.profile_rules import contradictions
from autokd.errors import ProfileError

PROFILES = Path(__file__).parents[2] / "profiles"
NANO = tomllib.loads((PROFILES / "jetson-nano.toml").read_text())
STM32 = tomllib.loads((PROFILES / "stm32h7.toml").read_text())


def number(value):
    return {"value": value, "source": "estimate"}


def _without_runtimes(raw):
    del raw["runtimes"]


def _takes_too(raw):
    raw["takes"] = STM32["takes"]


def _no_latency(raw):
    del raw["runtimes"][0]["latency"]


def _same_runtime_id(raw):
    raw["runtimes"][1]["id"] = "cpu"


def _same_power_id(raw):
    raw["power"] *= 2


def _same_accelerator_id(raw):
    raw["accelerators"] *= 2


def _ram_in_gb(raw):
    raw["memory"] |= {"ram_mib": number(4), "ram_usable_mib": number(2)}


def _too_many_threads(raw):
    raw["runtimes"][0]["threads"] = 8


def _runtime_fills_memory(raw):
    raw["memory"]["ram_usable_mib"] = number(75)


def _bad_runtime(raw):
    bad = {"package": "onnxruntime", "version": "1.10.0", "reason": "it dies"}
    raw["known_bad"] = [bad]


def _opset_beyond_a_parser(raw):
    raw["export"] |= {"opset": 15, "ir": 8}


def _ir_beyond_the_runtime(raw):
    raw["export"]["ir"] = 9


CASES = {
    _without_runtimes: "exactly one is needed: [[runtimes]], or [takes] where onnxruntime does not",
    _takes_too: "exactly one is needed: [[runtimes]], or [takes]",
    _no_latency: "runtime 'cpu' is the first, so it needs a table [runtimes.latency.fp32]",
    _same_runtime_id: "runtimes: the id 'cpu' is there twice",
    _same_power_id: "power: the id 'MAXN' is there twice",
    _same_accelerator_id: "accelerators: the id 'gpu' is there twice",
    _ram_in_gb: "memory.ram_mib = 4 looks like GB; 4 GB are 4096 MiB",
    _too_many_threads: "runtime 'cpu' has threads = 8, more than cpu.cores = 4",
    _runtime_fills_memory: "runtime 'cpu' takes base_memory_mib = 75 of ram_usable_mib = 75",
    _bad_runtime: "runtime 'cpu' is onnxruntime 1.10.0, which known_bad says fails here: it dies",
    _opset_beyond_a_parser: "export.opset = 15 is above max_opset = 13 of runtime 'tensorrt'",
    _ir_beyond_the_runtime: "export.ir = 9 is above max_ir = 8 of runtime 'cpu'",
}


@pytest.mark.parametrize("spoil", list(CASES), ids=lambda spoil: spoil.__name__)
def test_a_contradiction_is_named_without_the_whole_file(spoil):
    raw = copy.deepcopy(NANO)
    spoil(raw)
    with pytest.raises(ProfileError) as fault:
        parse_record(DeviceProfile, raw, where="my.toml", error=ProfileError)
    assert str(fault.value).startswith(f"my.toml: {CASES[spoil]}")


def test_the_ram_of_a_microcontroller_in_kib_is_taken_for_a_slip():
    raw = copy.deepcopy(STM32)
    raw["memory"]["ram_mib"] = number(512)
    with pytest.raises(ProfileError, match=r"ram_mib = 512 looks like KiB; 512 KiB are 0.5 MiB"):
        parse_record(DeviceProfile, raw, where="my.toml", error=ProfileError)


@pytest.mark.parametrize(
    ("table", "changes", "text"),
    [
        ("limits", {"max_latency_ms": number(5)}, "limits.max_latency_ms = 5 cannot be held"),
        ("takes", {"runtime_memory_kib": number(512)}, "512 is all of ram_usable_mib = 0.5"),
        ("takes", {"runtime_flash_kib": number(2048)}, "2048 is all of memory.flash_mib = 2"),
        ("export", {"input": "float32"}, "export.input = 'float32': a full-integer file takes"),
        ("memory", {"flash_mib": None}, "a microcontroller needs memory.flash_mib"),
    ],
)
def test_what_a_microcontroller_cannot_keep_is_refused(table, changes, text):
    raw = copy.deepcopy(STM32)
    raw[table] = {k: v for k, v in (raw[table] | changes).items() if v is not None}
    with pytest.raises(ProfileError, match=text):
        parse_record(DeviceProfile, raw, where="my.toml", error=ProfileError)


@pytest.mark.parametrize("raw", [NANO, STM32], ids=["board", "microcontroller"])
def test_a_sound_profile_contradicts_nothing(raw):
    assert list(contradictions(DeviceProfile.model_validate(raw))) == []

"""Device profiles: what is refused, in which words, and where they are found."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from autokd.core import device
from autokd.core.codec import parse_record
from autokd.core.device import DefaultLimits, DeviceProfile, list_profiles, load_profile
from autokd.core.sourced import Sourced
from autokd.core.toml import render_toml
from autokd.errors import ProfileError

SHIPPED = Path(__file__).parents[2] / "profiles"
NANO: dict[str, Any] = tomllib.loads((SHIPPED / "jetson-nano.toml").read_text())


def changed(path: str, value: object) -> dict[str, Any]:
    """Give the profile of the Nano with one key set, or removed when ``value`` is None."""
    raw = copy.deepcopy(NANO)
    *tables, key = path.split(".")
    table: Any = raw
    for name in tables:
        table = table[int(name) if name.isdigit() else name]
    if value is None:
        del table[key]
    else:
        table[key] = value
    return raw


def number(value: float) -> dict[str, Any]:
    return {"value": value, "source": "estimate"}


def test_the_peak_of_the_processor_is_cores_times_clock_times_lanes() -> None:
    profile = load_profile("jetson-nano")
    assert profile.cpu.peak_macs_per_second == 4 * 1.43e9 * 8 / 2


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("cpu.clock_mhz", number(1430), "unknown key 'cpu.clock_mhz'.*did you mean 'clock_ghz'"),
        (
            "cpu.clock_ghz",
            number(1430),
            "cpu.clock_ghz.*below 8 in this unit, got 1430; is the unit",
        ),
        ("cpu.clock_ghz", number(0), "cpu.clock_ghz.*must be positive, got 0"),
        ("cpu.clock_ghz", 1.43, r'cpu.clock_ghz = 1.43: write { value = 1.43, source = "..." }'),
        ("cpu.clock_ghz", {"value": 1.43}, "missing key 'cpu.clock_ghz.source'"),
        ("cpu.arch", "arm64", "cpu.arch = 'arm64'.*'aarch64', 'x86_64', 'armv7e-m'"),
        ("memory.ram_mib", number(2**22), "memory.ram_mib.*is the unit right"),
        (
            "memory.ram_usable_mib",
            number(9000),
            "ram_usable_mib = 9000 is more than ram_mib = 3964",
        ),
        ("export.opset", 15, "opset 15 needs ir >= 8, got ir = 7"),
        ("export.opset", 12, "export.opset = 12"),
        ("export.ir", 9, "export.ir = 9 is above max_ir = 8 of runtime 'cpu'"),
        (
            "export",
            {"opset": 16, "ir": 8, "input": "uint8", "reason": "x"},
            "export.opset = 16 is above",
        ),
        ("export.input", "float", "export.input = 'float'.*'uint8' or 'float32'"),
        ("runtimes.0.providers", [], "runtimes.0.providers"),
        (
            "runtimes.0.latency.fp32.interval_factor",
            number(1),
            "interval_factor.*must be above 1, got 1",
        ),
        ("limits.max_latency", number(3), "'limits.max_latency'.*did you mean 'max_latency_ms'"),
        ("known_bad", [{"package": "p", "version": "1", "why": "x"}], "'known_bad.0.why'"),
        ("id", "Jetson Nano", "id = 'Jetson Nano'"),
        ("schema_version", 2, "schema_version = 2"),
        (
            "runtimes.0.latency.fp32.conv",
            None,
            "missing key 'runtimes.0.latency.fp32.conv'",
        ),
    ],
)
def test_a_mistake_is_named_with_file_key_value_and_rule(
    path: str, value: object, text: str
) -> None:
    with pytest.raises(ProfileError, match=f"my.toml: .*{text}"):
        parse_record(DeviceProfile, changed(path, value), where="my.toml", error=ProfileError)


def test_default_limits_never_give_more_memory_than_is_usable() -> None:
    raw = changed("limits.max_memory_mib", number(99999))
    limits = DeviceProfile.model_validate(raw).default_limits()
    assert limits.max_memory_bytes == 2500 * 2**20


def test_without_limits_of_its_own_a_profile_limits_memory_alone() -> None:
    limits = DeviceProfile.model_validate(changed("limits", None)).default_limits()
    assert limits.model_dump(exclude_none=True) == {"max_memory_bytes": 2500 * 2**20}


def test_sizes_and_counts_among_the_limits_are_converted() -> None:
    raw = changed("limits", {"max_size_mib": number(1.5), "max_params": number(1000)})
    limits = DeviceProfile.model_validate(raw).default_limits()
    assert (limits.max_size_bytes, limits.max_params) == (3 * 2**19, 1000)


def test_a_microcontroller_never_gives_more_flash_than_the_code_of_its_runtime_leaves() -> None:
    profile = load_profile("stm32h7")
    assert profile.default_limits().max_size_bytes == 2**20
    free = profile.model_copy(update={"limits": DefaultLimits()}).default_limits()
    assert free.max_size_bytes == int(2 * 2**20 - 191.2 * 2**10)
    assert free.max_memory_bytes == 2**19
    assert free.max_latency_ms is None


def test_an_unknown_device_is_answered_with_the_nearest() -> None:
    with pytest.raises(ProfileError, match="no such device; did you mean 'jetson-nano'"):
        load_profile("jetson-nan")


@pytest.mark.parametrize("name", ["../profiles/host", "", "HOST"])
def test_a_name_is_never_taken_for_a_path(name: str) -> None:
    with pytest.raises(ProfileError, match="no such device"):
        load_profile(name)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ProfileError, match=r"none.toml: cannot be read"):
        load_profile("none.toml")


def test_the_id_must_be_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my-board.toml"
    path.write_text((SHIPPED / "host.toml").read_text())
    with pytest.raises(ProfileError, match="id = 'host' must be the name of the file, 'my-board'"):
        load_profile(str(path))


def test_a_profile_of_ones_own_hides_a_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "autokd" / "profiles"
    folder.mkdir(parents=True)
    (folder / "jetson-nano.toml").write_text(render_toml({**NANO, "name": "Mine"}))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_profile("jetson-nano").name == "Mine"
    assert list_profiles()["host"].parent == device.profile_folders()[1]


def test_an_estimate_is_told_by_its_source() -> None:
    assert Sourced(value=1, source="estimate: as its neighbour").is_estimate
    assert not Sourced(value=1, source="datasheet").is_estimate


def test_another_latency_replaces_that_of_the_default_runtime_alone() -> None:
    nano, host = load_profile("jetson-nano"), load_profile("host")
    changed = nano.with_latency(host.latency)
    assert changed.latency == host.latency
    assert changed.runtimes[1:] == nano.runtimes[1:]
    assert changed.model_copy(update={"runtimes": nano.runtimes}) == nano

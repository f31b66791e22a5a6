"""A profile from a probe: what was measured, what is a neighbour's, and what is refused."""

import copy
import tomllib

import pytest

from autokd.core.device import DeviceProfile, load_profile
from autokd.errors import DeviceError, ProfileError
from autokd.measure.new_profile import nearest_profile, profile_of
from autokd.measure.protocol import BenchAnswer

STATE = {
    "governor": ["ondemand"],
    "freq_khz": [600_000, 600_000],
    "temp_mc": [],
    "throttled": None,
    "heat_events": None,
    "cooling": None,
    "utc_seconds": 0.0,
    "loadavg": [0.0, 0.0, 0.0],
    "mem_available_kb": 700 * 1024,
}
PROBE = {
    "schema": "autokd.bench/1",
    "ok": True,
    "error": None,
    "runner": {"version": "1", "sha256": "0" * 64, "started_utc": "-", "clock": "-"},
    "host": {
        "machine": "aarch64",
        "cpu_model": "Cortex-A72",
        "cpu_features": ["asimd"],
        "board": 'Raspberry Pi 4 "B"',
        "nproc": 4,
        "mem_total_kb": 948_304,
        "os": "Debian GNU/Linux 12 (bookworm)",
        "kernel": "6.6",
        "python": "3.11.2",
        "glibc": "2.36",
        "virtualised": "none",
    },
    "runtime": {
        "name": "onnxruntime",
        "version": "1.19.2",
        "providers_available": ["XnnpackExecutionProvider", "CPUExecutionProvider"],
    },
    "memory_kb": {"start": 9_000, "after_import": 45 * 1024},
    "state": {"before": STATE},
}


def answer_with(**changes):
    """Give the probe of a Pi with keys changed, each by table and name: host_nproc=8."""
    raw = copy.deepcopy(PROBE)
    for key, value in changes.items():
        table, _, name = key.partition("_")
        (raw["state"]["before"] if table == "state" else raw[table])[name] = value
    return BenchAnswer.model_validate(raw)


def made(answer=None, like="raspberry-pi-4b", *, name="my-pi", is_this_host=False):
    return profile_of(
        name,
        answer or answer_with(),
        like=load_profile(like),
        date="2026-01-31",
        is_this_host=is_this_host,
    )


def test_what_was_measured_says_when():
    profile = made()
    assert (profile.cpu.cores.value, profile.cpu.arch) == (4, "aarch64")
    assert profile.memory.ram_mib.value == 926
    assert profile.memory.ram_usable_mib.value == 700
    for number in (profile.cpu.cores, profile.memory.ram_mib, profile.memory.ram_usable_mib):
        assert number.source.startswith("measured by autokd on 2026-01-31")
    assert profile.limits.max_memory_mib.value == 350


def test_what_a_probe_cannot_tell_is_the_neighbours_and_an_estimate():
    profile, like = made(), load_profile("raspberry-pi-4b")
    found, theirs = profile.latency, like.latency
    for name in theirs.model_fields_set - {"interval_factor", "calibration"}:
        assert getattr(found, name).value == getattr(theirs, name).value
        assert getattr(found, name).source == "estimate: as raspberry-pi-4b"
    assert found.interval_factor.value == max(2, theirs.interval_factor.value)
    assert profile.memory.bandwidth_gb_per_s.is_estimate
    assert profile.cpu.clock_ghz.value == like.cpu.clock_ghz.value
    assert profile.cpu.clock_ghz.is_estimate


def test_the_runtime_has_the_limits_of_its_release():
    runtime = made().required_runtime()
    assert (runtime.version, runtime.max_opset, runtime.max_ir) == ("1.19.2", 21, 10)
    assert runtime.providers == ("CPUExecutionProvider",)
    assert "offers XnnpackExecutionProvider too" in runtime.source
    assert runtime.base_memory_mib.value == 75
    assert runtime.base_memory_mib.is_estimate


def test_what_is_made_is_read_back_the_same():
    profile = made()
    assert DeviceProfile.model_validate(tomllib.loads(profile.to_toml())) == profile
    assert profile.name == 'Raspberry Pi 4 "B"'


@pytest.mark.parametrize(
    ("machine", "features", "lanes", "activation", "reduce_range", "nearest"),
    [
        ("aarch64", ["asimd"], 8, "int8", False, "raspberry-pi-4b"),
        ("aarch64", ["asimd", "asimddp", "asimdhp"], 16, "int8", False, "raspberry-pi-5"),
        ("x86_64", [], 8, "uint8", True, "intel-n100"),
        ("x86_64", ["avx", "avx2", "fma"], 32, "uint8", True, "intel-n100"),
        ("x86_64", ["avx", "avx2", "fma", "avx_vnni"], 16, "uint8", False, "intel-n100"),
        ("x86_64", ["avx2", "fma", "avx512f"], 64, "uint8", True, "intel-n100"),
        ("x86_64", ["avx512f", "avx512_vnni"], 64, "uint8", False, "intel-n100"),
    ],
)
def test_the_features_of_the_processor_say_peak_and_int8(
    machine, features, lanes, activation, reduce_range, nearest
):
    answer = answer_with(host_machine=machine, host_cpu_features=features)
    profile = made(answer)
    form = profile.required_runtime().int8
    assert profile.cpu.fp32_flop_per_cycle.value == lanes
    assert profile.cpu.fp32_flop_per_cycle.is_estimate
    assert (form.activation, form.reduce_range) == (activation, reduce_range)
    assert nearest_profile(answer) == nearest
    assert profile.kind == ("minipc" if machine == "x86_64" else "sbc")


@pytest.mark.parametrize(
    ("governor", "khz", "clock_ghz", "is_estimate"),
    [
        (["performance"], [1_500_000, 1_499_000], 1.5, False),
        (["ondemand"], [600_000], 1.8, True),  # the neighbour's: this one was idle
        (["ondemand"], [2_000_000], 2.0, True),
        ([], [], 1.8, True),
    ],
)
def test_an_idle_clock_is_not_taken_for_the_processors(governor, khz, clock_ghz, is_estimate):
    clock = made(answer_with(state_governor=governor, state_freq_khz=khz)).cpu.clock_ghz
    assert (clock.value, clock.is_estimate) == (clock_ghz, is_estimate)


def test_little_cores_are_left_out_as_the_neighbour_leaves_them_out():
    features = ["asimd", "asimddp"]
    profile = made(answer_with(host_nproc=8, host_cpu_features=features), like="rock-5b")
    assert profile.cpu.cores.value == profile.threads == 4
    assert profile.cpu.cores.source == "estimate: as rock-5b, of 8 that the agent may use"


def test_old_arm_cores_know_the_release_that_dies_on_them():
    assert [bad.version for bad in made().known_bad] == ["1.21.0"]
    assert made(answer_with(host_cpu_features=["asimd", "asimddp"])).known_bad == ()
    with pytest.raises(ProfileError, match=r"runtime 'cpu' is onnxruntime 1.21.0, which known_bad"):
        made(answer_with(runtime_version="1.21.0"))


def test_this_host_stays_a_host_so_that_its_timings_count():
    assert made(is_this_host=True).kind == "host"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"host_machine": "armv7l"}, "a armv7l machine, for which there is no onnxruntime wheel"),
        ({"host_virtualised": "qemu-user"}, "runs under qemu-user, so its numbers are of no"),
        ({"runtime_version": "1.8.1"}, "has onnxruntime 1.8.1; autokd knows 1.10 and later"),
        ({"state_mem_available_kb": None}, "does not say how much memory is free"),
    ],
)
def test_a_target_that_no_profile_can_be_made_of_is_refused(changes, text):
    with pytest.raises(DeviceError) as fault:
        made(answer_with(**changes))
    assert text in str(fault.value)


def test_numbers_that_cannot_be_are_refused():
    with pytest.raises(ProfileError, match=r"no profile can be made of what the target says"):
        made(answer_with(host_mem_total_kb=None))


def test_a_microcontroller_is_no_neighbour():
    with pytest.raises(ProfileError, match=r"stm32h7: onnxruntime does not run there"):
        made(like="stm32h7")

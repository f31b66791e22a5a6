import json
import shutil

import pytest

from autokd.core.device import DeviceProfile, list_profiles


def test_the_list_has_every_profile(call):
    code, out, _ = call("devices", "list")
    assert code == 0
    table, _, words = out.partition("\n\n")
    assert [line.split()[0] for line in table.splitlines()[1:]] == list(list_profiles())
    assert max(map(len, out.splitlines())) <= 80
    assert "devices show ID" in " ".join(words.split())
    answer = json.loads(call("devices", "list", "--json")[1])
    assert [DeviceProfile.model_validate(item).id for item in answer] == list(list_profiles())


def test_the_list_counts_estimates(call):
    raw = list_profiles()["jetson-nano"].read_text()
    estimates, numbers = raw.count('source = "estimate'), raw.count("value = ")
    entry = call("devices", "list")[1].split("jetson-nano ")[1].splitlines()[0]
    assert entry.endswith(f"{estimates} of {numbers}")


def test_a_device_without_onnxruntime_is_listed_without_a_claim(call):
    entry = call("devices", "list")[1].split("stm32h7 ")[1].splitlines()[0].split()
    assert entry[0] == "none"
    assert "-" in entry


def test_show_has_what_a_device_takes_instead_and_which_accelerators_are_out_of_reach(call):
    out = call("devices", "show", "stm32h7")[1]
    assert "[takes]" in out
    assert "int8-qdq" in out
    out = " ".join(call("devices", "show", "coral-dev-board")[1].split())
    assert "[[accelerators]] id edgetpu" in out
    assert "not by onnxruntime: it takes a TensorFlow Lite file" in out


def test_show_gives_every_number_with_its_source(call):
    code, out, _ = call("devices", "show", "jetson-nano")
    assert code == 0
    assert "clock_ghz            1.43  (sbc-bench Results.md)" in out
    assert "[[runtimes]]" in out
    assert "[runtimes.latency.fp32]" in out
    answer = call("devices", "show", "jetson-nano", "--json")[1]
    assert DeviceProfile.model_validate_json(answer).id == "jetson-nano"


def test_known_bad_versions_are_shown(call):
    out = call("devices", "show", "raspberry-pi-4b")[1]
    assert "[[known_bad]]" in out
    assert "1.21.0" in out


def test_an_unknown_device_is_answered_with_the_nearest(command):
    done = command("devices", "show", "jetson-nan")
    assert done.returncode == 2
    assert "did you mean 'jetson-nano'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_profile_of_ones_own_is_checked(call, folder):
    shutil.copy(list_profiles()["jetson-nano"], folder / "jetson-nano.toml")
    code, out, _ = call("devices", "check", "jetson-nano.toml")
    assert code == 0
    assert out.startswith(
        "jetson-nano.toml: NVIDIA Jetson Nano Developer Kit 4 GB is a valid profile.\n"
    )
    assert "numbers are estimates: " in out


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("clock_ghz", "clock_gz", "unknown key 'cpu.clock_gz'"),
        ("value = 1.43", "value = 1430", "is the unit right?"),
        ('id = "jetson-nano"', 'id = "other"', "must be the name of the file, 'jetson-nano'"),
    ],
)
def test_a_fault_in_a_profile_is_named(call, folder, old, new, text):
    raw = list_profiles()["jetson-nano"].read_text()
    (folder / "jetson-nano.toml").write_text(raw.replace(old, new))
    code, out, err = call("devices", "check", "jetson-nano.toml")
    assert (code, out) == (2, "")
    assert "jetson-nano.toml: " in err
    assert text in err


def test_a_profile_in_the_persons_own_folder_is_found(call, folder, tmp_path):
    own = tmp_path / "config" / "autokd" / "profiles"
    own.mkdir(parents=True)
    raw = list_profiles()["jetson-nano"].read_text()
    (own / "my-board.toml").write_text(raw.replace('id = "jetson-nano"', 'id = "my-board"'))
    assert "\nmy-board " in call("devices", "list")[1]


def test_devices_alone_shows_its_help(call):
    assert call("devices")[:2] == call("devices", "--help")[:2]

"""Plug-ins by what packages declare: found without an import, told apart, held to a version."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from autokd.core.config import RunConfig
from autokd.core.plugin_record import Plugin
from autokd.core.plugins import (
    SHIPPED,
    blaming,
    declared_plugins,
    find_plugin,
    load_plugin,
    scheme_of,
    with_plugins,
)
from autokd.errors import ConfigError, DeviceError, PluginError
from tests.plugins.declare import declare

ROOT = Path(__file__).parents[2]
LOSS = {"loss": {"soft": "soft_module:soft"}}
FINE = {"soft_module": "def soft():\n    return 7\n"}


def config(*, target: str | None = None, plugins: object = (), **search: str) -> RunConfig:
    return RunConfig.model_validate(
        {
            "device": "host",
            "target": target,
            "teacher": {"file": "m.pt"},
            "search": search,
            "plugins": plugins,
        }
    )


def place(kind: str) -> str:
    return f"--{kind} X"


def test_a_plug_in_is_listed_with_its_package_and_imported_when_it_is_named(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path, LOSS, {"soft_module": "raise OSError('libsoft is missing')"})
    (found,) = (one for one in declared_plugins() if one.name == "soft")
    assert (found.kind, found.distribution, found.version) == ("loss", "other-package", "2.1")
    assert found.value == "soft_module:soft"
    assert found.fault is None
    assert find_plugin("loss", "soft") == found
    assert find_plugin("loss", "kd") is None
    assert with_plugins(config(), place=place).plugins == ()
    assert "soft_module" not in sys.modules
    with pytest.raises(PluginError) as fault:
        load_plugin("loss", "soft")
    assert str(fault.value) == (
        "loss 'soft' of other-package 2.1: failed while being imported: OSError: libsoft is "
        "missing (soft_module.py, line 1). The fault is the plug-in's: correct or upgrade "
        "other-package, or leave the plug-in out."
    )


def test_an_entry_point_to_nothing_is_the_package_s_fault(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path, LOSS, {"soft_module": "hard = 1"})
    with pytest.raises(PluginError, match="has no attribute 'soft'"):
        load_plugin("loss", "soft")
    declare(monkeypatch, tmp_path, {"loss": {"soft": "no module here"}})
    with pytest.raises(PluginError, match=r"^loss 'soft' of other-package .*: failed while being"):
        load_plugin("loss", "soft")


def test_what_is_loaded_comes_with_its_version(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path, LOSS, FINE)
    plugin, found = load_plugin("loss", "soft")
    assert plugin == Plugin(kind="loss", name="soft", distribution="other-package", version="2.1")
    assert found() == 7
    with pytest.raises(PluginError, match="comes with autokd"):
        load_plugin("loss", "kd")


@pytest.mark.parametrize("kind", list(SHIPPED))
def test_a_name_of_autokd_s_own_is_an_error_for_who_names_it_alone(tmp_path, monkeypatch, kind):
    name = SHIPPED[kind][0]
    declare(monkeypatch, tmp_path, {kind: {name: "soft_module:soft"}})
    with pytest.raises(PluginError) as fault:
        find_plugin(kind, name, place=f"--{kind} {name}")
    assert str(fault.value) == (
        f"--{kind} {name}: other-package 2.1 has a {kind} '{name}' that cannot be used: autokd has "
        f"a {kind} '{name}' of its own. Uninstall other-package, or rename the entry point in it."
    )
    assert find_plugin(kind, SHIPPED[kind][1]) is None


def test_two_packages_with_one_name_are_told_apart_by_nobody(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path / "one", LOSS, distribution="one")
    declare(monkeypatch, tmp_path / "two", LOSS, distribution="two")
    with pytest.raises(PluginError, match=r"soft': two 2\.1 and one 2\.1 have a loss 'soft' each"):
        find_plugin("loss", "soft")


def test_a_package_that_lies_twice_on_the_path_counts_once(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path / "old", LOSS, version="1.0")
    declare(monkeypatch, tmp_path / "new", LOSS, version="1.1")
    found = find_plugin("loss", "soft")
    assert found is not None
    assert found.version == "1.1"  # which Python imports


@pytest.mark.parametrize("name", ["Soft", "soft_loss", "-soft", "soft--er", "1st", "s" * 41])
def test_a_name_that_no_option_takes_is_a_fault(tmp_path, monkeypatch, name):
    declare(monkeypatch, tmp_path, {"loss": {name: "soft_module:soft"}})
    (found,) = (one for one in declared_plugins() if one.name == name)
    assert str(found.fault).startswith("a name has small letters, digits and single dashes")


def test_a_damaged_package_hides_itself_and_no_other(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path / "fine", LOSS, FINE)
    declare(monkeypatch, tmp_path / "bad", LOSS, distribution="damaged")
    (entry,) = (tmp_path / "bad").glob("*/entry_points.txt")
    entry.write_bytes(b"\xff\xfe no text")
    assert load_plugin("loss", "soft")[0].distribution == "other-package"
    entry.write_text("[autokd.losses]\nno equals sign\n")
    assert load_plugin("loss", "soft")[0].distribution == "other-package"


def test_an_unknown_name_is_told_with_all_that_there_are(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path, LOSS)
    with pytest.raises(PluginError) as fault:
        find_plugin("loss", "sofd", place="--loss sofd")
    assert str(fault.value) == (
        "--loss sofd: there is no loss 'sofd'; there are 'kd', 'dkd', 'dist', 'logit-std', 'soft'. "
        "Give one of them, or install the package that has it into this Python."
    )


@pytest.mark.parametrize(
    ("target", "scheme"),
    [(None, "local"), ("local", "local"), ("ssh://a@b:1", "ssh"), ("usb://x", "usb")],
)
def test_the_kind_of_a_target_is_its_scheme(target, scheme):
    assert scheme_of(target) == scheme


def test_settings_say_which_plug_ins_they_name(tmp_path, monkeypatch):
    entries = {"loss": {"soft": "a:b"}, "target": {"usb": "a:c"}, "space": {"tiny": "a:d"}}
    declare(monkeypatch, tmp_path, entries)
    found = with_plugins(config(target="usb://1", loss="soft"), place=place)
    assert [str(plugin) for plugin in found.plugins] == [
        "loss 'soft' of other-package 2.1",
        "target 'usb' of other-package 2.1",
    ]
    assert with_plugins(found, place=place) == found
    search = found.search.model_copy(update={"loss": "kd"})
    fewer = with_plugins(found.model_copy(update={"search": search}), place=place)
    assert [plugin.name for plugin in fewer.plugins] == ["usb"]


def test_another_version_than_the_settings_are_for_is_refused(tmp_path, monkeypatch):
    declare(monkeypatch, tmp_path, LOSS)
    begun = with_plugins(config(loss="soft"), place=place)
    declare(monkeypatch, tmp_path, LOSS, version="3.0")
    with pytest.raises(PluginError) as fault:
        with_plugins(begun, place=place)
    assert str(fault.value) == (
        "--loss X: the settings are for loss 'soft' of other-package 2.1, and other-package 3.0 is "
        "installed, which may do something else. Install other-package 2.1, or begin a new run "
        "with settings that have no [[plugins]]."
    )


def test_what_fails_inside_is_the_plug_in_s_and_what_it_says_on_purpose_passes():
    plugin = Plugin(kind="target", name="usb", distribution="usb-boards", version="1")
    with (
        pytest.raises(
            DeviceError, match=r"^target 'usb' of usb-boards 1: failed while asking: Key"
        ),
        blaming(plugin, doing="asking", error=DeviceError),
    ):
        raise KeyError("port")
    with pytest.raises(ConfigError, match=r"^no such port$"), blaming(plugin, doing="asking"):
        raise ConfigError("no such port")
    with pytest.raises(KeyboardInterrupt), blaming(plugin, doing="asking"):
        raise KeyboardInterrupt


def test_all_packages_are_read_in_a_moment():
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        declared_plugins()
        best = min(best, time.perf_counter() - begin)
    assert best < 0.25, f"{best:.3f} s"


def test_reading_what_is_declared_brings_no_library_with_it():
    code = (
        "import sys\nfrom autokd.core.plugins import declared_plugins\ndeclared_plugins()\n"
        "print({'torch', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"

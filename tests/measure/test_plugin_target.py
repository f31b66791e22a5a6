"""A target of a plug-in, as commands open it."""

import sys

import pytest

from autokd.errors import ConfigError, DeviceError, PluginError
from autokd.measure.plugin_target import PluginTarget
from autokd.measure.target import measure_on, open_target
from tests.measure.answers import an_answer
from tests.plugins.declare import declare, declare_example

MACHINE = """
from autokd.measure.protocol import parse_answer
from tests.measure.answers import an_answer, wrapped

said = []


class Machine:
    on_this_host = False
    is_device = True

    def __init__(self, address, profile):
        said.append((address, profile.id))
        self.name = f"board {address}"

    def probe(self):
        said.append("probe")
        return parse_answer(wrapped(an_answer()), where=self.name)

    def bench(self, job, *, model, sample=None, reference=None):
        raise OSError("cable is out")

    def close(self):
        said.append("close")
"""


@pytest.fixture
def opened(tmp_path, monkeypatch, profile):
    declare(
        monkeypatch, tmp_path, {"target": {"usb": "usb_boards:Machine"}}, {"usb_boards": MACHINE}
    )
    target = open_target("usb://port/3?x=1", profile)
    return target, sys.modules["usb_boards"].said


def test_the_plug_in_is_given_what_follows_its_name_and_is_asked_once(opened, profile):
    target, said = opened
    assert isinstance(target, PluginTarget)
    assert (target.name, target.is_device, target.on_this_host) == ("board port/3?x=1", True, False)
    with target:
        assert target.probe() is target.probe()
        assert target.probe().host.machine == an_answer()["host"]["machine"]
    assert said == [("port/3?x=1", profile.id), "probe", "close"]


def test_what_fails_inside_is_a_board_that_does_not_answer(opened, profile, make_model):
    with pytest.raises(
        DeviceError,
        match=r"^target 'usb' of other-package 2\.1: failed while .*cable is out",
    ):
        measure_on(opened[0], make_model(), profile, seconds=0.1)


@pytest.mark.parametrize(
    ("text", "fault", "words"),
    [
        (
            "uzb://x",
            PluginError,
            "there is no target 'uzb'; .* 'local', 'ssh', 'adb', 'usb'",
        ),
        ("USB://x", ConfigError, r"is no target; give 'local'.*NAME://\.\.\. of an installed plug"),
        ("usb", ConfigError, "is no target"),
        ("usb:/x", ConfigError, "is no target"),
    ],
)
@pytest.mark.usefixtures("opened")
def test_anything_else_is_no_target(profile, text, fault, words):
    with pytest.raises(fault, match=words):
        open_target(text, profile)


@pytest.mark.usefixtures("opened")
def test_a_host_key_is_for_ssh(profile):
    with pytest.raises(ConfigError, match="--accept-host-key: goes with --target ssh://"):
        open_target("usb://x", profile, accept_host_key="SHA256:" + "a" * 43)


def test_what_is_no_machine_is_refused(tmp_path, monkeypatch, profile):
    declare(monkeypatch, tmp_path, {"target": {"usb": "usb_boards:M"}}, {"usb_boards": "M = 'x'"})
    with pytest.raises(PluginError, match="is a str; its entry point must name a class"):
        open_target("usb://x", profile)


def test_the_example_refuses_a_path_in_its_own_words(tmp_path, monkeypatch, profile):
    declare_example(monkeypatch, tmp_path)
    with pytest.raises(ConfigError, match=r"^--target interpreter:///no/python: is no program"):
        open_target("interpreter:///no/python", profile)

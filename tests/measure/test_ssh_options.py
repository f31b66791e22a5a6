from pathlib import Path

import pytest

from autokd.errors import ConfigError
from autokd.measure.ssh_address import SshAddress
from autokd.measure.ssh_options import CONFIG_VARIABLE, connect_argv, key_argv, session_argv

BOARD = SshAddress("board", "pi", 2222)
CONTROL, KNOWN = Path("/c/s"), Path("/my config/100%/known_hosts")


@pytest.fixture(autouse=True)
def no_config(monkeypatch):
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)


def options_of(argv):
    found = [argv[n + 1] for n, word in enumerate(argv) if word == "-o"]
    return dict(option.split("=", 1) for option in found)


def test_the_host_stands_after_two_dashes_in_every_command():
    for argv in (
        connect_argv(BOARD, "run this", known_hosts=KNOWN, control=CONTROL),
        session_argv(BOARD, "run this", control=CONTROL),
        key_argv(BOARD, known_hosts=KNOWN),
    ):
        assert argv[0] == "ssh"
        assert argv[-3:-1] == ["--", "board"]
        assert argv.count("--") == 1


def test_nothing_that_ssh_config_says_opens_a_door():
    argv = connect_argv(BOARD, "run", known_hosts=KNOWN, control=CONTROL)
    options = options_of(argv)
    assert (
        options.items()
        >= {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "ClearAllForwardings": "yes",
            "PermitLocalCommand": "no",
            "RemoteCommand": "none",
            "UpdateHostKeys": "no",
            "VerifyHostKeyDNS": "no",
            "GlobalKnownHostsFile": "/dev/null",
            "UserKnownHostsFile": '"/my config/100%%/known_hosts"',
            "HostKeyAlias": "[board]:2222",
            "ControlPath": '"/c/s"',
        }.items()
    )
    assert int(options["ConnectTimeout"]) > 0
    assert int(options["ServerAliveInterval"]) > 0
    assert argv[argv.index("-l") + 1] == "pi"
    assert argv[argv.index("-p") + 1] == "2222"


def test_what_is_not_given_is_left_to_ssh_config():
    argv = connect_argv(SshAddress("board"), "run", known_hosts=KNOWN, control=CONTROL)
    assert not {"-l", "-p", "-F"} & set(argv)
    assert options_of(argv)["HostKeyAlias"] == "[board]:22"


def test_a_key_is_asked_for_without_logging_in():
    options = options_of(key_argv(BOARD, known_hosts=KNOWN))
    assert options["StrictHostKeyChecking"] == "accept-new"
    assert options["PreferredAuthentications"] == "none"
    assert options["ControlPath"] == "none"


def test_a_command_uses_the_kept_connection_or_none():
    argv = session_argv(BOARD, "run", control=CONTROL)
    assert argv[1:3] == ["-F", "none"]
    assert options_of(argv)["ProxyCommand"] == "false"
    assert options_of(argv)["ControlMaster"] == "no"


def test_another_configuration_of_ssh_can_be_named(monkeypatch):
    monkeypatch.setenv(CONFIG_VARIABLE, "/ci/ssh_config")
    for argv in (
        connect_argv(BOARD, "run", known_hosts=KNOWN, control=CONTROL),
        key_argv(BOARD, known_hosts=KNOWN),
    ):
        assert argv[1:3] == ["-F", "/ci/ssh_config"]


@pytest.mark.parametrize("path", ['/a"b', "/a${HOME}", "/a\\b", "/a\nb"])
def test_a_path_that_ssh_would_read_otherwise_is_refused(path):
    with pytest.raises(ConfigError, match="set XDG_CONFIG_HOME or TMPDIR"):
        connect_argv(BOARD, "run", known_hosts=Path(path), control=CONTROL)

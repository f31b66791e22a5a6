import pytest

from autokd.errors import ConfigError
from autokd.measure.ssh_address import SshAddress, check_fingerprint, parse_address


@pytest.mark.parametrize(
    ("text", "address", "known_as"),
    [
        ("ssh://board", SshAddress("board"), "[board]:22"),
        ("ssh://pi@Board.local:2222", SshAddress("Board.local", "pi", 2222), "[board.local]:2222"),
        ("ssh://10.0.0.7", SshAddress("10.0.0.7"), "[10.0.0.7]:22"),
        ("ssh://pi@[fe80::1]:65535", SshAddress("fe80::1", "pi", 65535), "[fe80::1]:65535"),
        ("ssh://[::1]", SshAddress("::1"), "[::1]:22"),
        (
            "ssh://_x-1@b/home/me/v_1.0/bin/python3.11",
            SshAddress("b", "_x-1", None, "/home/me/v_1.0/bin/python3.11"),
            "[b]:22",
        ),
    ],
)
def test_parts_of_an_address(text, address, known_as):
    assert parse_address(text) == address
    assert address.known_as == known_as
    assert str(address) == text.removesuffix(address.python)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ssh://", "'' is no name of a host"),
        ("ssh://-oProxyCommand=touch pwned", "no name of a host"),
        ("ssh://-oProxyCommand=touch%20pwned@board", "no name of a user"),
        ("ssh://pi@-oProxyCommand=id", "no name of a host"),
        ("ssh://pi@board;id", "no name of a host"),
        ("ssh://pi@board$(id)", "no name of a host"),
        ("ssh://pi@board`id`", "no name of a host"),
        ("ssh://pi@board\nid", "no name of a host"),
        ("ssh://pi@bo ard", "no name of a host"),
        ("ssh://pi@%h", "no name of a host"),
        ("ssh://pi;id@board", "no name of a user"),
        ("ssh://Pi@board", "no name of a user"),
        ("ssh://@board", "no name of a user"),
        ("ssh://pi:secret@board", "no name of a user"),
        ("ssh://pi@board\n", "no name of a host"),
        ("ssh://board:", "'' is no port"),
        ("ssh://board:0", "'0' is no port"),
        ("ssh://board:65536", "no port"),
        ("ssh://board:22x", "no port"),
        ("ssh://board:٢٢", "no port"),
        ("ssh://::1", "no name of a host"),
        ("ssh://[fe80::1%eth0]", "no IPv6 address"),
        ("ssh://[board]", "no IPv6 address"),
        ("ssh://[::1", "no IPv6 address"),
        ("ssh://[::1]22", "'22' after the bracket"),
        ("ssh://board/", "'/' is no path"),
        ("ssh://board/../python3", "no path"),
        ("ssh://board/usr/bin/python3;id", "no path"),
        ("ssh://board/usr/bin/python3 -c id", "no path"),
        ("ssh://board/-c", "no path"),
        ("ssh://" + "a" * 254, "no name of a host"),
    ],
)
def test_anything_else_never_reaches_ssh(text, words):
    with pytest.raises(ConfigError, match="must be ssh://") as caught:
        parse_address(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "SHA256:", "MD5:aa", "SHA256:" + "a" * 44, "a" * 43])
def test_a_fingerprint_has_its_form(text):
    with pytest.raises(ConfigError, match="must be SHA256:"):
        check_fingerprint(text)
    good = "SHA256:" + "a+/0" * 10 + "abc"
    assert check_fingerprint(good) == good

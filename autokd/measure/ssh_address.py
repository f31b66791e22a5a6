"""The address of a board, checked letter by letter before any program sees it."""

import ipaddress
import re
from dataclasses import dataclass

from autokd.errors import ConfigError

# Neither may begin with a dash, which ssh would take for an option (CVE-2017-1000117), nor hold
# what a shell reads (CVE-2023-51385).
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PORT = re.compile(r"[0-9]{1,5}")
_PYTHON = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._+-]{0,100}){1,20}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")

_FORM = "must be ssh://[user@]host[:port][/path/of/python3]"


@dataclass(frozen=True, slots=True)
class SshAddress:
    """A board that ssh reaches.

    Attributes:
        host: A name, an alias of ssh's own configuration, or an IP address.
        user: None leaves it to ssh.
        port: None leaves it to ssh.
        python: The Python there; ``python3`` of its PATH unless a path was given.
    """

    host: str
    user: str | None = None
    port: int | None = None
    python: str = "python3"

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"ssh://{user}{self._bracketed}{port}"

    @property
    def known_as(self) -> str:
        """The name under which its host key is kept."""
        return f"[{self.host.lower()}]:{self.port or 22}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_address(text: str) -> SshAddress:
    """Read ``ssh://[user@]host[:port][/path/of/python3]``; IPv6 stands in brackets.

    Raises:
        ConfigError: A part is malformed; the message names it.
    """
    place, slash, path = text.removeprefix("ssh://").partition("/")
    user, at, machine = place.rpartition("@")
    if machine.startswith("["):
        host, bracket, rest = machine[1:].partition("]")
        _require(bool(bracket) and _is_ipv6(host), text, f"{machine!r} is no IPv6 address")
        _require(rest[:1] in ("", ":"), text, f"{rest!r} after the bracket is no port")
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = machine.partition(":")
        _require(bool(_HOST.fullmatch(host)), text, f"{host!r} is no name of a host")
    if at:
        _require(bool(_USER.fullmatch(user)), text, f"{user!r} is no name of a user")
    if colon:
        good = _PORT.fullmatch(port) and 1 <= int(port) <= 65535
        _require(bool(good), text, f"{port!r} is no port of 1 to 65535")
    if slash:
        _require(bool(_PYTHON.fullmatch("/" + path)), text, f"{'/' + path!r} is no path")
    python = "/" + path if slash else "python3"
    return SshAddress(host, user or None, int(port) if colon else None, python)


def check_fingerprint(text: str) -> str:
    """Give a fingerprint back that has its form.

    Raises:
        ConfigError: It has not.
    """
    if not _FINGERPRINT.fullmatch(text):
        msg = (
            f"--accept-host-key {text!r}: must be SHA256: and 43 letters, as "
            "'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' prints it on the board."
        )
        raise ConfigError(msg)
    return text


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def _require(good: bool, text: str, what: str) -> None:  # noqa: FBT001 - a condition and its words
    if not good:
        msg = f"--target {text!r}: {what}; {_FORM}."
        raise ConfigError(msg)

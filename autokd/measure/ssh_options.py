"""The command lines of OpenSSH: every option that matters is given, whatever ssh_config says."""

import os
from pathlib import Path

from autokd.errors import ConfigError
from autokd.measure.ssh_address import SshAddress

CONFIG_VARIABLE = "AUTOKD_SSH_CONFIG"
CONNECT_SECONDS = 15

# The first value wins in ssh, and the command line comes before ssh_config.
_ALWAYS = (
    "IgnoreUnknown=KnownHostsCommand",
    "BatchMode=yes",
    f"ConnectTimeout={CONNECT_SECONDS}",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "Tunnel=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "EscapeChar=none",
    "LogLevel=ERROR",
    "GlobalKnownHostsFile=/dev/null",
    "KnownHostsCommand=none",
    "VerifyHostKeyDNS=no",
    "UpdateHostKeys=no",
    "CheckHostIP=no",
    "HashKnownHosts=no",
)


def connect_argv(
    address: SshAddress, command: str, *, known_hosts: Path, control: Path
) -> list[str]:
    """Give the command line that connects, keeps the connection at ``control``, runs ``command``.

    Raises:
        ConfigError: The path of ``known_hosts`` cannot be written in an option of ssh.
    """
    options = (
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={_quoted(known_hosts)}",
        "ControlMaster=yes",
        f"ControlPath={_quoted(control)}",
        "ControlPersist=no",
    )
    return [*_ssh(address, options), "-T", "--", address.host, command]


def key_argv(address: SshAddress, *, known_hosts: Path) -> list[str]:
    """Give the command line that writes the key of a host into ``known_hosts`` and logs in nowhere.

    It fails in any case: there is no way to log in that is called none.
    """
    options = (
        "StrictHostKeyChecking=accept-new",
        f"UserKnownHostsFile={_quoted(known_hosts)}",
        "PreferredAuthentications=none",
        "ControlPath=none",
    )
    return [*_ssh(address, options), "-T", "--", address.host, "exit"]


def session_argv(address: SshAddress, command: str, *, control: Path) -> list[str]:
    """Give the command line that runs ``command`` over the connection at ``control`` alone.

    Without that connection ssh would make another one; the proxy that fails prevents it.
    """
    options = ("BatchMode=yes", "LogLevel=ERROR", "ControlMaster=no", "ProxyCommand=false")
    given = [word for option in options for word in ("-o", option)]
    control_option = f"ControlPath={_quoted(control)}"
    return ["ssh", "-F", "none", *given, "-o", control_option, "-T", "--", address.host, command]


def _ssh(address: SshAddress, options: tuple[str, ...]) -> list[str]:
    config = os.environ.get(CONFIG_VARIABLE)
    words = ["ssh", *(["-F", config] if config else [])]
    for option in (*_ALWAYS, f"HostKeyAlias={address.known_as}", *options):
        words += ["-o", option]
    if address.user is not None:
        words += ["-l", address.user]
    if address.port is not None:
        words += ["-p", str(address.port)]
    return words


def _quoted(path: Path) -> str:
    """Give a path as ssh_config writes it: in quotes, since blanks divide a list of paths."""
    text = str(path)
    if '"' in text or "${" in text or "\\" in text or not text.isprintable():
        msg = f"{text}: ssh cannot be given this path; set XDG_CONFIG_HOME or TMPDIR to another."
        raise ConfigError(msg)
    return '"' + text.replace("%", "%%") + '"'

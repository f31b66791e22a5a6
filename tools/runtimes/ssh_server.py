"""The OpenSSH server, for the tests of targets over ssh on loopback."""

import os

from tools.runtimes.installing import Commands, Piece, UnavailableError
from tools.runtimes.places import find_sshd

_COMMAND = ("apt-get", "install", "--yes", "--no-install-recommends", "openssh-server")


def ssh_server_piece() -> Piece:
    """Give the piece. It is the only one that is installed into the system.

    Apt starts the server as a service of the machine, so a person who is not root is told the
    command instead; on a machine of CI, sudo is used when it asks for no password.
    """
    return Piece("OpenSSH server", lambda: find_sshd() is not None, _install)


def _install(commands: Commands) -> None:
    by_hand = f"install it by hand: sudo {' '.join(_COMMAND)}"
    as_root: tuple[str, ...] = ()
    if os.geteuid() != 0:
        if os.environ.get("CI") != "true":
            msg = f"it needs root; {by_hand}"
            raise UnavailableError(msg)
        as_root = ("sudo", "--non-interactive")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        commands.run([*as_root, "apt-get", "update"], env=quiet)
        commands.run([*as_root, *_COMMAND], env=quiet)
    except UnavailableError as fault:
        msg = f"{fault}; {by_hand}"
        raise UnavailableError(msg) from None

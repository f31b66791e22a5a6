"""One connection to a board: kept open, with a folder there that goes when it ends."""

import os
import re
import selectors
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from autokd.errors import DeviceError
from autokd.measure.process import Finished, end, run_limited
from autokd.measure.protocol import strip_control
from autokd.measure.ssh_address import SshAddress
from autokd.measure.ssh_hostkeys import explain_change, known_hosts_file
from autokd.measure.ssh_options import CONNECT_SECONDS, connect_argv, session_argv

# A socket's path has 104 bytes on some systems, and ssh adds 17 letters while it makes one.
_LONGEST_CONTROL = 80
_LOGIN_SECONDS = 4 * CONNECT_SECONDS
_CLOSE_SECONDS = 10.0
_HELLO = b"AUTOKD-FOLDER "
_FOLDER = re.compile(r"(/[A-Za-z0-9._+-]{1,100}){1,10}/autokd\.[A-Za-z0-9]{8}")

# Stays until the connection ends, however it ends, and then removes what lies on the board.
# No newline and no "!": the login shell of the board may be any.
_HOLD = (
    'umask 077; d=$(mktemp -d "${TMPDIR:-/tmp}/autokd.XXXXXXXX") || exit 73; '
    'trap "rm -rf \\"$d\\"" EXIT; trap "exit 0" HUP INT TERM PIPE; '
    'echo "AUTOKD-FOLDER $d"; cat > /dev/null'
)


class ConnectionLostError(DeviceError):
    """The connection is cut or cannot be made now; another one may work."""


class SshConnection:
    """A login that is kept; every command goes over it.

    Attributes:
        folder: A fresh folder on the board, removed there when the connection ends.
    """

    def __init__(self, address: SshAddress) -> None:
        """Connect.

        Raises:
            ConnectionLostError: The board does not answer now.
            DeviceError: It refuses the login, or its host key has changed.
        """
        self._address = address
        self._place = _control_folder()
        self._control = self._place / "s"
        self._said = self._place / "stderr"
        argv = connect_argv(
            address,
            in_shell(_HOLD),
            known_hosts=known_hosts_file(),
            control=self._control,
        )
        self._master: subprocess.Popen[bytes] | None = None
        try:
            with self._said.open("wb") as stderr:
                self._master = subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    start_new_session=True,
                )
            self.folder = self._read_folder(self._master)
        except OSError as fault:
            self.close()
            msg = f"{address}: ssh cannot be run ({fault.strerror}); install the OpenSSH client."
            raise DeviceError(msg) from None
        except BaseException:
            self.close()
            raise

    def run(
        self,
        command: str,
        *,
        stdin: IO[bytes] | bytes = b"",
        seconds: float,
        most_bytes: int = 65536,
        on_line: Callable[[str], None] = lambda _: None,
    ) -> Finished:
        """Run a command of the Bourne shell on the board; what it says is not to be trusted.

        Raises:
            ConnectionLostError: The connection is cut.
            DeviceError: It says more than ``most_bytes``.
            TimeoutError: It did not end in time.
        """
        done = run_limited(
            session_argv(self._address, in_shell(command), control=self._control),
            stdin=stdin,
            seconds=seconds,
            most_bytes=most_bytes,
            where=str(self._address),
            on_line=on_line,
        )
        if done.status == 255 or done.status < 0:
            reason = strip_control(done.stderr)[-200:] or "the connection was cut"
            msg = f"{self._address}: {reason}"
            raise ConnectionLostError(msg)
        return done

    def close(self) -> None:
        """End the connection; the board then removes the folder."""
        master = self._master
        if master is not None:
            for stream in (master.stdin, master.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            with suppress(subprocess.TimeoutExpired):
                master.wait(_CLOSE_SECONDS)
            end(master)
        shutil.rmtree(self._place, ignore_errors=True)

    def _read_folder(self, master: subprocess.Popen[bytes]) -> str:
        """Wait for the line with the folder; other lines are of the board's login scripts."""
        assert master.stdout is not None  # noqa: S101 - it is a pipe
        said = b""
        deadline = time.monotonic() + _LOGIN_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(master.stdout, selectors.EVENT_READ)
            while not (_HELLO in said and said.endswith(b"\n")) and len(said) < 65536:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    msg = f"{self._address}: does not answer within {_LOGIN_SECONDS} s."
                    raise ConnectionLostError(msg)
                piece = os.read(master.stdout.fileno(), 4096)
                if not piece:
                    raise self._refused(master.wait(_LOGIN_SECONDS))
                said += piece
        folder = said.rpartition(_HELLO)[2].decode("ascii", "replace").strip()
        if not _FOLDER.fullmatch(folder):
            msg = (
                f"{self._address}: answers the login with {strip_control(folder)[:100]!r} and not "
                "with a folder; look at what its login scripts print, and at TMPDIR there."
            )
            raise DeviceError(msg)
        return folder

    def _refused(self, status: int) -> DeviceError:
        said = strip_control(self._said.read_text("utf-8", "replace"))[-400:]
        if "ost key verification failed" in said or "HOST IDENTIFICATION" in said:
            return DeviceError(explain_change(self._address))
        if "Permission denied" in said or "Too many authentication failures" in said:
            user = f"{self._address.user}@" if self._address.user else ""
            return DeviceError(
                f"{self._address}: refuses the login ({said}). No password is asked for: put your "
                f"key there with 'ssh-copy-id {user}{self._address.host}'."
            )
        if "resolve hostname" in said or "onfiguration option" in said:
            return DeviceError(f"{self._address}: {said} Check the address, and ~/.ssh/config.")
        if status not in (0, 255):
            return DeviceError(
                f"{self._address}: no folder can be made there ({said or f'status {status}'}); "
                "free some space, or let TMPDIR there name a folder that can be written."
            )
        return ConnectionLostError(f"{self._address}: {said or 'the connection was closed'}")


def in_shell(command: str) -> str:
    """Give a command for ``sh`` as one that every login shell starts."""
    return "exec sh -c " + shlex.quote(command)


def _control_folder() -> Path:
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes it private
        if len(os.fsencode(parent)) + len("/akd12345678/s") <= _LONGEST_CONTROL:
            with suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="akd", dir=parent))
    msg = f"{tempfile.gettempdir()}: too long for ssh's socket; set TMPDIR to a shorter path."
    raise DeviceError(msg)

"""A real OpenSSH server on loopback, with keys of its own, that stands for a board."""

import contextlib
import getpass
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autokd.measure.protocol import BenchJob
from autokd.measure.ssh import SshTarget
from autokd.measure.ssh_address import parse_address
from tools.runtimes.places import HOW, find_sshd

QUICK = {"seconds": 0.05, "max_warmup_seconds": 0.1}  # options of `measure_on`


class Sshd:
    """The server and the client's settings for it; all files lie below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"  # where the board's own temporary files go
        self.python = folder / "bin" / "python3"
        self.temporary.mkdir(parents=True)
        self.python.parent.mkdir()
        self.write_python(f'exec {sys.executable} "$@"')
        self.port = free_port()
        self.server: subprocess.Popen | None = None
        make_key(folder / "login_key")
        make_key(folder / "host_key")
        (folder / "authorized").write_bytes((folder / "login_key.pub").read_bytes())
        self.client_config = folder / "client_config"
        self.client_config.write_text(f"IdentityFile {folder}/login_key\nIdentitiesOnly yes\n")

    @property
    def address(self) -> str:
        return self.address_at(self.port)

    def address_at(self, port: int) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{port}{self.python}"

    @property
    def fingerprint(self) -> str:
        argv = ["ssh-keygen", "-lf", str(self.folder / "host_key.pub")]
        return subprocess.run(argv, capture_output=True, check=True, text=True).stdout.split()[1]

    def be_known(self, port: int) -> None:
        """Let this machine have accepted the host key before."""
        file = Path(os.environ["XDG_CONFIG_HOME"]) / "autokd" / "known_hosts"
        file.parent.mkdir(parents=True, exist_ok=True)
        key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        file.write_text(f"[127.0.0.1]:{port} {key}\n")

    def write_python(self, script: str) -> None:
        """Let ``python3`` of the board be a shell script."""
        self.python.write_text(f"#!/bin/sh\n{script}\n")
        self.python.chmod(0o755)

    def start(self, *, force: str | None = None) -> "Sshd":
        """Start the server; ``force`` is run instead of every command."""
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder}/host_key",
            f"AuthorizedKeysFile {self.folder}/authorized",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            f"SetEnv TMPDIR={self.temporary}",
            *([f"ForceCommand {force}"] if force else []),
        ]
        (self.folder / "config").write_text("\n".join(lines) + "\n")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # the server wants it, its package makes it
        log = (self.folder / "log").open("ab")
        self.server = subprocess.Popen(
            [str(find_sshd()), "-D", "-e", "-f", str(self.folder / "config")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return self
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """End the server and every connection to it."""
        if self.server is not None:
            self.cut()
            self.server.kill()
            self.server.wait()
            self.server = None

    def cut(self) -> int:
        """Kill the processes of all connections, as a crash would; gives how many there were."""
        found = [pid for pid in descendants(self.server.pid) if name_of(pid) == "sshd"]
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)

    def left(self) -> list[str]:
        """Names of what lies in the board's folder of temporary files."""
        return sorted(str(p.relative_to(self.temporary)) for p in self.temporary.rglob("*"))

    def wait_until_empty(self, seconds: float = 10.0) -> list[str]:
        """Give what is still left after at most that long."""
        until = time.monotonic() + seconds
        while self.left() and time.monotonic() < until:
            time.sleep(0.05)
        return self.left()


class Cutter:
    """Passes connections on to a port, and cuts each after a number of bytes to the server."""

    def __init__(self, port: int, limits: list[int]) -> None:
        self._to = port
        self._limits = list(limits)
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                limit = self._limits.pop(0) if self._limits else None
                for source, sink, most in ((client, server, limit), (server, client, None)):
                    threading.Thread(
                        target=self._pass_on, args=(source, sink, most), daemon=True
                    ).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, most: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(4096):
                passed += len(piece)
                if most is not None and passed > most:
                    self.cuts += 1
                    break
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def a_target(board: Sshd, *, port: int | None = None, **options) -> SshTarget:
    """A target that knows the board's host key, unless it is told what to accept."""
    if "accept_host_key" not in options:
        board.be_known(port or board.port)
    address = parse_address(board.address_at(port or board.port))
    return SshTarget(address, **{"pauses_seconds": (0.1,) * 8, **options})


def quick_job(model, **changes) -> BenchJob:
    values = {
        "model": str(model),
        "threads": 1,
        "seconds": 0.05,
        "max_seconds": 5,
        "warmup_seconds": 0,
        "max_warmup_seconds": 0.1,
    }
    return BenchJob(**{**values, **changes})


def all_processes():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def command_of(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def wait_for(condition, seconds=15.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.05)


def require_sshd() -> None:
    """Skip the test where there is no OpenSSH server."""
    if find_sshd() is None:
        pytest.skip(f"there is no OpenSSH server here; {HOW}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def make_key(path: Path) -> None:
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def descendants(pid: int) -> list[int]:
    """Give the processes that ``pid`` started, and those that they started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rpartition(")")[2].split()[1]
                )
    found, new = [], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def name_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""

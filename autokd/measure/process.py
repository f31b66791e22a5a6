"""A program that is run with a clock and a limit on what it may say."""

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from autokd.errors import DeviceError

_PIECE_BYTES = 65536
_STDERR_BYTES = 16384


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended by itself.

    Attributes:
        status: Its exit status; negative when a signal ended it.
        stdout: All of it.
        stderr: The last 16 KiB of it.
    """

    status: int
    stdout: bytes
    stderr: str


def run_limited(
    argv: Sequence[str],
    *,
    stdin: IO[bytes] | bytes,
    seconds: float,
    most_bytes: int,
    where: str,
    on_line: Callable[[str], None] = lambda _: None,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run ``argv`` without a shell and give what came of it; it never outlives this call.

    Args:
        argv: The program and its arguments.
        stdin: A file that it reads, or bytes.
        seconds: After which it is killed.
        most_bytes: Of stdout, counted while it is read; more is refused at once.
        where: Names the machine in messages.
        on_line: Told every line of stderr as it comes, untrusted as it is.
        env: Instead of this process's.

    Raises:
        DeviceError: It cannot be started, or says more than ``most_bytes``.
        TimeoutError: It did not end within ``seconds``.
    """
    with tempfile.TemporaryFile() as written:
        if isinstance(stdin, bytes):
            written.write(stdin)
            written.seek(0)
            stdin = written
        try:
            # A session of its own: Ctrl-C reaches this process alone, which then clears up.
            child = subprocess.Popen(
                list(argv),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=None if env is None else dict(env),
                start_new_session=True,
            )
        except OSError as fault:
            msg = f"{where}: {argv[0]} cannot be run ({fault.strerror}); install it."
            raise DeviceError(msg) from None
        with child:
            try:
                return _read(child, time.monotonic() + seconds, most_bytes, where, on_line)
            finally:
                end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill ``child`` and what it started, if it still runs."""
    if child.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _read(
    child: subprocess.Popen[bytes],
    deadline: float,
    most_bytes: int,
    where: str,
    on_line: Callable[[str], None],
) -> Finished:
    assert child.stdout is not None  # noqa: S101 - both are pipes
    assert child.stderr is not None  # noqa: S101
    stdout, tail, line = bytearray(), bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        selector.register(child.stderr, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(_left(deadline))
            for key, _ in ready:
                piece = os.read(key.fd, _PIECE_BYTES)
                if not piece:
                    selector.unregister(key.fileobj)
                elif key.fileobj is child.stdout:
                    stdout += piece
                    if len(stdout) > most_bytes:
                        msg = (
                            f"{where}: answered more than {most_bytes} bytes, which no agent "
                            "does; look at what answers there."
                        )
                        raise DeviceError(msg)
                else:
                    tail = (tail + piece)[-_STDERR_BYTES:]
                    *whole, line = (line + piece).split(b"\n")
                    line = line[-_STDERR_BYTES:]
                    for text in whole:
                        on_line(text.decode("utf-8", "replace"))
    try:
        child.wait(_left(deadline))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return Finished(child.returncode, bytes(stdout), tail.decode("utf-8", "replace"))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left

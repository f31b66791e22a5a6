"""How a piece is installed: whole or not at all, in the time that is left, and never fatally."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class UnavailableError(Exception):
    """A piece cannot be had here; the text says why."""


class Commands:
    """Runs the package clients of this machine, all together no longer than so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def run(self, argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> str:
        """Run a command and give what it wrote to stdout.

        Args:
            argv: Command and arguments.
            env: Added to the environment.

        Raises:
            UnavailableError: There is no such command, it failed, or the time is over.
        """
        name = Path(argv[0]).name
        left = self._end - time.monotonic()
        if left <= 0:
            msg = "no time was left; run it again to go on"
            raise UnavailableError(msg)
        try:
            done = subprocess.run(
                [str(part) for part in argv],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=left,
                env={**os.environ, **(env or {})},
                check=False,
            )
        except FileNotFoundError:
            msg = f"{name} is not installed"
            raise UnavailableError(msg) from None
        except subprocess.TimeoutExpired:
            msg = f"{name} did not end in time; run it again to go on"
            raise UnavailableError(msg) from None
        if done.returncode != 0:
            msg = f"{name}: {_last_error(done.stderr or done.stdout)}"
            raise UnavailableError(msg)
        return done.stdout


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that tests need.

    Attributes:
        name: For people.
        is_there: Whether nothing is to be done.
        install: Does it.
    """

    name: str
    is_there: Callable[[], bool]
    install: Callable[[Commands], None]


def folder_piece(name: str, folder: Path, fill: Callable[[Commands, Path], None]) -> Piece:
    """Give a piece that is one folder: it is filled under another name and moved when whole."""

    def install(commands: Commands) -> None:
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            fill(commands, part)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    return Piece(name, folder.is_dir, install)


def install_all(
    pieces: Sequence[Piece], commands: Commands, *, say: Callable[[str], None]
) -> list[str]:
    """Install what is missing, piece by piece, and give the names of those that cannot be had."""
    missing = []
    for piece in pieces:
        if piece.is_there():
            say(f"{piece.name}: is there")
            continue
        started = time.monotonic()
        try:
            piece.install(commands)
        except (UnavailableError, OSError) as fault:
            say(f"{piece.name}: skipped, {fault}")
            missing.append(piece.name)
        else:
            say(f"{piece.name}: installed in {time.monotonic() - started:.0f} s")
    return missing


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "e:", "npm err"))]
    return (errors or lines or ["failed without a word"])[-1 if not errors else 0][:300]

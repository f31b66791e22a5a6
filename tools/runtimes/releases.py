"""Old releases of onnxruntime for this machine: npm has 1.10 to 1.14, pip those that came later.

A new Python has no wheel of the oldest releases, but the packages for node carry the same library.
"""

import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tools.runtimes.installing import Commands, Piece, UnavailableError, folder_piece
from tools.runtimes.places import (
    LAST_NUMPY_1,
    NODE_RELEASES,
    WHEEL_RELEASES,
    node_folder,
    numpy_1_folder,
    wheel_folder,
)

_NODE_CPU = {"x86_64": "x64", "aarch64": "arm64"}


def release_pieces() -> list[Piece]:
    """Give one piece a release, and the numpy that the oldest wheels need."""
    node = [
        folder_piece(f"onnxruntime-node {release}", node_folder(release), _node_filler(release))
        for release in NODE_RELEASES
    ]
    numpy = folder_piece(
        f"numpy {LAST_NUMPY_1}", numpy_1_folder(), _wheel_filler(f"numpy=={LAST_NUMPY_1}")
    )
    wheels = [
        folder_piece(
            f"onnxruntime {release}",
            wheel_folder(release),
            _wheel_filler(f"onnxruntime=={release}"),
        )
        for release in WHEEL_RELEASES
    ]
    return [*node, numpy, *wheels]


def pip_install(commands: Commands, folder: Path, requirement: str, *options: str) -> None:
    """Unpack one wheel into ``folder`` with pip, without what it depends on.

    Raises:
        UnavailableError: There is none for this Python and machine.
    """
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    argv += ["--no-deps", "--only-binary=:all:", "--no-compile", "--target", str(folder), *options]
    commands.run([*argv, requirement])


def _wheel_filler(requirement: str) -> Callable[[Commands, Path], None]:
    return lambda commands, folder: pip_install(commands, folder, requirement)


def _node_filler(release: str) -> Callable[[Commands, Path], None]:
    def fill(commands: Commands, folder: Path) -> None:
        cpu = _NODE_CPU.get(platform.machine())
        if sys.platform != "linux" or cpu is None:
            msg = f"the package has no library for {sys.platform} on {platform.machine()}"
            raise UnavailableError(msg)
        packages = [f"onnxruntime-{part}@{release}" for part in ("node", "common")]
        # Scripts would fetch the library for GPUs; the one for CPUs is inside the package.
        options = ["--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]
        commands.run(["npm", "install", "--prefix", folder, *options, *packages])
        for system in folder.glob("node_modules/onnxruntime-node/bin/napi-v*/*"):
            for processor in system.iterdir():
                if (system.name, processor.name) != ("linux", cpu):
                    shutil.rmtree(processor)
        commands.run(["node", "--version"])

    return fill

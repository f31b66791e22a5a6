"""Onnxruntime of arm64 boards on a machine of another kind, under qemu's user-mode emulation.

No root, no chroot and no binfmt: the packages of the smallest Debian that runs Python are fetched
with apt into a state of its own, so that nothing of this machine changes, and unpacked. qemu looks
for libraries there first (``-L``) and sees the host's /proc and /sys otherwise, which onnxruntime
needs to start. What runs so computes what a board computes; how long it takes says nothing.
"""

import re
from collections.abc import Callable
from pathlib import Path

from tools.runtimes.apt import ForeignPackages
from tools.runtimes.installing import Commands, Piece, UnavailableError, folder_piece
from tools.runtimes.places import ARM64_RELEASES, LAST_NUMPY_1, arm64_folder, arm64_python
from tools.runtimes.releases import pip_install

EMULATOR = "qemu-aarch64-static"
_PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")

_PYTHON = """\
#!/bin/sh
# A Python of arm64 with onnxruntime {release}, emulated: right in what it computes, not in time.
here=$(cd "$(dirname "$0")/../.." && pwd)
# Names of this machine's processor for OpenBLAS, which is another one in there.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
PYTHONPATH="$here/wheel/{release}:$here/numpy" \\
  exec "$here/emulator/usr/bin/{emulator}" -L "$here/root" "$here/root/usr/bin/{python}" "$@"
"""


def arm64_pieces() -> list[Piece]:
    """Give the emulator, a root, numpy and each release with a command that starts it."""
    home = arm64_folder()
    return [
        folder_piece("qemu for arm64", home / "emulator", _fill_emulator),
        folder_piece("Debian for arm64", home / "root", _fill_root),
        folder_piece("numpy for arm64", home / "numpy", _wheel_filler(f"numpy=={LAST_NUMPY_1}")),
        *(
            folder_piece(
                f"onnxruntime {release} for arm64",
                home / "wheel" / release,
                _wheel_filler(f"onnxruntime=={release}"),
            )
            for release in ARM64_RELEASES
        ),
        *(
            folder_piece(
                f"Python with onnxruntime {release} for arm64",
                arm64_python(release).parent,
                _command_filler(release),
            )
            for release in ARM64_RELEASES
        ),
    ]


def _packages(commands: Commands) -> ForeignPackages:
    return ForeignPackages(commands, arm64_folder() / "apt", "arm64")


def _fill_emulator(commands: Commands, folder: Path) -> None:
    packages = _packages(commands)
    packages.unpack(folder, f"qemu-user-static:{packages.host}")
    for other in (folder / "usr" / "bin").iterdir():
        if other.name != EMULATOR:
            other.unlink()
    commands.run([folder / "usr" / "bin" / EMULATOR, "--version"])


def _fill_root(commands: Commands, folder: Path) -> None:
    _packages(commands).unpack(folder, "python3", "libstdc++6")
    if not (folder / "lib").exists():  # where packages rely on the link that base-files makes
        (folder / "lib").symlink_to("usr/lib")
    emulator = arm64_folder() / "emulator" / "usr" / "bin" / EMULATOR
    asked = ["-c", "import platform; print(platform.machine())"]
    machine = commands.run([emulator, "-L", folder, _python_of(folder), *asked]).strip()
    if machine != "aarch64":
        msg = f"Python in there says that it runs on {machine}"
        raise UnavailableError(msg)


def _wheel_filler(requirement: str) -> Callable[[Commands, Path], None]:
    def fill(commands: Commands, folder: Path) -> None:
        version = _python_of(arm64_folder() / "root").name.removeprefix("python")
        platforms = [part for name in _PLATFORMS for part in ("--platform", name)]
        options = ("--implementation", "cp", "--python-version", version, *platforms)
        pip_install(commands, folder, requirement, *options)

    return fill


def _command_filler(release: str) -> Callable[[Commands, Path], None]:
    def fill(_: Commands, folder: Path) -> None:
        if not (arm64_folder() / "wheel" / release).is_dir():
            msg = "its wheel is not there"
            raise UnavailableError(msg)
        python = _python_of(arm64_folder() / "root").name
        script = folder / "python3"
        script.write_text(_PYTHON.format(release=release, emulator=EMULATOR, python=python))
        script.chmod(0o755)

    return fill


def _python_of(root: Path) -> Path:
    found = [p for p in root.glob("usr/bin/python3.*") if re.fullmatch(r"python3\.\d+", p.name)]
    if not found:
        msg = "there is no Python for arm64"
        raise UnavailableError(msg)
    return found[0]

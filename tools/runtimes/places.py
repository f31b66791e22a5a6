"""Which runtimes there are, and where they lie once `tools/install_runtimes.py` has been run.

FOLDER/node/1.10.0/node_modules/...      releases that only npm has for a new Python
FOLDER/wheel/1.16.3/onnxruntime/...      releases that pip has for this Python
FOLDER/numpy/1.26.4/numpy/...            for releases older than numpy 2
FOLDER/arm64/emulator/usr/bin/...        qemu
FOLDER/arm64/root/usr/bin/python3.11     the smallest Debian that runs Python
FOLDER/arm64/wheel/1.20.1/onnxruntime    and its onnxruntime
FOLDER/arm64/bin/1.20.1/python3          a Python of arm64 that imports it, for this machine
"""

import os
import shutil
from pathlib import Path

from autokd.core.onnx_versions import release_of

HOW = "run 'make runtimes'"

# One a minor release: the first column of the table in autokd/core/onnx_versions.py.
NODE_RELEASES = ("1.10.0", "1.11.0", "1.12.1", "1.13.1", "1.14.0")
WHEEL_RELEASES = (
    "1.15.1",
    "1.16.3",
    "1.17.3",
    "1.18.1",
    "1.19.2",
    "1.20.1",
    "1.22.1",
    "1.23.2",
    "1.24.4",
)
# Oldest and newest that start under qemu-user with the host's /proc and /sys; 1.32.0 does not.
ARM64_RELEASES = ("1.16.3", "1.20.1")

# Releases before 1.19 were built against numpy 1 and do not import with numpy 2.
LAST_NUMPY_1 = "1.26.4"
_FIRST_WITH_NUMPY_2 = (1, 19)


def runtimes_folder() -> Path:
    """Give the folder of all of it: $AUTOKD_RUNTIMES, or ``.runtimes`` in the checkout."""
    given = os.environ.get("AUTOKD_RUNTIMES")
    return Path(given) if given else Path(__file__).parents[2] / ".runtimes"


def node_folder(release: str) -> Path:
    """Give where npm puts ``node_modules`` of a release."""
    return runtimes_folder() / "node" / release


def wheel_folder(release: str) -> Path:
    """Give the folder for PYTHONPATH that has a release for this Python."""
    return runtimes_folder() / "wheel" / release


def numpy_1_folder() -> Path:
    """Give the folder for PYTHONPATH that has the last numpy 1."""
    return runtimes_folder() / "numpy" / LAST_NUMPY_1


def arm64_folder() -> Path:
    """Give the folder of all that arm64 needs."""
    return runtimes_folder() / "arm64"


def arm64_python(release: str) -> Path:
    """Give a command that is a Python of arm64 with a release of onnxruntime."""
    return arm64_folder() / "bin" / release / "python3"


def wants_numpy_1(release: str) -> bool:
    """Say whether a release of onnxruntime does not import with numpy 2."""
    return release_key(release) < _FIRST_WITH_NUMPY_2


def release_key(release: str) -> tuple[int, int]:
    """Give major and minor number of ``1.19.2``."""
    key = release_of(release)
    assert key is not None, f"{release} is no release"
    return key


def find_sshd() -> Path | None:
    """Give the path of the OpenSSH server; it is often not on a person's PATH."""
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which("sshd", path=f"{path}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin")
    return Path(found) if found else None

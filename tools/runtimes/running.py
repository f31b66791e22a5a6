"""Models run in another release of onnxruntime, in a process of its own."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.runtimes.places import (
    NODE_RELEASES,
    WHEEL_RELEASES,
    arm64_python,
    node_folder,
    numpy_1_folder,
    release_key,
    wants_numpy_1,
    wheel_folder,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A model and one input for it, (1, c, px, px) of uint8 or float32."""

    model: Path
    image: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Logits (classes,) in float32, or what the runtime said instead."""

    logits: NDArray[np.float32] | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Release:
    """A release of onnxruntime in an interpreter of its own.

    Attributes:
        name: Its version.
        command: Starts the interpreter.
        env: Added to the environment, so that it finds this release.
        needs: Paths that exist when it is installed.
        script: Runs cases in that interpreter.
    """

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    needs: tuple[Path, ...]
    script: str = "run_onnx.py"

    @property
    def is_there(self) -> bool:
        """Whether it can be started."""
        return all(path.exists() for path in self.needs)

    def run(self, cases: Sequence[Case], *, seconds: float = 120.0) -> list[Answer]:
        """Run all cases in one process.

        Raises:
            CalledProcessError: The process died.
            TimeoutExpired: It did not end in time.
        """
        done = subprocess.run(
            [*self.command, str(Path(__file__).with_name(self.script))],
            input=json.dumps([_packed(case) for case in cases]),
            stdout=subprocess.PIPE,
            text=True,
            timeout=seconds,
            env={**os.environ, **self.env},
            check=True,
        )
        whole = json.loads(done.stdout)
        if whole["release"] != self.name:
            msg = f"started onnxruntime {self.name}, and it is {whole['release']}"
            raise RuntimeError(msg)
        return [_unpacked(one) for one in whole["answers"]]


def node_release(name: str) -> Release:
    """Give a release that npm has."""
    modules = node_folder(name) / "node_modules"
    node = shutil.which("node") or "node"
    env = {"NODE_PATH": str(modules)}
    return Release(name, (node,), env, (Path(node), modules), script="run_onnx.js")


def wheel_release(name: str) -> Release:
    """Give a release that pip has for this Python."""
    folders = [wheel_folder(name)] + [numpy_1_folder()] * wants_numpy_1(name)
    path = os.pathsep.join(str(folder) for folder in folders)
    return Release(name, (sys.executable,), {"PYTHONPATH": path}, tuple(folders))


def own_release() -> Release:
    """Give the release that autokd itself runs with."""
    return Release(version("onnxruntime"), (sys.executable,), {}, ())


def arm64_release(name: str) -> Release:
    """Give a release for arm64, emulated."""
    python = arm64_python(name)
    return Release(name, (str(python),), {}, (python,))


def all_releases() -> dict[tuple[int, int], Release]:
    """Give every release for this machine, installed or not, by major and minor number."""
    found = [
        *(node_release(name) for name in NODE_RELEASES),
        *(wheel_release(name) for name in WHEEL_RELEASES),
        own_release(),
    ]
    return {release_key(one.name): one for one in found}


def _packed(case: Case) -> dict[str, Any]:
    return {
        "model": str(case.model),
        "dtype": case.image.dtype.name,
        "shape": list(case.image.shape),
        "data": base64.b64encode(case.image.tobytes()).decode(),
    }


def _unpacked(answer: dict[str, Any]) -> Answer:
    logits = answer.get("logits")
    values = None if logits is None else np.array(logits, dtype=np.float32)
    return Answer(values, answer.get("error"))

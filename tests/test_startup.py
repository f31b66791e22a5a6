"""What must be instant: importing autokd, help, and everything about devices."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "PIL",
    "botorch",
    "gpytorch",
    "matplotlib",
    "networkx",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "safetensors",
    "scipy",
    "timm",
    "torch",
    "torchvision",
}


def loaded_after(code: str) -> set[str]:
    """Give the heavy libraries that a fresh Python holds after running ``code``."""
    last = "import sys; print('\\n' + ' '.join(m for m in sys.modules if '.' not in m))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{last}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CI": "true"},
    )
    assert run.returncode == 0, run.stderr
    return HEAVY & set(run.stdout.splitlines()[-1].split())


def command(*words: str) -> str:
    return f"from autokd.cli.main import main\nassert main({list(words)!r}) == 0"


@pytest.mark.parametrize(
    "code",
    [
        "import autokd; autokd.__version__",
        "from autokd import RunConfig, load_profile, Report",
        "from autokd import Result, compress, load, resume",
        command("--help"),
        command("--version"),
        command("devices", "list"),
        command("devices", "show", "jetson-nano"),
        command("devices", "check", str(ROOT / "profiles" / "host.toml")),
        command("compress", "--help"),
        command("bench", "--help"),
        command("demo", "--help"),
    ],
)
def test_nothing_heavy_is_loaded_by(code: str) -> None:
    assert loaded_after(code) == set()


@pytest.mark.parametrize("part", ["core", "space", "measure", "report", "tracking", "api", "cli"])
def test_no_module_of_these_parts_loads_torch(part: str) -> None:
    names = [
        f"autokd.{part}.{p.stem}" for p in (ROOT / "autokd" / part).glob("*.py") if p.stem[0] != "_"
    ]
    assert names
    loaded = loaded_after("\n".join(f"import {name}" for name in names))
    assert not loaded & {"torch", "torchvision", "botorch", "onnx", "onnxruntime"}


def test_the_check_sees_a_library_that_is_loaded() -> None:
    assert loaded_after("import numpy") == {"numpy"}


def test_help_takes_less_than_400_milliseconds() -> None:
    best = float("inf")
    for _ in range(10):  # the best counts: a busy machine makes single runs slow
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "autokd", "--help"], cwd=ROOT, capture_output=True, check=True
        )
        best = min(best, time.perf_counter() - start)
        if best < 0.4:
            return
    pytest.fail(f"autokd --help took {best:.2f} s at best")

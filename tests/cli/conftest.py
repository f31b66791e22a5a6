"""Ways to call the command line: in this process, or for real in one of its own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def _load_driver():
    spec = importlib.util.spec_from_file_location("autokd_cli_driver", HERE / "driver.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def driver():
    return _load_driver()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder, and nothing of the person's own around it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AUTOKD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return work


@pytest.fixture
def pipeline(driver, folder, monkeypatch):
    """A fake pipeline in the place of the real one."""
    import autokd

    fake = driver.FakePipeline()
    monkeypatch.setitem(sys.modules, "autokd.pipeline", fake)
    monkeypatch.setattr(autokd, "pipeline", fake, raising=False)
    return fake


@pytest.fixture
def run(folder):
    """A run folder that was begun, below the working folder."""
    (folder / "run").mkdir()
    (folder / "run" / "config.toml").write_text("")
    return Path("run")


@pytest.fixture
def call(folder, capsys):
    """Call main() here; gives exit code, stdout and stderr."""
    from autokd.cli.main import main

    def run(*words):
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def command(folder):
    """Start ``python -m autokd``, or with ``scenario`` the driver, in a process of its own."""

    def arguments(*words, scenario=None):
        start = ["-m", "autokd"] if scenario is None else [str(HERE / "driver.py"), scenario]
        return [sys.executable, *start, *map(str, words)]

    def run(*words, scenario=None, **options):
        return subprocess.run(
            arguments(*words, scenario=scenario),
            env=environment(),
            check=False,
            **{"capture_output": True, "text": True, "timeout": 60, **options},
        )

    def environment():
        return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    run.arguments = arguments
    run.environment = environment
    return run

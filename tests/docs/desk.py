"""A finished run, and a folder in which the commands of the documents can be typed."""

import io
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from tests.api.conftest import Here
from tests.e2e.conftest import pictures, teacher  # noqa: F401 - fixtures

RUN = ("--trials", "2", "--epochs", "1", "--views", "1", "--no-kd-gain", "--precision", "fp32")
LIMITS = ("--device", "jetson-nano", "--max-params", "20000")


def type_command(words: list[str]) -> tuple[int, str]:
    """Call the command line in this process; give the exit code and what was printed."""
    from autokd.cli.main import main

    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main(words)
    return code, said.getvalue()


@pytest.fixture(scope="session")
def finished(tmp_path_factory, teacher, pictures):  # noqa: F811
    """The folder of a real run of two trials, and the cache that it filled."""
    place = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOKD_CACHE", str(place / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(place / "config"))
        patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        patch.setattr("autokd.pipeline.winner_timing.BENCH_SECONDS", 0.2)
        patch.setattr("autokd.pipeline.searching.ProcessExecutor", Here)
        patch.setattr("autokd.pipeline.stage.ProcessExecutor", Here)
        given = ["--teacher", str(teacher), "--data", str(pictures), *LIMITS, *RUN]
        code, said = type_command(["compress", *given, "--out", str(place / "run")])
    assert code == 0, said
    return place


@pytest.fixture
def desk(finished, teacher, pictures, tmp_path, monkeypatch):  # noqa: F811
    """A working folder with what the documents take for granted."""
    from autokd.pipeline.demo import SETTINGS

    work = tmp_path / "work"
    for folder in (work, work / "demo"):
        folder.mkdir()
        shutil.copy(teacher, folder / "model.pt")
        (folder / "data").symlink_to(pictures)
    (work / "demo" / "autokd.toml").write_text(SETTINGS)
    (work / "images").symlink_to(pictures)
    for name in ("RUN", "baseline", "current"):
        shutil.copytree(finished / "run", work / name)
        (work / "demo" / name).symlink_to(work / name)
    (work / "runs").mkdir()
    (work / "runs" / "jetson-nano-20261123-061500").symlink_to(work / "RUN")
    for name in ("student.onnx", "sample.npz"):
        shutil.copy(finished / "run" / "winners" / "1" / name, work / name)
    monkeypatch.chdir(work)
    monkeypatch.setenv("AUTOKD_CACHE", str(finished / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setattr("autokd.pipeline.survey.SURVEY_MEMBERS", 20)
    modules = set(sys.modules)
    yield work
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(work)):
            del sys.modules[name]

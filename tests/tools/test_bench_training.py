import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autokd.errors import MeasurementError
from tests.tools.training.made_up import HAS_TORCHDISTILL, make_folder, make_settings
from tools import bench_training
from tools.training.job import MEASURE
from tools.training.measurements import (
    Timing,
)
from tools.training.processes import Job, run_job

ROOT = Path(__file__).parents[2]


@pytest.fixture
def jobs_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run jobs in this process, and list their names."""
    names: list[str] = []

    def run_here(job: Job, record: type[Any]) -> Any:
        names.append(job.name)
        result = MEASURE[job.kind](job)
        assert isinstance(result, record)
        return result

    monkeypatch.setattr(bench_training, "run_job", run_here)
    return names


def arguments(tmp_path: Path, *more: str) -> list[str]:
    given = f"{tmp_path}/data --out {tmp_path}/out.json --students chain --ways plain autokd"
    return [*given.split(), "--window", "0.01", "--views", "1", *more]


def test_a_finished_round_is_not_run_again(
    tmp_path: Path, jobs_here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "data")
    target = ("--accuracy", "0.1", "--images", "40")
    bench_training.main(arguments(tmp_path, *target, "--rounds", "1", "--floor"))
    page = capsys.readouterr().out
    assert jobs_here == [
        "the cache",
        "round 1, chain, plain",
        "round 1, chain, autokd",
        "round 1, chain, floor",
    ]
    assert "aten::convolution_backward" in page
    first = json.loads((tmp_path / "out.json").read_text())
    assert [t["way"] for t in first["timings"]] == ["plain", "autokd"]
    assert all(t["window_steps"] > 0 and t["readings"] for t in first["timings"])
    jobs_here.clear()
    bench_training.main(arguments(tmp_path, *target, "--rounds", "1", "--floor"))
    assert jobs_here == []
    assert capsys.readouterr().out == page
    bench_training.main(arguments(tmp_path, *target, "--rounds", "2"))
    assert jobs_here == ["the cache", "round 2, chain, plain", "round 2, chain, autokd"]
    second = json.loads((tmp_path / "out.json").read_text())
    assert second["timings"][:2] == first["timings"]
    assert second["cache"] == first["cache"]


def test_the_engine_alone_has_no_ratios(
    tmp_path: Path, jobs_here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "data")
    bench_training.main(arguments(tmp_path, "--ways", "autokd", "--rounds", "1"))
    assert "| student | parameters | (c) |" in capsys.readouterr().out


def test_without_torchdistill_its_way_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_training, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"torchdistill is not installed.*--ways plain autokd"):
        bench_training.main(arguments(tmp_path, "--ways", "plain", "torchdistill"))


@pytest.mark.parametrize("option", [("--alpha", "1"), ("--window", "0"), ("--accuracy", "20")])
def test_a_number_out_of_range_is_refused(option: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f"options.*{option[1]}"):
        bench_training.main(arguments(tmp_path, *option))


def test_a_process_that_fails_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = Job(kind="cache", data=tmp_path, work=tmp_path / "work", settings=make_settings())
    with pytest.raises(MeasurementError, match="round 1, chain, plain: the process ended with 1"):
        run_job(first.of_timing(0, "chain", "plain"), Timing)
    assert "prepared.json: cannot be read" in capfd.readouterr().err


def test_the_process_that_starts_the_others_is_small() -> None:
    """On Linux a child's peak memory begins with that of its parent, as it is handed through."""
    code = "import sys, tools.bench_training; print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


@pytest.mark.slow
def test_each_way_runs_in_a_process_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "data")
    ways = ["plain", "torchdistill", "autokd"] if HAS_TORCHDISTILL else ["plain", "autokd"]
    bench_training.main(arguments(tmp_path, "--rounds", "1", "--floor", "--ways", *ways))
    assert "| chain |" in capsys.readouterr().out
    found = json.loads((tmp_path / "out.json").read_text())
    assert [t["way"] for t in found["timings"]] == ways
    assert not (tmp_path / "out.result.json").exists()

"""The files of a run folder."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from autokd.errors import ConfigError, StorageError
from autokd.report.write import load_report, write_report
from tools.make_schema import TARGET, results_schema

FILES = {
    "results.json",
    "summary.md",
    "trials.csv",
    "report.html",
    "junit.xml",
    "benchmark.json",
}


@pytest.fixture
def run(report, tmp_path) -> Path:
    write_report(report, tmp_path / "run")
    return tmp_path / "run"


def test_the_six_files_are_written_and_nothing_else(run) -> None:
    assert {path.name for path in run.iterdir()} == FILES


def test_the_results_come_back_as_they_were(run, report) -> None:
    assert load_report(run) == report
    assert load_report(run / "results.json") == report


def test_results_without_a_winner_are_none_of_a_run_that_has_ended(run, report) -> None:
    bare = report.model_copy(update={"winners": ()})
    (run / "results.json").write_text(bare.model_dump_json())
    with pytest.raises(ConfigError, match=r"results.json: winners: is empty, .* Put back a copy."):
        load_report(run)


def test_the_results_keep_to_the_schema(run) -> None:
    results = json.loads((run / "results.json").read_text())
    schema = json.loads(TARGET.read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(results)
    del results["winners"][0]["export"]["opset"]
    results["surprise"] = 1
    assert len(list(validator.iter_errors(results))) == 2


def test_the_schema_is_that_of_the_record() -> None:
    assert TARGET.read_text() == results_schema(), "run 'python tools/make_schema.py'"


def test_a_report_rendered_again_is_the_same(run, report) -> None:
    before = {name: (run / name).read_bytes() for name in FILES}
    write_report(load_report(run), run)
    assert {name: (run / name).read_bytes() for name in FILES} == before


def test_a_folder_that_cannot_be_written_is_a_storage_error(report, tmp_path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(StorageError, match=r"run.results.json: cannot be written"):
        write_report(report, tmp_path / "run")


def test_a_full_disk_leaves_the_old_files_whole(run, report, monkeypatch) -> None:
    before = {name: (run / name).read_bytes() for name in FILES}

    def refuse(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autokd.core.codec.os.fsync", refuse)
    with pytest.raises(StorageError, match="No space left on device"):
        write_report(report.model_copy(update={"verdict": "another"}), run)
    assert {name: (run / name).read_bytes() for name in FILES} == before
    assert {path.name for path in run.iterdir()} == FILES


def test_a_run_without_results_says_what_to_do(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"results.json: not found; .*'autokd resume RUN'"):
        load_report(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not valid JSON"),
        (b'{"schema_version": 1', "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b"[1, 2]", "whole file"),
        (b"{}", "missing key"),
    ],
)
def test_a_broken_file_is_named_with_its_fault(content, message, tmp_path) -> None:
    (tmp_path / "results.json").write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_report(tmp_path)
    assert "results.json" in str(caught.value)


def test_results_of_a_later_version_are_refused(run) -> None:
    path = run / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 2}))
    with pytest.raises(ConfigError, match="schema_version = 2"):
        load_report(run)


def test_a_report_is_rendered_without_torch_and_numpy(run) -> None:
    code = (
        "import sys; from pathlib import Path; from autokd.report.write import *\n"
        "write_report(load_report(Path(sys.argv[1])), Path(sys.argv[1]))\n"
        "sys.exit(bool({'torch', 'numpy', 'networkx'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(run)], cwd=root, check=False)
    assert done.returncode == 0


def test_what_ci_reads_of_2000_trials_stays_small(make_report, tmp_path) -> None:
    report = make_report()
    trials = tuple(
        report.trials[n % 20].model_copy(update={"trial_id": n, "observations": ()})
        for n in range(2000)
    )
    long = report.model_copy(update={"trials": trials, "warnings": ("a warning " * 40,) * 2000})
    write_report(long, tmp_path)
    # GitHub drops a step's summary above 1 MiB, GitLab reads JUnit files up to 30 MB.
    for name in ("summary.md", "junit.xml", "benchmark.json"):
        assert (tmp_path / name).stat().st_size < 2**16, name
    assert "2000 trials" in (tmp_path / "summary.md").read_text()


def test_a_device_without_a_runtime_has_its_files_for_ci_too(untimed, tmp_path) -> None:
    write_report(untimed, tmp_path)
    entries = json.loads((tmp_path / "benchmark.json").read_text())
    assert not [entry for entry in entries if "latency" in entry["name"]]
    assert "It was not timed." in (tmp_path / "junit.xml").read_text()

"""A report to the files of its run folder, and back from the one that holds all of it."""

from pathlib import Path

from autokd.core.codec import load_record, save_record, write_atomically
from autokd.core.results import Report
from autokd.errors import ConfigError
from autokd.report.benchmark import render_benchmark
from autokd.report.html import render_html
from autokd.report.junit import render_junit
from autokd.report.summary import render_summary
from autokd.report.trials import trials_csv

RESULTS_FILE = "results.json"
SUMMARY_FILE = "summary.md"
HTML_FILE = "report.html"
TRIALS_FILE = "trials.csv"
JUNIT_FILE = "junit.xml"
BENCHMARK_FILE = "benchmark.json"


def write_report(report: Report, folder: Path) -> None:
    """Write ``results.json`` and what people, spreadsheets and CI read, each file in one step.

    The results come first: the others can be made from them again by ``autokd report``.

    Raises:
        StorageError: The disk is full or refuses.
    """
    save_record(report, folder / RESULTS_FILE)
    write_atomically(folder / SUMMARY_FILE, render_summary(report))
    write_atomically(folder / TRIALS_FILE, trials_csv(report))
    write_atomically(folder / JUNIT_FILE, render_junit(report))
    write_atomically(folder / BENCHMARK_FILE, render_benchmark(report))
    write_atomically(folder / HTML_FILE, render_html(report, folder))


def load_report(path: Path) -> Report:
    """Read the report of a run folder, or of a ``results.json``.

    Raises:
        ConfigError: There is none, or it is not one that this version writes.
    """
    file = path / RESULTS_FILE if path.is_dir() else path
    if not file.exists():
        msg = (
            f"{file}: not found; give the folder of a run that has ended. "
            "'autokd status RUN' shows where a run stands, 'autokd resume RUN' goes on with it."
        )
        raise ConfigError(msg)
    report = load_record(Report, file)
    if not report.winners:
        msg = (
            f"{file}: winners: is empty, and a run that has ended has at least one; the file was "
            "changed, or autokd did not write it. Put back a copy."
        )
        raise ConfigError(msg)
    return report

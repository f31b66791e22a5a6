import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from http import HTTPStatus

import pytest

from autokd.core.codec import save_record
from autokd.core.config import RunConfig
from autokd.core.run_status import RunStatus
from autokd.report.write import write_report
from autokd.search.ledger import Ledger
from tests.cli.test_status import started
from tests.pipeline.fakes import make_plan
from tests.pipeline.run_folder import begin_run, write_trial


def test_a_report_needs_results(pipeline, call, run):
    code, _, err = call("report", run)
    assert code == 2
    assert "run/results.json: not found; give the folder of a run that has ended." in err


def test_a_report_is_written_from_results_alone(pipeline, call, run, driver, folder):
    config = RunConfig(device="jetson-nano", teacher={"file": "model.pt"})
    save_record(driver.make_report(config), run / "results.json")
    code, out, err = call("report", run)
    assert (code, err) == (0, "")
    assert (folder / "run" / "report.html").stat().st_size > 1000
    assert "run/report.html" in out


@pytest.mark.parametrize("option", [("--host", "::1"), ("--port", "0")])
def test_where_to_serve_goes_with_serve(pipeline, call, run, option):
    code, _, err = call("report", run, *option)
    assert code == 2
    assert f"{option[0]} goes with --serve" in err


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_told(call, run, port):
    code, _, err = call("report", run, "--serve", "--port", port)
    assert code == 2
    assert "'--port'" in err


def test_a_port_that_is_taken_is_told(call, folder):
    begin_run(folder / "run")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, err = call("report", "run", "--serve", "--port", port)
    assert (code, out) == (2, "")
    assert f"--port {port}: is taken on 127.0.0.1; give another, or 0 for a free one." in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_a_run_is_served_while_it_is_written(folder, command, number, code):
    begin_run(folder / "run")
    with Ledger.open(folder / "run" / "ledger.sqlite") as ledger, served(command) as process:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        page, first = get(url)
        assert "looking at teacher and data" in page
        save_record(make_plan(), folder / "run" / "plan.json")
        write_trial(ledger, 0, 0.5)
        state, second = wait_for_change(url, first)
        assert RunStatus.model_validate_json(state).rungs[0].finished == 1
        assert "one student has a result" in get(url)[0]
        write_trial(ledger, 1, 0.75)
        wait_for_change(url, second)
        assert "2 students have a result, and the best so far gets 75.00%" in get(url)[0]
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert err.splitlines()[0] == "Read only. Ctrl-C ends the page; the run goes on."
    assert len(err.splitlines()) == 2
    assert "ssh -L" in err


def test_a_finished_run_is_served_as_its_file(folder, command, driver):
    begin_run(folder / "run")
    config = RunConfig(device="jetson-nano", teacher={"file": "model.pt"})
    write_report(driver.make_report(config), folder / "run")
    files = {path: path.stat().st_mtime_ns for path in (folder / "run").iterdir()}
    with served(command) as process:
        page = get(process.stdout.readline().strip())[0]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert page == (folder / "run" / "report.html").read_text()
    assert files == {path: path.stat().st_mtime_ns for path in (folder / "run").iterdir()}


def test_a_run_that_is_damaged_while_it_is_served_says_so_and_is_served_on(folder, command):
    begin_run(folder / "run", planned=True)
    with served(command) as process:
        url = process.stdout.readline().strip()
        _, first = get(url)
        (folder / "run" / "ledger.sqlite").write_text("no ledger at all, " * 100)
        text, tag = wait_for_change(url, first)
        assert tag is None
        assert "is damaged or no ledger" in text
        assert "<main>" in get(url)[0]
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
    assert process.returncode == 0
    assert "Traceback" not in err


def served(command):
    return started(
        command.arguments("report", "run", "--serve", "--port", "0"),
        env=command.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def get(url, tag=""):
    request = urllib.request.Request(url, headers={"If-None-Match": tag})  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
        return answer.read().decode(), answer.headers["ETag"]


def wait_for_change(url, tag):
    """Give the next state and its tag, or the text of a fault and no tag."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            return get(f"{url}state", tag)
        except urllib.error.HTTPError as fault:
            with fault:
                if fault.code == HTTPStatus.SERVICE_UNAVAILABLE:
                    return fault.read().decode(), None
                assert fault.code == HTTPStatus.NOT_MODIFIED  # noqa: PT017 - another is a defect
        time.sleep(0.1)
    pytest.fail("nothing changed")

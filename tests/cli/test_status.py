"""``autokd status``: with the real pipeline, beside a ledger that somebody writes."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from autokd.core.codec import save_record
from autokd.core.config import RunConfig
from autokd.core.results import ExitStatus
from autokd.core.run_status import RunStatus
from autokd.search.ledger import Ledger
from tests.pipeline.run_folder import begin_run, write_trial

LONG_SECONDS = 60


@pytest.fixture
def begun(folder):
    return begin_run(folder / "run", planned=True)


@pytest.fixture
def work(begun):
    """Write to the ledger as a run does, from another thread, until ``finish`` is called."""
    ready, leave = threading.Event(), threading.Event()

    def write():
        with Ledger.open(begun / "ledger.sqlite") as ledger:
            write_trial(ledger, 0, 0.5)
            ready.set()
            number = 1
            while not leave.wait(0.2):
                write_trial(ledger, number, 0.5)
                ledger.add_seconds(0.2)
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    assert ready.wait(LONG_SECONDS)

    def finish():
        leave.set()
        thread.join()

    yield finish
    finish()


def report_with_code(driver, code: int, name: str):
    config = RunConfig(device="jetson-nano", teacher={"file": "model.pt"})
    update = {"exit": ExitStatus(code=code, name=name)}
    return driver.make_report(config).model_copy(update=update)


def test_without_watch_it_says_it_once_and_ends_well(begun, work, call) -> None:
    code, out, err = call("status", "run")
    assert (code, err) == (0, "")
    assert "state   running, searching\n" in out
    assert "50.00 %" in out
    assert RunStatus.model_validate_json(call("status", "run", "--json")[1]).state == "running"


def test_a_stopped_run_ends_the_watch_with_75(begun, call) -> None:
    with Ledger.open(begun / "ledger.sqlite") as ledger:
        write_trial(ledger, 0, 0.5)
    code, out, err = call("status", "run", "--watch")
    assert (code, err) == (75, "")
    assert out.endswith("Go on with: autokd resume run\n")


@pytest.mark.parametrize(("code", "name"), [(0, "done"), (4, "gate_failed"), (5, "device")])
def test_the_watch_ends_with_the_exit_code_of_the_run(
    begun, work, call, driver, code, name
) -> None:
    def end():
        save_record(report_with_code(driver, code, name), begun / "results.json")

    later = threading.Timer(1.5, end)
    later.start()
    found, out, err = call("status", "run", "--watch")
    later.join()
    assert (found, err) == (code, "")
    lines = out.splitlines()
    assert re.match(r"[\d.]+ s  searching: \d+ results?, best 50.00 %", lines[0])
    assert any(line.startswith("state   done") for line in lines)


def test_with_json_the_watch_waits_and_gives_one_record(begun, work, call) -> None:
    later = threading.Timer(1.5, work)
    later.start()
    code, out, err = call("status", "run", "--watch", "--json")
    later.join()
    assert (code, err) == (75, "")
    status = RunStatus.model_validate_json(out)
    assert status.state == "stopped"
    assert status.rungs[0].finished > 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_leaves_the_watch_leaves_without_a_word(begun, work, command, number, code) -> None:
    with started(
        command.arguments("status", "run", "--watch"),
        env=command.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert "searching" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=LONG_SECONDS)
    assert (process.returncode, err) == (code, "")
    assert "Go on with" not in out


def test_on_a_terminal_it_is_drawn_in_place(begun, work, command) -> None:
    first, second = pty.openpty()
    environment = {k: v for k, v in command.environment().items() if k != "CI"}
    with started(
        command.arguments("status", "run", "--watch"),
        env={**environment, "TERM": "xterm", "COLUMNS": "80", "LINES": "40"},
        stdout=second,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(second)
        seen = read_until(first, lambda text: text.count("trials  ") >= 3)
        work()
        seen += read_until(first, lambda text: "Go on with" in text)
        err = process.communicate(timeout=LONG_SECONDS)[1]
    os.close(first)
    assert (process.returncode, err) == (75, b"")
    assert "\x1b[1A" in seen  # up, to draw over what was there
    assert "Ctrl-C leaves this view; the run goes on." in seen
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", seen)
    assert max(len(line.strip("\r")) for line in plain.split("\n")) <= 80


@contextmanager
def started(arguments: list[str], **options: object):
    """Start a command in which SIGINT does what it does in a shell, whatever it does here."""
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    with subprocess.Popen([sys.executable, "-c", code, *arguments], **options) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(handle: int, is_enough) -> str:
    text, end = "", time.monotonic() + LONG_SECONDS
    while not is_enough(text) and time.monotonic() < end:
        if select.select([handle], [], [], 0.5)[0]:
            try:
                text += os.read(handle, 65536).decode()
            except OSError:  # the other end is closed
                break
    assert is_enough(text), text
    return text

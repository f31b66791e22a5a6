"""A real run, watched in the terminal and served to a browser while it is written."""

import json
import signal
import time
import urllib.error
import urllib.request
from http import HTTPStatus

import pytest

from autokd.core.run_status import RunStatus

STAGES = ["preflight", "search", "finalists", "export"]


def ask(url: str, tag: str = "") -> tuple[str, str] | None:
    """Give the answer and its tag; None where nothing is new."""
    request = urllib.request.Request(url, headers={"If-None-Match": tag})  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
            return answer.read().decode(), answer.headers["ETag"]
    except urllib.error.HTTPError as fault:
        with fault:
            if fault.code != HTTPStatus.NOT_MODIFIED:
                raise
        return None


def follow(url: str) -> tuple[list[RunStatus], list[str]]:
    """Give each new state until nobody works on the run, and the page at that time."""
    states, pages, tag = [], [], ""
    while not states or states[-1].state == "running":
        answer = ask(f"{url}state", tag)
        if answer is None:
            time.sleep(0.2)
            continue
        tag = answer[1]
        states.append(RunStatus.model_validate_json(answer[0]))
        page = ask(url)
        assert page is not None
        pages.append(page[0])
    return states, pages


@pytest.mark.slow
def test_a_run_is_watched_and_served_to_its_end(autokd, words) -> None:
    run = autokd.work / "run"
    compress = autokd.start("compress", *words, "--out", run)
    while not (run / "config.toml").is_file():
        assert compress.process.poll() is None
        time.sleep(0.05)
    watching = autokd.start("status", run, "--watch")
    serving = autokd.start("report", run, "--serve", "--port", "0")
    try:
        states, pages = follow(serving.first_line())
        done, watched = compress.result(), watching.result()
        serving.process.send_signal(signal.SIGINT)
        served = serving.result()
    finally:
        for session in (compress, watching, serving):
            session.process.kill()

    assert done.code == 0, done.err
    assert (watched.code, watched.err) == (0, "")
    assert (served.code, len(served.err.splitlines())) == (0, 2), served.err
    assert "state   done\n" in watched.out
    assert [one.state for one in states[:-1]] == ["running"] * (len(states) - 1)
    assert states[-1].state == "done"
    seen = [STAGES.index(one.stage) for one in states]
    assert seen == sorted(seen)
    assert {"search", "finalists"} <= {one.stage for one in states}
    finished = [sum(rung.finished for rung in one.rungs) for one in states]
    assert finished == sorted(finished)
    assert finished[0] < finished[-1]
    assert any("students have a result, and the best so far gets" in page for page in pages[:-1])
    # What was read beside it changed nothing: all events are in the ledger, and the page at the end
    # is the file. A reader after the end leaves an empty log.
    assert pages[-1] == (run / "report.html").read_text()
    log = run / "ledger.sqlite-wal"
    assert not log.exists() or log.stat().st_size == 0
    assert json.loads((run / "results.json").read_text())["exit"]["code"] == 0

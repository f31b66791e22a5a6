"""Runs that are stopped in the midst: what was finished stays, and the end is the same."""

import json
import os
import shutil
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.usefixtures("undisturbed"),  # begins beside these, to be there for comparison
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
]


def events(run):
    """Give the events of a ledger, with all that they say."""
    connection = sqlite3.connect(f"file:{run / 'ledger.sqlite'}?mode=ro", uri=True)
    try:
        return connection.execute(
            "SELECT seq, kind, trial_id, rung, body FROM events ORDER BY seq"
        ).fetchall()
    finally:
        connection.close()


def check_ledger(run, earlier):
    """Check that what was there is there, and that nothing finished was run again."""
    found = events(run)
    assert found[: len(earlier)] == earlier
    done = set()
    for _, kind, trial, rung, _ in found:
        assert (trial, rung) not in done, f"{kind} of trial {trial}, rung {rung} after its result"
        if kind in ("observed", "failed"):
            done.add((trial, rung))
    assert Counter((t, r) for _, kind, t, r, _ in found if kind == "asked") == Counter(done)
    return found


def scores(run):
    """Give what each trial scored on each rung; times are not compared."""
    trials = json.loads((run / "results.json").read_text())["trials"]
    return {
        (trial["trial_id"], seen["fidelity"]["rung"]): (
            trial["candidate"],
            seen["fidelity"]["images"],
            seen["accuracy"],
            seen["loss"],
            seen["agreement"],
        )
        for trial in trials
        for seen in trial["observations"]
    }


def compare(run, finished):
    """Check that a run ended as the one that nothing stopped."""
    assert scores(run) == scores(finished.run)
    for winner in finished.results["winners"]:
        place = Path("winners") / str(winner["rank"])
        for name in ("student.safetensors", "genotype.json"):
            assert (run / place / name).read_bytes() == (finished.run / place / name).read_bytes()
    results = json.loads((run / "results.json").read_text())
    for ours, theirs in zip(results["winners"], finished.results["winners"], strict=True):
        keys = ("validation_accuracy", "test_accuracy", "test_agreement", "size_bytes")
        assert [ours["export"][key] for key in keys] == [theirs["export"][key] for key in keys]


@pytest.fixture
def broken_pictures(pictures, tmp_path):
    """The images, with nothing but zeros where the pixels of the test split were."""
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    for path in (folder / "test").rglob("*.png"):
        whole = path.read_bytes()
        start = whole.index(b"IDAT") + 4
        path.write_bytes(whole[:start] + bytes(len(whole) - 12 - start) + whole[-12:])
    return folder


def test_a_run_that_is_stopped_again_and_again_ends_as_one_that_is_not(
    autokd, words, broken_pictures, pictures, finished, here
):
    """Its test images are damaged until it asks for them, which it does when all is trained."""
    run = autokd.work / "run"
    words = [broken_pictures if word is pictures else word for word in words]
    done = autokd.start("compress", *words, "--out", run).stop("rung 0", signal.SIGINT)
    assert done.code == 130, done.err
    assert f"autokd resume {run}" in done.error
    assert "Traceback" not in done.err

    status = json.loads(here("status", run, "--json").out)
    assert status["state"] == "stopped"
    earlier = events(run)
    assert sum(kind == "observed" for _, kind, *_ in earlier) >= 1

    session = autokd.start("resume", run)
    session.wait_for("training finalists at full length")
    assert json.loads(here("status", run, "--json").out)["state"] == "running"
    done = session.stop("training finalists", signal.SIGKILL)
    assert done.code == -signal.SIGKILL
    earlier = check_unfinished(run, earlier)

    done = autokd.run("resume", run)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert f"{broken_pictures}: 200 of 200 images cannot be read" in done.error
    earlier = check_ledger(run, earlier)
    assert {(t, r) for _, kind, t, r, _ in earlier if kind == "observed"} == set(
        scores(finished.run)
    )
    assert not (run / "results.json").exists()

    for path in (pictures / "test").rglob("*.png"):
        shutil.copyfile(path, broken_pictures / path.relative_to(pictures))
    done = autokd.run("resume", run)
    assert done.code == 0, done.err
    assert check_ledger(run, earlier) == earlier
    compare(run, finished)


def check_unfinished(run, earlier):
    found = events(run)
    assert found[: len(earlier)] == earlier
    results = Counter((t, r) for _, kind, t, r, _ in found if kind in ("observed", "failed"))
    assert set(results.values()) == {1}
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("asking the teacher: 0 %", signal.SIGKILL),
        ("timing students", signal.SIGKILL),
        ("timing students", signal.SIGINT),
        ("searching: 0 %", signal.SIGKILL),
        ("student   2  rung 0", signal.SIGKILL),
        ("student   2  rung 0", signal.SIGTERM),
        ("training new members", signal.SIGKILL),
        ("student   3  rung 1", signal.SIGKILL),
        ("training the winner without", signal.SIGKILL),
        ("training the winner without", signal.SIGINT),
        ("exporting", signal.SIGKILL),
        ("exporting", signal.SIGTERM),
        ("timing on this host", signal.SIGKILL),
        ("timing on this host", signal.SIGINT),
    ],
)
def test_a_run_goes_on_from_any_moment(autokd, words, finished, moment, number):
    run = autokd.work / "run"
    done = autokd.start("compress", *words, "--out", run).stop(moment, number)
    codes = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}
    assert done.code == codes[number], done.err
    assert "Traceback" not in done.err
    earlier = events(run)
    done = autokd.run("resume", run)
    assert done.code == 0, done.err
    check_ledger(run, earlier)
    compare(run, finished)


@pytest.mark.slow
def test_a_run_goes_on_when_the_cache_was_cleared(autokd, words, finished):
    run = autokd.work / "run"
    autokd.start("compress", *words, "--out", run).stop("rung 0", signal.SIGKILL)
    plan = (run / "plan.json").read_bytes()
    shutil.rmtree(autokd.work / "cache")
    done = autokd.run("resume", run)
    assert done.code == 0, done.err
    assert (run / "plan.json").read_bytes() == plan
    compare(run, finished)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_before_it_began_says_so(autokd, words, number):
    done = autokd.start("compress", *words, "--out", "run").stop("loading torch", number)
    assert done.code == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert "Traceback" not in done.err
    if (autokd.work / "run" / "config.toml").exists():
        assert "go on with 'autokd resume run'" in done.error
    else:
        assert "Nothing was kept; run the command again" in done.error


def test_two_processes_never_work_in_one_run(autokd, words):
    run = autokd.work / "run"
    session = autokd.start("compress", *words, "--out", run)
    session.wait_for("timing students")
    second = autokd.run("resume", run)
    assert second.code == 2
    assert f"{run}: process {session.process.pid} is searching in this run" in second.error
    os.kill(session.process.pid, signal.SIGTERM)
    done = session.result()
    assert done.code == 143, done.err
    assert f"autokd resume {run}" in done.error

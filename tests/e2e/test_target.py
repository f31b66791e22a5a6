"""Whole runs with a target: students are timed before they are trained, and cuts lose nothing."""

import json
import threading

import pytest

from autokd.search.ledger import Ledger
from tests.e2e.conftest import LENGTH, Autokd
from tests.measure.sshd import Sshd, require_sshd

CUTS = 20


@pytest.fixture
def place(tmp_path):
    return Autokd(tmp_path / "work")


@pytest.fixture
def known_board(tmp_path, place, monkeypatch):
    """An OpenSSH server on loopback, whose host key the command has accepted before."""
    require_sshd()
    server = Sshd(tmp_path / "board")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place.work / "config"))
    monkeypatch.setenv("AUTOKD_SSH_CONFIG", str(server.client_config))
    server.be_known(server.port)
    yield server.start()
    server.stop()


@pytest.mark.slow
def test_a_run_over_ssh_survives_twenty_cuts_and_loses_no_trial(
    place, known_board, teacher, pictures
):
    words = ("--teacher", teacher, "--data", pictures, "--device", "host", "--max-params", "20000")
    run = place.work / "run"
    session = place.start(
        "compress", *words, "--target", known_board.address, *LENGTH, "--out", run
    )
    cuts, over = [], threading.Event()

    def cut():
        # A pause after each, in which one attempt may come through, as on a bad line.
        while len(cuts) < CUTS and not over.wait(2.5):
            if known_board.cut():
                cuts.append(1)

    cutter = threading.Thread(target=cut)
    cutter.start()
    done = session.result()
    over.set()
    cutter.join()
    assert len(cuts) == CUTS, f"only {len(cuts)} connections were there to be cut: {done.err}"
    assert done.code == 0, done.err
    results = json.loads((run / "results.json").read_text())
    searched = [t for t in results["trials"] if t["candidate"]["origin"] != "twin"]
    assert len([t for t in searched if t["candidate"]["origin"] != "member"]) == 3
    assert all(t["failure"] is None and t["observations"] for t in results["trials"])
    winner = results["winners"][0]
    assert winner["measurement"]["target"].startswith("ssh://")
    assert winner["measurement"]["is_device"]
    with Ledger.open_read_only(run / "ledger.sqlite") as ledger:
        assert ledger.timings()
    assert known_board.wait_until_empty() == []


@pytest.mark.slow
def test_costs_are_what_the_target_measured_and_within_the_limit(place, teacher, pictures):
    words = ("--teacher", teacher, "--data", pictures, "--device", "host", "--target", "local")
    limits = ("--max-params", "20000", "--max-latency-ms", "2")
    run = place.work / "run"
    done = place.run("compress", *words, *limits, *LENGTH, "--out", run)
    assert done.code in (0, 5), done.err  # 5 where this machine was never quiet enough
    results = json.loads((run / "results.json").read_text())
    with Ledger.open_read_only(run / "ledger.sqlite") as ledger:
        timings = {t.candidate.member_seed: t.p50_ms for t in ledger.timings()}
    for trial in results["trials"]:
        cost = trial["candidate"]["cost"]
        if cost["is_measured"]:
            assert cost["latency_ms"] == pytest.approx(timings[trial["candidate"]["member_seed"]])
            assert trial["failure"] or cost["latency_ms"] <= 2

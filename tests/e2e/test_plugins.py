"""A whole run with a loss, a strategy, a space and a target that are plug-ins."""

import json
import sys
import tomllib

import pytest

from tests.plugins.declare import EXAMPLE, EXAMPLE_ENTRIES, write_metadata

NAMED = ("--loss", "logit-mse", "--strategy", "hill-climb", "--space", "residual-chain")
MAX_PARAMS = 60_000


def declare(folder, version):
    write_metadata(folder, EXAMPLE_ENTRIES, distribution="autokd-example", version=version)


@pytest.mark.slow
def test_a_run_with_plug_ins_of_every_kind_goes_on_with_their_version_alone(
    autokd, words, tmp_path
):
    site, run = tmp_path / "site", autokd.work / "run"
    declare(site, "1.0")
    autokd.path = [site, EXAMPLE / "src"]
    target = ("--target", f"interpreter://{sys.executable}")
    limits = ("--max-params", MAX_PARAMS)
    session = autokd.start("compress", *words, *limits, *NAMED, *target, "--out", run)
    session.wait_for("student ")
    session.process.kill()
    session.result()
    config = tomllib.loads((run / "config.toml").read_text())
    assert [(one["kind"], one["name"], one["version"]) for one in config["plugins"]] == [
        ("loss", "logit-mse", "1.0"),
        ("strategy", "hill-climb", "1.0"),
        ("space", "residual-chain", "1.0"),
        ("target", "interpreter", "1.0"),
    ]

    declare(site, "1.1")
    refused = autokd.run("resume", run)
    assert refused.code == 2
    assert "for loss 'logit-mse' of autokd-example 1.0, and autokd-example 1.1 is" in refused.error

    declare(site, "1.0")
    done = autokd.run("resume", run)
    assert done.code in {0, 7}, done.err  # 7: a busy machine
    results = json.loads((run / "results.json").read_text())
    winner = results["winners"][0]
    assert winner["genotype"]["preset"] == "residual-chain"
    assert dict(winner["genotype"]["own"]).keys() == {"blocks", "kernel"}
    assert winner["cost"]["params"] <= MAX_PARAMS
    assert winner["measurement"]["target"] == f"this host with {sys.executable}"
    assert {t["candidate"]["distill"]["loss"] for t in results["trials"]} == {"logit-mse"}
    assert results["config"]["plugins"] == config["plugins"]
    header = (run / "trials.csv").read_text().splitlines()[0].split(",")
    assert {"blocks", "kernel"} <= set(header)

    autokd.path = []  # what was found is read where nothing is installed
    for command in ("report", "status"):
        again = autokd.run(command, run)
        assert again.code == 0, again.err

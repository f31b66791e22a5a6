import json

import pytest

from autokd.core.codec import save_record, write_atomically
from autokd.core.toml import render_toml
from autokd.errors import ConfigError
from autokd.pipeline.optuna_export import export_optuna
from autokd.search.events import Job
from autokd.search.ledger import Ledger
from autokd.space.coding import decode_point, dimensions
from tests.pipeline.fakes import make_config, make_plan
from tests.search.fakes import candidate, fidelity_of, observation


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "pi-1"
    folder.mkdir()
    config = make_config(trials=3).model_dump(mode="json")
    write_atomically(folder / "config.toml", render_toml(config))
    return folder


def begin(run, *, presets=("edge", "edge")) -> None:
    import numpy as np

    save_record(make_plan(), run / "plan.json")
    px = make_plan().data.image_px
    with Ledger.open(run / "ledger.sqlite") as ledger:
        for number, preset in enumerate(presets):
            point = np.full(len(dimensions(preset, px)), 0.2 + 0.3 * number)
            family, distill = decode_point(preset, px, point)
            made = candidate(params=15_000, family=family, distill=distill, member_seed=number)
            job = Job(trial_id=number, candidate=made, fidelity=fidelity_of(None, 0))
            ledger.asked(job)
            ledger.observed(number, observation(0, 0.5 + number / 10))
        ledger.asked(job.model_copy(update={"fidelity": fidelity_of(None, 1)}))
        ledger.observed(1, observation(1, 0.75))


def test_the_search_of_a_run_is_written_with_all_that_was_searched(run, tmp_path) -> None:
    begin(run)
    assert export_optuna(run, tmp_path / "journal.log") == 2
    lines = [json.loads(line) for line in (tmp_path / "journal.log").read_text().splitlines()]
    trials = [line for line in lines if line["op_code"] == 4 and line["study_id"] == 0]
    names = {d.name for d in dimensions("edge", make_plan().data.image_px)}
    assert [set(t["params"]) for t in trials] == [names, names]
    assert [t["state"] for t in trials] == [2, 1]
    assert trials[1]["datetime_start"] < trials[1]["datetime_complete"]
    attributes = {k: v for line in lines for k, v in line.get("user_attr", {}).items()}
    assert attributes["device"] == "raspberry-pi-zero-2w"
    assert attributes["strategy"] == "asha"
    assert [line["study_name"] for line in lines if line["op_code"] == 0] == [
        "pi-1",
        "pi-1 costs",
    ]


def test_optuna_opens_it(run, tmp_path) -> None:
    optuna = pytest.importorskip("optuna", reason="pip install optuna brings what reads it")
    begin(run)
    export_optuna(run, tmp_path / "journal.log")
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log"))
    storage = optuna.storages.JournalStorage(backend)
    study = optuna.load_study(study_name="pi-1", storage=storage)
    assert study.best_value == 0.75
    with Ledger.open_read_only(run / "ledger.sqlite") as ledger:
        best = ledger.trials()[1].candidate
    values = best.family.model_dump() | best.distill.model_dump()
    assert study.best_params == {name: values[name] for name in study.best_params}
    assert len(study.best_params) == len(dimensions("edge", make_plan().data.image_px))


def test_a_file_that_is_there_is_kept(run, tmp_path) -> None:
    begin(run)
    (tmp_path / "journal.log").write_text("another study\n")
    with pytest.raises(ConfigError, match=r"journal.log: exists already; give another name"):
        export_optuna(run, tmp_path / "journal.log")
    assert (tmp_path / "journal.log").read_text() == "another study\n"


@pytest.mark.parametrize("lacks", ["plan.json", "ledger.sqlite"])
def test_a_run_that_has_not_begun_to_search_is_refused(run, tmp_path, lacks) -> None:
    begin(run)
    (run / lacks).unlink()
    with pytest.raises(ConfigError, match=f"has no {lacks}, so it has not begun to search"):
        export_optuna(run, tmp_path / "journal.log")

"""The search on the real space, so that the fake one is not all that it works on."""

from pathlib import Path

from autokd.core.codec import load_record
from autokd.core.cost import Limits
from autokd.core.device import DeviceProfile
from autokd.search.executors import InlineExecutor
from autokd.search.ledger import Ledger
from autokd.search.loop import run_search
from autokd.search.rungs import Ladder
from autokd.search.strategies import AutoKDStrategy
from autokd.search.study import Study
from autokd.space.students import StudentSpace
from tests.search.fakes import FakeEvaluator, fidelity_of

ROOT = Path(__file__).parents[2]


def test_a_search_over_real_students_chooses_by_acquisition_within_the_limits(tmp_path) -> None:
    limits = Limits(max_params=150_000)
    space = StudentSpace(
        preset="edge",
        profile=load_record(DeviceProfile, ROOT / "profiles" / "raspberry-pi-zero-2w.toml"),
        limits=limits,
        image_px=32,
        image_channels=3,
        class_names=tuple(f"class {n}" for n in range(10)),
    )
    ladder = Ladder(rungs=2)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        strategy = AutoKDStrategy(space, seed=0, ladder=ladder)
        study = Study(ledger, strategy, fidelity_of=fidelity_of, max_trials=10)
        run_search(study, InlineExecutor(FakeEvaluator()))
        trials = ledger.trials()
    assert [t.candidate.origin for t in trials] == ["prior"] * 8 + ["acquisition"] * 2
    assert all(limits.utilisation(t.candidate.cost) <= 1 for t in trials)
    assert sum(t.rung == 1 for t in trials) >= 3

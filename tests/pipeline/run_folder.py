"""A run folder as a run that goes on leaves it, with trials that nobody trained."""

from pathlib import Path

from autokd.core.codec import save_record, write_atomically
from autokd.core.toml import render_toml
from autokd.core.trial import Failure
from autokd.search.ledger import Job, Ledger
from tests.pipeline.fakes import make_config, make_plan
from tests.search.fakes import candidate, fidelity_of, observation


def begin_run(folder: Path, *, planned: bool = False, **search: object) -> Path:
    config = make_config(budget="10m", **search)
    folder.mkdir(exist_ok=True)
    write_atomically(folder / "config.toml", render_toml(config.model_dump(mode="json")))
    if planned:
        save_record(make_plan(), folder / "plan.json")
    return folder


def write_trial(ledger: Ledger, trial_id: int, *accuracies: float, origin="random") -> None:
    """Write a trial with a result on each of the first rungs."""
    for rung, accuracy in enumerate(accuracies):
        ledger.asked(job_of(trial_id, rung, origin=origin))
        ledger.observed(trial_id, observation(rung, accuracy))


def write_failure(ledger: Ledger, trial_id: int) -> None:
    ledger.asked(job_of(trial_id, 0))
    ledger.failed(trial_id, Failure(kind="not finite", message="nan", rung=0))


def job_of(trial_id: int, rung: int, *, origin="random") -> Job:
    return Job(
        trial_id=trial_id,
        candidate=candidate(member_seed=trial_id, origin=origin),
        fidelity=fidelity_of(None, rung),
    )

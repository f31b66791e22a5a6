"""The ledger in memory says what the one on disk says."""

from autokd.core.trial import Failure
from autokd.search.events import Job
from autokd.search.ledger import Ledger
from tests.search.fakes import candidate, fidelity_of, observation
from tools.race.memory import MemoryLedger


def job(trial_id: int, rung: int) -> Job:
    return Job(trial_id=trial_id, candidate=candidate(), fidelity=fidelity_of(None, rung))


STEPS = (
    ("asked", job(0, 0)),
    ("started", job(0, 0)),
    ("asked", job(1, 0)),
    ("observed", 0, observation(0, 0.5)),
    ("asked", job(0, 1)),
    ("started", job(0, 1)),
    ("failed", 1, Failure(kind="diverged", message="", rung=0)),
    ("observed", 0, observation(1, 0.7)),
    ("asked", job(2, 1)),
)


def test_after_each_step_trials_and_open_jobs_are_those_of_a_ledger_on_disk(tmp_path):
    memory = MemoryLedger()
    with Ledger.open(tmp_path / "ledger.sqlite") as disk:
        for name, *arguments in STEPS:
            getattr(memory, name)(*arguments)
            getattr(disk, name)(*arguments)
            assert memory.unfinished() == disk.unfinished()
            for ours, theirs in zip(memory.trials(), disk.trials(), strict=True):
                assert ours.model_dump() == theirs.model_dump()

"""How a measurement is started."""

from pathlib import Path

import pytest

from autokd.search.worker_process import ENVIRONMENT
from tools.training.measurements import Timing
from tools.training.processes import Job, run_job


@pytest.mark.parametrize(("way", "expected"), [("autokd", ENVIRONMENT), ("plain", {})])
def test_only_our_own_training_gets_our_environment(monkeypatch, way, expected) -> None:
    seen = {}

    def start(command, *, env, check):
        seen.update(env)
        raise KeyboardInterrupt

    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    monkeypatch.setattr("tools.training.processes.subprocess.run", start)
    job = Job.model_construct(
        kind="timing", way=way, work=Path("x.work"), settings=Threads(), student="chain"
    )
    with pytest.raises(KeyboardInterrupt):
        run_job(job, Timing)
    assert {name: seen[name] for name in ENVIRONMENT if name in seen} == expected


class Threads:
    threads = 1

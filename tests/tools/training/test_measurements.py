from pathlib import Path

import pytest

from autokd.errors import DataError
from tests.tools.training.made_up import make_measurements
from tools import bench_training
from tools.training.measurements import (
    open_measurements,
)
from tools.training.processes import Job


def test_a_file_gives_its_whole_rounds(tmp_path: Path) -> None:
    found = make_measurements()
    path = tmp_path / "made.json"
    path.write_text(found.model_dump_json())
    opened = open_measurements(path, found.settings, found.machine)
    assert [t.round_number for t in opened.timings] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert opened.rounds() == (0, 1, 2)
    assert opened.floors == found.floors
    assert opened.cache == found.cache


def test_other_settings_or_another_machine_are_not_mixed(tmp_path: Path) -> None:
    found = make_measurements()
    path = tmp_path / "made.json"
    path.write_text(found.model_dump_json())
    settings = found.settings.model_copy(update={"threads": 2})
    with pytest.raises(DataError, match=r"settings are others .threads 1, now 2"):
        open_measurements(path, settings, found.machine)
    machine = found.machine.model_copy(update={"torch": "1.0"})
    with pytest.raises(DataError, match=r"machine are others .torch .*, now '1.0'"):
        open_measurements(path, found.settings, machine)


def test_what_is_missing_is_done_in_turn(tmp_path: Path) -> None:
    found = make_measurements()
    found = found.model_copy(
        update={
            "timings": tuple(t for t in found.timings if t.round_number == 1),
            "floors": found.floors[:1],
        }
    )
    first = Job(kind="cache", data=tmp_path, work=tmp_path, settings=found.settings)
    jobs = bench_training.missing_jobs(
        found, first, rounds=3, floor=True, out=tmp_path / "out.json"
    )
    ways = ["plain", "torchdistill", "autokd"]
    assert [(job.round_number, job.kind, job.way) for job in jobs] == [
        *((0, "timing", way) for way in ways),
        (1, "floor", "autokd"),
        *((2, "timing", way) for way in ways),
        (2, "floor", "autokd"),
    ]
    assert [job.name for job in jobs[2:4]] == ["round 1, chain, autokd", "round 2, chain, floor"]

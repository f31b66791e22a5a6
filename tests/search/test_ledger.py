import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autokd.core.trial import BoardTiming, Failure, TrialState
from autokd.errors import ConfigError, StorageError
from autokd.search.events import Job
from autokd.search.ledger import Ledger, is_in_use
from tests.search.fakes import candidate, fidelity_of, observation


def job(trial_id: int, rung: int = 0) -> Job:
    return Job(
        trial_id=trial_id,
        candidate=candidate(member_seed=trial_id),
        fidelity=fidelity_of(None, rung),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "ledger.sqlite"


def test_trials_are_what_the_events_say_and_a_second_session_reads_the_same(path: Path) -> None:
    with Ledger.open(path) as ledger:
        for number in range(4):
            ledger.asked(job(number))
        for number in range(1, 4):
            ledger.started(job(number))
        ledger.observed(2, observation(0, 0.5))
        ledger.failed(3, Failure(kind="not finite", message="nan", rung=0))
        ledger.asked(job(2, rung=1))
        before = ledger.trials()
        assert [t.state for t in before] == [
            TrialState.ASKED,
            TrialState.RUNNING,
            TrialState.RUNNING,
            TrialState.FAILED,
        ]
        assert before[2].observations == (observation(0, 0.5),)
        assert before[3].failure == Failure(kind="not finite", message="nan", rung=0)
        assert [j.key for j in ledger.unfinished()] == [(0, 0), (1, 0), (2, 1)]
    with Ledger.open(path) as again:
        assert again.trials() == before
        assert [j.key for j in again.unfinished()] == [(0, 0), (1, 0), (2, 1)]


@pytest.mark.parametrize("second", ["observed", "failed", "asked"])
def test_nothing_is_recorded_twice(path: Path, second: str) -> None:
    with Ledger.open(path) as ledger:
        ledger.asked(job(0))
        ledger.observed(0, observation(0, 0.5))
        record = {
            "observed": lambda: ledger.observed(0, observation(0, 0.6)),
            "failed": lambda: ledger.failed(0, Failure(kind="x", message="", rung=0)),
            "asked": lambda: ledger.asked(job(0)),
        }[second]
        with pytest.raises(AssertionError, match=f"trial 0, rung 0: '{second}' is recorded twice"):
            record()
        assert ledger.trials()[0].accuracy == 0.5


def test_events_can_be_neither_changed_nor_removed(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.asked(job(0))
    other = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        other.execute("UPDATE events SET rung = 1")
    with pytest.raises(sqlite3.IntegrityError, match="never removed"):
        other.execute("DELETE FROM events")
    other.close()


def test_seconds_add_up_over_sessions(path: Path) -> None:
    for _ in range(2):
        with Ledger.open(path) as ledger:
            ledger.add_seconds(1.5)
    with Ledger.open_read_only(path) as ledger:
        assert ledger.spent_seconds == 3.0


def test_a_second_writer_is_refused_by_the_pid_of_the_first_and_a_reader_is_not(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from autokd.search.ledger import Ledger\n"
        "Ledger.open(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with Ledger.open(path) as ledger:
        ledger.asked(job(0))
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(ConfigError, match=f"process {holder.pid} is searching in this run"):
            Ledger.open(path)
        with Ledger.open_read_only(path) as reader:
            assert [t.trial_id for t in reader.trials()] == [0]
    finally:
        holder.kill()
        holder.communicate()
    Ledger.open(path).close()


def test_a_reader_sees_what_a_running_writer_adds(path: Path) -> None:
    with Ledger.open(path) as ledger, Ledger.open_read_only(path) as reader:
        assert reader.trials() == ()
        ledger.asked(job(0))
        assert [t.trial_id for t in reader.trials()] == [0]
        with pytest.raises(StorageError, match="readonly"):
            reader.asked(job(1))


def test_reading_a_run_that_has_no_ledger_says_so(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ledger.sqlite: there is no such ledger; give the"):
        Ledger.open_read_only(path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to have a header" * 40)
    before = path.read_bytes()
    for open_it in (Ledger.open, Ledger.open_read_only):
        with pytest.raises(ConfigError, match=r"ledger.sqlite: is damaged or no ledger"):
            open_it(path)
    assert path.read_bytes() == before


def test_another_version_and_another_database_are_refused(path: Path) -> None:
    Ledger.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = 99 WHERE key = 'schema_version'")
    connection.commit()
    with pytest.raises(ConfigError, match="is a ledger of version 99; this autokd reads version 2"):
        Ledger.open(path)
    connection.execute("DROP TABLE meta")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigError, match="is no ledger of autokd"):
        Ledger.open(path)


def test_an_event_that_cannot_be_read_is_named(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.asked(job(0))
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO events (kind, trial_id, rung, body, at) VALUES ('observed', 0, 0, '{}', '')"
    )
    connection.commit()
    connection.close()
    with Ledger.open(path) as ledger, pytest.raises(ConfigError, match=r"event 2 \('observed' of"):
        ledger.trials()


def test_a_full_disk_is_a_storage_error_and_what_was_written_stays(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.asked(job(0))
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count={pages}")
        full = r"ledger.sqlite: cannot be written .*full.*resume"
        with pytest.raises(StorageError, match=full):  # noqa: PT012 - how many fit is SQLite's affair
            for number in range(1, 50):
                ledger.asked(job(number))
    with Ledger.open(path) as ledger:
        assert [t.trial_id for t in ledger.trials()] == list(range(len(ledger.trials())))
        assert len(ledger.trials()) >= 1


def test_a_ledger_locked_by_another_program_is_a_storage_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autokd.search.ledger.BUSY_TIMEOUT_MS", 20)
    with Ledger.open(path) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked"):
            ledger.asked(job(0))
        other.close()
        ledger.asked(job(0))


def test_a_run_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        Ledger.open(tmp_path / "run" / "ledger.sqlite")


def test_a_copy_taken_in_the_middle_of_a_write_opens_with_all_finished_events(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy" / "ledger.sqlite"
    copy.parent.mkdir()
    with Ledger.open(path) as ledger:
        ledger.asked(job(0))
        ledger.asked(job(1))
        for file in path.parent.iterdir():
            shutil.copy(file, copy.parent)
    wal = copy.with_name("ledger.sqlite-wal")
    os.truncate(wal, wal.stat().st_size - 100)  # the last event was on its way to the disk
    with Ledger.open(copy) as ledger:
        assert [t.trial_id for t in ledger.trials()] == [0]


def test_timings_are_kept_in_their_order_beside_the_trials(path: Path) -> None:
    timings = [
        BoardTiming(
            candidate=candidate(member_seed=n), p50_ms=3.5 + n, samples=64, target="this host"
        )
        for n in range(2)
    ]
    with Ledger.open(path) as ledger:
        for timing in timings:
            ledger.timed(0, timing)
        assert ledger.timings() == tuple(timings)
        assert ledger.trials() == ()
    with Ledger.open_read_only(path) as reader:
        assert reader.timings() == tuple(timings)


def test_the_last_event_is_that_of_the_newest(path: Path) -> None:
    with Ledger.open(path) as ledger:
        assert ledger.last_event == 0
        ledger.asked(job(0))
        ledger.observed(0, observation(0, 0.5))
        ledger.add_seconds(1.0)
        with Ledger.open_read_only(path) as reader:
            assert (ledger.last_event, reader.last_event) == (2, 2)


def test_who_asks_whether_a_run_goes_on_keeps_nobody_from_going_on_with_it(path: Path) -> None:
    Ledger.open(path).close()
    leave = threading.Event()

    def ask() -> None:
        while not leave.wait(0.0003):
            is_in_use(path)

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(200):
            Ledger.open(path).close()
    finally:
        leave.set()
        for reader in readers:
            reader.join()


def test_a_second_writer_is_refused_soon(path: Path) -> None:
    with Ledger.open(path):
        began = time.monotonic()
        with pytest.raises(ConfigError, match="is searching in this run"):
            Ledger.open(path)
        assert time.monotonic() - began < 2

"""All that happened in a search, in one SQLite file: events are added and never changed.

A search is a fold over its events, so a killed run is continued by reading them again. Each event
is a transaction of its own that is on the disk before the next step begins (write-ahead log,
``synchronous=FULL``).
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from autokd.core.closing import Closing
from autokd.core.codec import storage_error
from autokd.core.trial import BoardTiming, Failure, Observation, Trial
from autokd.errors import ConfigError
from autokd.search.events import Fold, Job, StoredEvent

__all__ = ["Job", "Ledger"]

SCHEMA_VERSION = 2
BUSY_TIMEOUT_MS = 10_000
# A reader holds the lock for microseconds, a writer for as long as it lives.
LOCK_TRIES = 10
LOCK_PAUSE_SECONDS = 0.01

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('timed', 'asked', 'started', 'observed', 'failed')),
    trial_id INTEGER NOT NULL,
    rung INTEGER NOT NULL,
    body TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE UNIQUE INDEX asked_once ON events (trial_id, rung) WHERE kind = 'asked';
CREATE UNIQUE INDEX finished_once ON events (trial_id, rung) WHERE kind IN ('observed', 'failed');
CREATE TRIGGER events_stay BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_remain BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL);
INSERT INTO meta VALUES ('schema_version', %d), ('spent_seconds', 0.0);
COMMIT;
"""


class Ledger(Closing):
    """The events of one search. Open it with `Ledger.open` or `Ledger.open_read_only`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: int | None) -> None:
        self._path = path
        self._connection = connection
        self._lock = lock
        self._folded = Fold()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open for writing, and make the file if it is missing.

        Raises:
            ConfigError: Another process writes to it, or it is no ledger of this version.
            StorageError: The disk is full or refuses.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _lock(path)
        except OSError as fault:
            raise storage_error(path, fault) from fault
        connection: sqlite3.Connection | None = None
        try:
            with _sqlite_faults(path):
                connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                    connection.executescript(_SCHEMA % SCHEMA_VERSION)
                _check_version(path, connection)
        except BaseException:
            if connection is not None:
                connection.close()
            os.close(lock)
            raise
        return cls(path, connection, lock)

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open for reading, also beside a search that is running.

        Raises:
            ConfigError: There is no such file, or it is no ledger of this version.
        """
        if not path.is_file():
            msg = (
                f"{path}: there is no such ledger; give the folder of a run that has been started."
            )
            raise ConfigError(msg)
        with _sqlite_faults(path):
            connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
            _check_version(path, connection)
        return cls(path, connection, None)

    def timed(self, trial_id: int, timing: BoardTiming) -> None:
        """Record what a target measured of a candidate that may become trial ``trial_id``."""
        self._append("timed", trial_id, 0, timing.model_dump_json())

    def asked(self, job: Job) -> None:
        """Record that ``job`` is handed out."""
        self._append("asked", job.trial_id, job.fidelity.rung, job.model_dump_json())

    def started(self, job: Job) -> None:
        """Record that a worker begins; once more in each session that runs the job anew."""
        self._append("started", job.trial_id, job.fidelity.rung, "{}")

    def observed(self, trial_id: int, observation: Observation) -> None:
        """Record a result.

        Raises:
            AssertionError: This trial has a result on that rung; a defect of ours.
        """
        body = observation.model_dump_json()
        self._append("observed", trial_id, observation.fidelity.rung, body)

    def failed(self, trial_id: int, failure: Failure) -> None:
        """Record that the trial ends without a result.

        Raises:
            AssertionError: This trial has a result on that rung; a defect of ours.
        """
        self._append("failed", trial_id, failure.rung, failure.model_dump_json())

    def trials(self) -> tuple[Trial, ...]:
        """Give all trials, by id.

        Raises:
            ConfigError: An event cannot be read: the file was changed by something else.
        """
        self._catch_up()
        return tuple(self._folded.trials[key] for key in sorted(self._folded.trials))

    def timings(self) -> tuple[BoardTiming, ...]:
        """Give what targets measured, in that order."""
        self._catch_up()
        return tuple(self._folded.timings)

    def unfinished(self) -> tuple[Job, ...]:
        """Give the jobs that were handed out and have no result, in the order of asking."""
        self._catch_up()
        return tuple(self._folded.unfinished.values())

    def events(self, *, after: int = 0) -> tuple[StoredEvent, ...]:
        """Give the events whose number is above ``after``, in the order of writing."""
        with _sqlite_faults(self._path):
            rows = self._connection.execute(
                "SELECT seq, kind, trial_id, rung, body, at FROM events WHERE seq > ? ORDER BY seq",
                (after,),
            ).fetchall()
        return tuple(StoredEvent(*row) for row in rows)

    @property
    def last_event(self) -> int:
        """Number of the newest event, 0 before the first."""
        with _sqlite_faults(self._path):
            return int(self._connection.execute("SELECT max(seq) FROM events").fetchone()[0] or 0)

    @property
    def spent_seconds(self) -> float:
        """Wall time of all sessions of this search together."""
        with _sqlite_faults(self._path):
            query = "SELECT value FROM meta WHERE key = 'spent_seconds'"
            return float(self._connection.execute(query).fetchone()[0])

    def add_seconds(self, seconds: float) -> None:
        """Add to `spent_seconds`."""
        with _sqlite_faults(self._path):
            self._connection.execute(
                "UPDATE meta SET value = value + ? WHERE key = 'spent_seconds'", (seconds,)
            )

    def close(self) -> None:
        """Close the file and let others write to it."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _append(self, kind: str, trial_id: int, rung: int, body: str) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            with _sqlite_faults(self._path):
                self._connection.execute(
                    "INSERT INTO events (kind, trial_id, rung, body, at) VALUES (?, ?, ?, ?, ?)",
                    (kind, trial_id, rung, body, at),
                )
        except sqlite3.IntegrityError as fault:
            msg = f"trial {trial_id}, rung {rung}: {kind!r} is recorded twice"
            raise AssertionError(msg) from fault

    def _catch_up(self) -> None:
        with _sqlite_faults(self._path):
            rows = self._connection.execute(
                "SELECT seq, kind, trial_id, rung, body FROM events WHERE seq > ? ORDER BY seq",
                (self._folded.seq,),
            ).fetchall()
        for row in rows:
            try:
                self._folded.add(*row)
            except (ValidationError, KeyError) as fault:
                msg = (
                    f"{self._path}: event {row[0]} ({row[1]!r} of trial {row[2]}) cannot be read; "
                    "the file was changed or damaged. Put back a copy or start a new run."
                )
                raise ConfigError(msg) from fault


def is_in_use(path: Path) -> bool:
    """Whether a process, this one included, has the ledger at ``path`` open for writing."""
    lock_path = _lock_path(path)
    if not lock_path.exists():
        return False
    with lock_path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    return connection


def _lock(path: Path) -> int:
    """Take the lock of a writer; the system lets it go when the process ends, however it ends."""
    handle = os.open(_lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(handle)
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
    except BlockingIOError:
        owner = os.pread(handle, 32, 0).decode(errors="replace") or "unknown"
        os.close(handle)
        msg = (
            f"{path.parent}: process {owner} is searching in this run; wait until it ends or stop "
            "it. 'autokd status' shows how far it is."
        )
        raise ConfigError(msg) from None
    except BaseException:
        os.close(handle)
        raise
    return handle


def _take(handle: int) -> None:
    """Take the lock, in spite of a reader that asks at this moment whether it is taken.

    Raises:
        BlockingIOError: A writer has it.
    """
    for _ in range(LOCK_TRIES - 1):
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(LOCK_PAUSE_SECONDS)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _check_version(path: Path, connection: sqlite3.Connection) -> None:
    row = None
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    if row is None or row[0] != SCHEMA_VERSION:
        found = "no ledger of autokd" if row is None else f"a ledger of version {row[0]}"
        connection.close()
        msg = (
            f"{path}: is {found}; this autokd reads version {SCHEMA_VERSION}. "
            "Use the autokd that wrote it, or start a new run."
        )
        raise ConfigError(msg)


@contextmanager
def _sqlite_faults(path: Path) -> Iterator[None]:
    """Say what SQLite met in the classes of autokd."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.OperationalError as fault:
        raise storage_error(path, OSError(str(fault))) from fault
    except sqlite3.DatabaseError as fault:
        msg = f"{path}: is damaged or no ledger ({fault}). Put back a copy or start a new run."
        raise ConfigError(msg) from fault

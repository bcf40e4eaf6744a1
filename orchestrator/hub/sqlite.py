"""The hub's own file: paired devices, their state, and the runs that can still be resumed.

What was said is in the journal, as for every session; here it stands only while a device may resume it.
Like the journal, it has a file lock around writes: SQLite before 3.51.3 can lose a write-ahead log that
two connections reset at once, and `orch device` writes beside the server.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.errors import HubError
from orchestrator.journal.database import connect
from orchestrator.journal.failures import explained
from orchestrator.journal.lock import FileLock
from orchestrator.paths import Home

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # `scopes` and `projects` are JSON lists; `projects` NULL is all of them. Times in milliseconds.
        """CREATE TABLE devices (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, token_sha256 BLOB NOT NULL UNIQUE,
            scopes TEXT NOT NULL, projects TEXT, paired INTEGER NOT NULL, last_seen INTEGER, revoked INTEGER
        )""",
        """CREATE TABLE invitations (
            secret_sha256 BLOB PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL, projects TEXT,
            expires INTEGER NOT NULL, used INTEGER
        )""",
        """CREATE TABLE device_state (
            device_id TEXT PRIMARY KEY, last_seen INTEGER NOT NULL, status TEXT NOT NULL,
            context_version TEXT NOT NULL
        )""",
        # `prompt` is there until the journal holds it; `record` is the answer's id in the journal.
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY, device_id TEXT NOT NULL, project TEXT NOT NULL, status TEXT NOT NULL,
            prompt TEXT, session TEXT, model TEXT, record TEXT, citation TEXT, created INTEGER NOT NULL,
            ended INTEGER, idempotency_key TEXT, asked_sha256 BLOB NOT NULL,
            UNIQUE (device_id, idempotency_key)
        )""",
        "CREATE INDEX by_end ON runs (ended)",
        "CREATE INDEX by_record ON runs (record) WHERE record IS NOT NULL",
        """CREATE TABLE run_events (
            run_id TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL,
            PRIMARY KEY (run_id, seq)
        ) WITHOUT ROWID""",
    ),
)


class HubDatabase:
    """One connection. Safe between threads and processes; errors of the disk are `JournalError`s."""

    def __init__(self, home: Home) -> None:
        self._path = home.hub
        self._lock = home.root / "hub.lock"
        self._thread = threading.RLock()
        with explained(self._path):
            home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = connect(self._path)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        with self._thread, explained(self._path), FileLock(self._lock):  # the last close is a checkpoint
            self._connection.close()

    def __enter__(self) -> HubDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; what it wrote outlives this process, however it ends."""
        with self._thread, explained(self._path), FileLock(self._lock):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._thread, explained(self._path):
            return self._connection.execute(query, values).fetchall()

    @property
    def version(self) -> int:
        """Changes when another process has written."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def _prepare(self) -> None:
        # NORMAL: a run's pieces outlive a killed process, and only a power cut may cost the last ones.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA secure_delete = ON")  # what was said is not left in free pages
        found = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if found > len(MIGRATIONS):
            raise HubError(
                f"{self._path} has version {found}, and this orch knows {len(MIGRATIONS)}.", "Update orch."
            )
        if found == len(MIGRATIONS):
            return
        with FileLock(self._lock):
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("BEGIN IMMEDIATE")
            found = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            for statements in MIGRATIONS[found:]:
                for statement in statements:
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            self._connection.execute("COMMIT")

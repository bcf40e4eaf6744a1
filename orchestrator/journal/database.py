"""The database file: opened, given its identity, and closed, each with the lock it needs."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import JournalError
from orchestrator.journal import schema
from orchestrator.journal.clock import ClockState
from orchestrator.journal.failures import REBUILD
from orchestrator.journal.lock import FileLock
from orchestrator.journal.memory_log import MemoryLog
from orchestrator.paths import Home


def lock_file(home: Home) -> Path:
    return home.root / "journal.lock"


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode; the file is made readable by its owner only."""
    _make(path)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _make(path: Path) -> None:
    """Make the file where it is missing. One that is there is looked at, and never opened by us.

    A process that closes any descriptor of a file loses all its locks on it, those of its other connections
    too; the next process to close the journal then took the write-ahead log away under them
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        os.close(durable.handle(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        durable.check_regular(path)


def write_meta(
    connection: sqlite3.Connection, dev: str, epoch: int, state: ClockState, mirror_bytes: int
) -> None:
    """Change a rebuilt database's identity. Needs an open transaction."""
    rows = {
        "dev": dev,
        "epoch": str(epoch),
        "clock": json.dumps([state.last, state.ahead]),
        "mirror_bytes": str(mirror_bytes),
    }
    connection.executemany("REPLACE INTO meta VALUES (?, ?)", rows.items())


def prepare(connection: sqlite3.Connection, home: Home) -> None:
    """Make or migrate the database. Needs the file lock."""
    if schema.version(connection) == 0:
        if MemoryLog(home.memory_log).size():
            raise JournalError(
                f"The journal {home.journal} is missing or empty, but {home.memory_log} is not.", REBUILD
            )
        connection.execute("PRAGMA journal_mode = WAL")  # lasts; a file that is not ours stays as it is
    schema.migrate(connection)


def shut(connection: sqlite3.Connection, lock: Path, owner: int) -> None:
    """Close under the lock, since closing the last connection is a checkpoint."""
    if os.getpid() != owner:
        return  # a forked child: the connection is its parent's
    try:
        with FileLock(lock, timeout=2):
            connection.close()
    except (JournalError, OSError):
        connection.close()

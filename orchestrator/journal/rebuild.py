"""A new journal out of `memory_log.jsonl`, when the database is damaged or gone.

What the damaged database still gives is taken as well, since the mirror may lack its newest records.
Every record is checked against its hashes. The old files are moved aside, never deleted.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator import durable
from orchestrator.journal import schema
from orchestrator.journal.canonical import parse_record, record_json
from orchestrator.journal.clock import ClockState
from orchestrator.journal.database import connect, lock_file, write_meta
from orchestrator.journal.failures import explained
from orchestrator.journal.forks import FILED_ANEW
from orchestrator.journal.lock import FileLock
from orchestrator.journal.memory_log import MemoryLog
from orchestrator.paths import Home
from orchestrator.types import Record


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`records` are in the new journal; `unread` lines of the mirror were no whole records.

    `aside` is where the old database went, None when there was none.
    """

    records: int
    unread: int
    aside: Path | None


def is_sound(home: Home) -> bool:
    """Whether SQLite finds no fault in the database, and it is a journal. Reads all of it."""
    if not home.journal.exists() or not home.journal.stat().st_size:
        return False
    try:
        with contextlib.closing(sqlite3.connect(home.journal, timeout=30)) as connection:
            checked = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
            return checked and _identity(connection) is not None
    except sqlite3.DatabaseError:
        return False


def rebuild(home: Home) -> Rebuilt:
    """Build the new journal beside the old one, then change places. Raises `JournalError`.

    The device starts a new epoch: numbers given to records that are lost are never used again.
    """
    new = home.journal.with_name(home.journal.name + ".new")
    with explained(home.journal), FileLock(lock_file(home)):
        for leftover in _files(new):
            leftover.unlink(missing_ok=True)
        with contextlib.closing(connect(new)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            schema.migrate(connection)
            connection.execute("BEGIN IMMEDIATE")
            unread = _fill(connection, home)
            connection.execute("DELETE FROM heads")  # what is lost may lie before what is not
            connection.execute(f"INSERT INTO heads {schema.CONTIGUOUS}")
            _identify(connection, home)
            connection.execute("COMMIT")
            total = connection.execute("SELECT count(*) FROM records").fetchone()[0]
            # The mirror first: should this be cut off now, nothing that was read is lost.
            MemoryLog(home.memory_log).rewrite(functools.partial(schema.lines, connection))
        aside = _change_places(home.journal, new)
    return Rebuilt(total, unread, aside)


def _fill(connection: sqlite3.Connection, home: Home) -> int:
    unread = 0
    if home.memory_log.exists():
        with explained(home.memory_log):
            mirror = durable.opened(home.memory_log)
        with mirror as file:
            for line in file:
                record = _checked(line)
                unread += record is None or not _add(connection, record)
    for record in _salvaged(home.journal):
        _add(connection, record)
    return unread


def _checked(line: bytes) -> Record | None:
    try:
        return parse_record(json.loads(line))
    except (ValueError, RecursionError):
        return None


def _add(connection: sqlite3.Connection, record: Record) -> bool:
    """Insert unless it is there; False when another record has its number."""
    row = connection.execute(
        "SELECT id FROM records WHERE id = ? OR (dev = ? AND epoch = ? AND stream = ? AND seq = ?)",
        (record.id, record.dev, record.epoch, record.stream, record.seq),
    ).fetchone()
    if row is None:
        schema.insert(connection, record)
    return row is None or row[0] == record.id


def _salvaged(path: Path) -> list[Record]:
    """What can be read of a damaged database, from its beginning and from its end."""
    found: dict[int, Record] = {}
    for order in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.DatabaseError), _read_only(path) as connection:
            query = f"SELECT arrival, {schema.COLUMNS} FROM records ORDER BY arrival {order}"
            for arrival, *row in connection.execute(query):
                if arrival in found:
                    break
                with contextlib.suppress(ValueError, TypeError):
                    found[arrival] = parse_record(record_json(schema.record_of(row)))
    return [found[arrival] for arrival in sorted(found)]


def _identify(connection: sqlite3.Connection, home: Home) -> None:
    """Keep the device's id where it is known, in a new epoch, with a clock after all it gave out."""
    identity = None
    with contextlib.suppress(sqlite3.DatabaseError), _read_only(home.journal) as old:
        identity = _identity(old)
    devices = [row[0] for row in connection.execute("SELECT DISTINCT dev FROM heads")]
    if identity is None and len(devices) == 1:
        identity = devices[0], 0
    dev, epoch = identity or (secrets.token_hex(16), 0)
    query = "SELECT max(epoch) FROM records WHERE dev = ? AND epoch < ?"
    used = connection.execute(query, (dev, FILED_ANEW)).fetchone()[0] or 0
    newest = connection.execute(
        "SELECT ts_ms, ts_ctr FROM records WHERE dev = ? ORDER BY ts_ms DESC, ts_ctr DESC LIMIT 1", (dev,)
    ).fetchone()
    state = ClockState(newest, newest) if newest else ClockState()
    size = sum(len(line) for _, line in schema.lines(connection, 0))
    write_meta(connection, dev, max(epoch, used) + 1, state, size)


def _identity(connection: sqlite3.Connection) -> tuple[str, int] | None:
    """Device id and epoch of a database; None where they are not to be read."""
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    try:
        return str(meta["dev"]), int(meta["epoch"])
    except (KeyError, ValueError):
        return None


@contextlib.contextmanager
def _read_only(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        yield connection


def _change_places(path: Path, new: Path) -> Path | None:
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    while aside.exists():
        aside = aside.with_name(aside.name + "x")
    kept = path.exists()
    for old, target in zip(_files(path), _files(aside), strict=True):
        with contextlib.suppress(FileNotFoundError):
            os.replace(old, target)
    os.replace(new, path)
    return aside if kept else None


def _files(path: Path) -> list[Path]:
    """The database and what SQLite keeps beside it."""
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]

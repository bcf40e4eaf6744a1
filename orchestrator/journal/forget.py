"""Takes what records say out of the journal for good: body and salt go, the hash and a `redact` record stay.

First one transaction: bodies, index and the `redact` records, with a note in `meta` that the files are not
clean yet. Then the mirror is written anew, the index merged (a deleted word stands in its segments until
then), the database written anew (freed pages and the write-ahead log hold what was deleted), and the note
removed. Killed in between, the next start does the rest.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator import durable
from orchestrator.journal import index, schema
from orchestrator.journal.canonical import record_line
from orchestrator.journal.memory_log import MemoryLog
from orchestrator.types import Record

UNCLEAN = "unclean"
"""Key in `meta` while deleted text may still stand in the files: JSON list of record ids."""

_BLOCK = 1 << 20


def drop_bodies(connection: sqlite3.Connection, ids: Sequence[str]) -> tuple[list[Record], int]:
    """Remove the bodies; the records that had one, and by how many bytes their lines are shorter now.

    Needs an open transaction.
    """
    dropped, shorter = [], 0
    through, _ = index.progress(connection)
    for identity in ids:
        query = f"SELECT arrival, {schema.COLUMNS} FROM records WHERE id = ? AND body IS NOT NULL"
        row = connection.execute(query, (identity,)).fetchone()
        if row is None:
            continue
        arrival, record = row[0], schema.record_of(row[1:])
        if arrival <= through:
            index.remove(connection, arrival, record)
        # What a rebuild from the mirror would find: without a body it supersedes nothing.
        connection.execute(
            "UPDATE records SET body = NULL, salt = NULL, supersedes = NULL WHERE arrival = ?", (arrival,)
        )
        empty = schema.record_of((*row[1:14], None, None, *row[16:]))
        shorter += len(record_line(record)) - len(record_line(empty))
        dropped.append(record)
    return dropped, shorter


def mark_unclean(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    known = unclean(connection)
    value = json.dumps([*known, *(identity for identity in ids if identity not in known)])
    connection.execute("REPLACE INTO meta VALUES (?, ?)", (UNCLEAN, value))


def unclean(connection: sqlite3.Connection) -> list[str]:
    """Ids of records whose deleted text may still stand in the files."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (UNCLEAN,)).fetchone()
    return [str(identity) for identity in json.loads(row[0])] if row else []


def clean(connection: sqlite3.Connection, mirror: MemoryLog) -> None:
    """Write mirror and database anew, so that no byte of deleted text is left. Needs the file lock."""
    ids = unclean(connection)
    mirror.rewrite(lambda after: schema.lines(connection, after), keep_old=False)
    _without(mirror.aside, ids)
    connection.execute("INSERT INTO recall_index(recall_index) VALUES ('optimize')")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("VACUUM")
    connection.execute("DELETE FROM meta WHERE key = ?", (UNCLEAN,))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _without(path: Path, ids: Sequence[str]) -> None:
    """The kept copy of an old mirror, without the lines of these records."""
    gone = [identity.encode() for identity in ids]
    try:
        with durable.opened(path) as file:
            temporary = path.with_name(path.name + ".new")
            with os.fdopen(
                durable.handle(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as new:
                new.writelines(line for line in file if not any(identity in line for identity in gone))
                new.flush()
                os.fsync(new.fileno())
        os.replace(temporary, path)
    except FileNotFoundError:
        return


def holding(files: Sequence[Path], texts: Sequence[str]) -> Iterator[Path]:
    """Those of the files in which one of the texts stands, as it is or as JSON writes it."""
    wanted = {form for text in texts for form in (text.encode(), json.dumps(text)[1:-1].encode()) if form}
    longest = max(map(len, wanted), default=0)
    for path in files:
        with contextlib.suppress(OSError), durable.opened(path) as file:
            tail = b""
            while block := file.read(_BLOCK):
                seen = tail + block
                if any(form in seen for form in wanted):
                    yield path
                    break
                tail = seen[-longest:]

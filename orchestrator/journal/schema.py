"""The journal's tables, as an append-only list of migrations, and how a record becomes a row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.errors import JournalError
from orchestrator.journal import recall_tables, superseding
from orchestrator.journal.canonical import body_bytes, canonical, line_with
from orchestrator.journal.forks import is_filed_anew, mark
from orchestrator.types import NOTE_KINDS, Record

CONTIGUOUS = """
SELECT dev, epoch, stream, max(seq) FROM (
    SELECT dev, epoch, stream, seq, row_number() OVER (PARTITION BY dev, epoch, stream ORDER BY seq) AS place
    FROM records)
WHERE seq = place GROUP BY dev, epoch, stream"""
"""The heads, counted from the records: the last seq of each chain before its first gap."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # `arrival` is this node's order of writing, which the mirror follows. A record's own key is
        # (dev, epoch, stream, seq); `ordinal` and `supersedes` are derived from it, for look-ups.
        """CREATE TABLE records (
            arrival INTEGER PRIMARY KEY,
            v INTEGER NOT NULL, dev TEXT NOT NULL, epoch INTEGER NOT NULL, stream TEXT NOT NULL,
            seq INTEGER NOT NULL, ts_ms INTEGER NOT NULL, ts_ctr INTEGER NOT NULL, wall TEXT NOT NULL,
            project TEXT NOT NULL, session TEXT NOT NULL, kind TEXT NOT NULL, entity TEXT NOT NULL,
            parents TEXT NOT NULL, body TEXT, salt TEXT, body_sha TEXT NOT NULL,
            id TEXT NOT NULL UNIQUE,
            ordinal INTEGER NOT NULL, supersedes TEXT,
            UNIQUE (dev, epoch, stream, seq)
        )""",
        "CREATE INDEX by_time ON records (ts_ms, ts_ctr, dev)",
        "CREATE INDEX by_project ON records (project, ts_ms, ts_ctr, dev)",
        "CREATE INDEX by_kind ON records (kind, ts_ms, ts_ctr, dev)",
        "CREATE INDEX by_project_kind ON records (project, kind, ts_ms, ts_ctr, dev)",
        "CREATE INDEX by_session ON records (session, ts_ms, ts_ctr, dev)",
        "CREATE INDEX by_ordinal ON records (session, ordinal)",
        "CREATE INDEX by_superseded ON records (supersedes) WHERE supersedes IS NOT NULL",
        "CREATE INDEX by_tombstone ON records (entity) WHERE kind = 'tombstone'",
        """CREATE TABLE heads (
            dev TEXT NOT NULL, epoch INTEGER NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL,
            PRIMARY KEY (dev, epoch, stream)
        ) WITHOUT ROWID""",
        """CREATE TABLE sessions (
            session TEXT PRIMARY KEY, ordinal INTEGER NOT NULL
        ) WITHOUT ROWID""",
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        # In the same transaction, so that no start, killed or parallel, sees a journal without identity.
        """INSERT INTO meta VALUES
            ('dev', lower(hex(randomblob(16)))), ('epoch', '1'),
            ('clock', '[[0, 0], [0, 0]]'), ('mirror_bytes', '0')""",
    ),
    # What is new in a project, of some kinds: by arrival, since what a peer sends has an older time.
    ("CREATE INDEX by_arrival ON records (project, kind, arrival)",),
    (
        # For the list of sessions: a session's prompts, and its start and end, without its other records.
        """CREATE INDEX by_role ON records (session, json_extract(body, '$.role'), ordinal)
            WHERE kind = 'message'""",
        "CREATE INDEX by_life ON records (session, ts_ms, ts_ctr, dev) WHERE kind = 'session'",
    ),
    # Recall's tables, empty: what was recorded before is indexed when somebody first asks (`index`).
    recall_tables.MIGRATION,
    (
        # Of a record that stands for another one (`forks`), that one's id.
        "ALTER TABLE records ADD COLUMN origin TEXT",
        "CREATE INDEX by_origin ON records (origin) WHERE origin IS NOT NULL",
        # What may not come back with a body, in whose stream: known before it comes, too.
        "CREATE TABLE redacted (id TEXT, stream TEXT, PRIMARY KEY (id, stream)) WITHOUT ROWID",
        """INSERT OR IGNORE INTO redacted SELECT json_extract(parents, '$[0]'), stream FROM records
            WHERE kind = 'redact' AND json_array_length(parents) > 0""",
        # Records that came from a clock ahead of this node's, and by how much.
        "CREATE TABLE clock_suspects (id TEXT PRIMARY KEY, ahead_ms INTEGER NOT NULL) WITHOUT ROWID",
        # Which version of a document's human text its file on this node was last brought to.
        """CREATE TABLE document_versions (
            place TEXT PRIMARY KEY, id TEXT NOT NULL, digest TEXT NOT NULL
        ) WITHOUT ROWID""",
        # A rebuilt journal may have gaps: heads are the end of what is contiguous, or peers never fill them.
        "DELETE FROM heads",
        f"INSERT INTO heads {CONTIGUOUS}",
    ),
    (
        # What was said, by who asked: a device whose question this node answered, else the author.
        """CREATE INDEX by_device ON records (coalesce(json_extract(body, '$.device'), dev), arrival)
            WHERE kind = 'message'""",
        """CREATE VIEW messages AS SELECT id, coalesce(json_extract(body, '$.device'), dev) AS device_id,
            wall AS timestamp, json_extract(body, '$.role') AS role, json_extract(body, '$.text') AS content,
            (SELECT json_extract(start.body, '$.model') FROM records AS start INDEXED BY by_life
             WHERE start.session = records.session AND start.kind = 'session'
             AND json_extract(start.body, '$.event') = 'start' LIMIT 1) AS model,
            project, session, stream, arrival
            FROM records WHERE kind = 'message'""",
    ),
)

COLUMNS = (
    "v, dev, epoch, stream, seq, ts_ms, ts_ctr, wall, project, session, kind, entity, parents,"
    " body, salt, body_sha, id"
)

_INSERT = f"INSERT INTO records ({COLUMNS}, ordinal, supersedes, origin) VALUES ({','.join('?' * 20)})"
_HEAD = "INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)"
_SESSION = (
    "INSERT INTO sessions VALUES (?, ?) ON CONFLICT DO UPDATE SET ordinal = max(ordinal, excluded.ordinal)"
)

IMPORT = "import:"
"""Begins the entity of a record that came from another program's conversation."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an open database to the newest version, one transaction a step. Needs the file lock."""
    for number, statements in enumerate(MIGRATIONS[version(connection) :], version(connection) + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def version(connection: sqlite3.Connection) -> int:
    """The database's version. Raises `JournalError` when a newer orch made it."""
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > len(MIGRATIONS):
        raise JournalError(
            f"The journal has version {found}, and this orch knows {len(MIGRATIONS)}.",
            "Update orch: a newer one wrote this journal.",
        )
    return found


def insert(connection: sqlite3.Connection, record: Record) -> None:
    """Write one record, its head and its session's count. Needs an open transaction."""
    rows = Rows(connection)
    rows.add(record)
    rows.count()


class Rows:
    """Writes many records in one transaction; their heads and their sessions' counts once for all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._heads: dict[tuple[str, int, str], int] = {}
        self._sessions: dict[str, int] = {}

    def add(self, record: Record, line: bytes = b"") -> None:
        """Write the record. `line` is its canonical line, where there is one."""
        connection = self._connection
        ordinal = _said_ordinal(record)
        if ordinal is None:
            self.count()
            ordinal = next_ordinal(connection, record.session)
        body = None
        if record.body is not None:
            body = (body_bytes(line) if line else canonical(record.body)).decode()
        inserted = connection.execute(
            _INSERT,
            (
                record.v,
                record.dev,
                record.epoch,
                record.stream,
                record.seq,
                *record.ts,
                record.wall,
                record.project,
                record.session,
                record.kind,
                record.entity,
                canonical(list(record.parents)).decode() if record.parents else "[]",
                body,
                record.salt,
                record.body_sha,
                record.id,
                ordinal,
                superseding.target(connection, record),
                mark(record) if is_filed_anew(record) else None,
            ),
        )
        chain = (record.dev, record.epoch, record.stream)
        self._heads[chain] = max(self._heads.get(chain, 0), record.seq)
        self._sessions[record.session] = max(self._sessions.get(record.session, 0), ordinal)
        if record.kind in NOTE_KINDS:
            superseding.settle(connection, record.project)
        if record.kind == "redact" and record.parents:
            values = (record.parents[0], record.stream)
            connection.execute("INSERT OR IGNORE INTO redacted VALUES (?, ?)", values)
        if record.entity.startswith(IMPORT):
            row = (record.entity, inserted.lastrowid)
            connection.execute("INSERT INTO imported VALUES (?, ?) ON CONFLICT DO NOTHING", row)

    def count(self) -> None:
        """Bring the tables `heads` and `sessions` up to what was added. Before anybody reads them."""
        self._connection.executemany(_HEAD, ((*chain, seq) for chain, seq in self._heads.items()))
        self._connection.executemany(_SESSION, self._sessions.items())
        self._heads.clear()
        self._sessions.clear()


def next_ordinal(connection: sqlite3.Connection, session: str) -> int:
    """The place, from 1, that the next record of a session takes in it."""
    row = connection.execute("SELECT ordinal FROM sessions WHERE session = ?", (session,)).fetchone()
    return 1 if row is None else int(row[0]) + 1


def _said_ordinal(record: Record) -> int | None:
    """The author's ordinal where the entity says it (`SESSION#N`)."""
    session, mark, number = record.entity.rpartition("#")
    if mark and session == record.session and number.isascii() and number.isdigit():
        return int(number[:15])
    return None


def record_of(row: Sequence[Any]) -> Record:
    """The record of a row selected by `COLUMNS`."""
    (v, dev, epoch, stream, seq, ms, ctr, wall, project, session, kind, entity, parents, body, salt,
     body_sha, identity) = row  # fmt: skip
    return Record(
        v, dev, epoch, stream, seq, (ms, ctr), wall, project, session, kind, entity,
        tuple(json.loads(parents)), None if body is None else json.loads(body), salt, body_sha, identity,
    )  # fmt: skip


def line_of(row: Sequence[Any]) -> bytes:
    """The canonical line, without its end, of a row selected by `COLUMNS`; its body is not decoded."""
    (v, dev, epoch, stream, seq, ms, ctr, wall, project, session, kind, entity, parents, body, salt,
     body_sha, identity) = row  # fmt: skip
    others = {
        "v": v, "dev": dev, "epoch": epoch, "stream": stream, "seq": seq, "ts": [ms, ctr], "wall": wall,
        "project": project, "session": session, "kind": kind, "entity": entity,
        "parents": json.loads(parents) if parents != "[]" else [], "salt": salt, "body_sha": body_sha,
        "id": identity,
    }  # fmt: skip
    return line_with(body, others)


def lines(connection: sqlite3.Connection, after: int) -> Iterator[tuple[int, bytes]]:
    """(arrival, line of the mirror) of every record that arrived after the given one, in order."""
    query = f"SELECT arrival, {COLUMNS} FROM records WHERE arrival > ? ORDER BY arrival"
    for arrival, *row in connection.execute(query, (after,)):
        yield arrival, line_of(row) + b"\n"

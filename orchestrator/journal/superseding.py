"""Which note a note replaces, as its record says it: by id, or by a citation that is resolved here.

Decided in code, never by a model. A record that a session citation names may arrive later, from another
device: until then the citation stands in the column as it was written, and retires nothing.
"""

from __future__ import annotations

import sqlite3

from orchestrator.journal import citations
from orchestrator.types import NOTE_KINDS, Record

_WHOLE = 64
_LONGEST = 10_000  # steps along a chain of notes
_MOST_WAITING = 200


def target(connection: sqlite3.Connection, record: Record) -> str | None:
    """The id of the note that this one replaces, or what its body says of it; None for most."""
    said = record.body.get("supersedes") if record.body and record.kind in NOTE_KINDS else None
    if not isinstance(said, str) or not said:
        return None
    said = said.strip().strip("[]")
    return said if len(said) == _WHOLE else _resolved(connection, said, record.project) or said


def settle(connection: sqlite3.Connection, project: str) -> None:
    """Resolve the citations of the project that wait for their note. Needs an open transaction.

    One that would close a circle stays as it is: the note at its other end knew of this one, and is newer.
    """
    # A range of the index: ids are hexadecimal, and a citation of a session begins with S.
    waiting = connection.execute(
        "SELECT id, supersedes FROM records INDEXED BY by_superseded"
        " WHERE supersedes >= 'S' AND supersedes < 'T' AND project = ? ORDER BY ts_ms DESC LIMIT ?",
        (project, _MOST_WAITING),
    ).fetchall()
    for identity, said in waiting:
        found = _resolved(connection, said, project)
        if found and not _leads_to(connection, found, identity):
            connection.execute("UPDATE records SET supersedes = ? WHERE id = ?", (found, identity))


def _resolved(connection: sqlite3.Connection, said: str, project: str) -> str | None:
    """The id of the one note of the project that a citation names; None where it is none, or more."""
    named = citations.parse(said)
    values: tuple[object, ...]
    if isinstance(named, citations.RecordCitation):
        where, values = "id >= ? AND id < ?", (named.prefix, named.prefix + "~")
    elif named is not None and named.ordinal is not None:
        where = "session >= ? AND session < ? AND ordinal = ?"
        values = (named.prefix, named.prefix + "~", named.ordinal)
    else:
        return None
    kinds = ",".join("?" * len(NOTE_KINDS))
    rows = connection.execute(
        f"SELECT id FROM records WHERE {where} AND project = ? AND kind IN ({kinds}) LIMIT 2",
        (*values, project, *NOTE_KINDS),
    ).fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None


def _leads_to(connection: sqlite3.Connection, start: str, end: str) -> bool:
    """Whether `start` replaces `end`, over any number of notes; also when it would take too long to say."""
    here: str | None = start
    for _ in range(_LONGEST):
        if here is None or here == end:
            return here == end
        row = connection.execute("SELECT supersedes FROM records WHERE id = ?", (here,)).fetchone()
        here = row[0] if row else None
    return True

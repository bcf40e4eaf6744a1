"""The full-text index of turns: SQLite FTS5, kept in the transaction that writes the records.

A turn's number says where it stands: project, session and place in it, so that a project is one range of
numbers, the turns next to it are the numbers next to it, and a window needs no storage of its own.

    project (18 bits) | session (24 bits) | place (20 bits)

In the full-text table turn T is row 2T, and row 2T+1 holds the words it says three times or more. The
table keeps no text (contentless) and no positions: what is found is read from the records.

All records up to `recall_through` (meta) are indexed, none after it. A journal that is older than the
index, or that another version wrote to, is caught up in pages, each a transaction of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from orchestrator.journal import schema, turns, words
from orchestrator.types import Record

PLACE_BITS = 20
SESSION_BITS = 24
PAGE = 2000

_THROUGH = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'recall_through'"
_KINDS = ",".join(f"'{kind}'" for kind in turns.TURN_KINDS)
_TURNS_AFTER = f"""
SELECT arrival, {schema.COLUMNS} FROM records
WHERE arrival > ? AND arrival <= ? AND kind IN ({_KINDS}) ORDER BY arrival"""


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether every record is indexed, by the rules of this version."""
    through, last = progress(connection)
    return through == last and (not last or _rules(connection) == str(words.VERSION))


def progress(connection: sqlite3.Connection) -> tuple[int, int]:
    """Arrival of the last record that is indexed, and of the newest there is."""
    return int(connection.execute(_THROUGH).fetchone()[0]), newest(connection)


def newest(connection: sqlite3.Connection) -> int:
    """Arrival of the newest record; 0 in an empty journal."""
    return int(connection.execute("SELECT coalesce(max(arrival), 0) FROM records").fetchone()[0])


def add(connection: sqlite3.Connection, through: int, records: Sequence[Record]) -> None:
    """Index records just inserted after arrival `through`, unless older ones still wait for their turn.

    Needs the open transaction that inserted them; they were given the arrivals that follow.
    """
    indexed = connection.execute(_THROUGH).fetchone()[0]
    if indexed == 0 == through and _rules(connection) != str(words.VERSION):
        clear(connection)  # a new journal
    if indexed == through and _rules(connection) == str(words.VERSION):
        _index(connection, enumerate(records, through + 1), through + len(records))


def build_page(connection: sqlite3.Connection, most: int = PAGE) -> bool:
    """Index the next records; whether there are more. Needs an open transaction."""
    if _rules(connection) != str(words.VERSION):
        clear(connection)
    through, last = progress(connection)
    end = min(through + most, last)
    rows = connection.execute(_TURNS_AFTER, (through, end)).fetchall()
    _index(connection, ((arrival, schema.record_of(row)) for arrival, *row in rows), end)
    return end < last


def clear(connection: sqlite3.Connection) -> None:
    """Empty the index, so that it is built anew."""
    connection.execute("INSERT INTO recall_index(recall_index) VALUES ('delete-all')")
    for table in ("recall_projects", "recall_sessions", "recall_turns"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("UPDATE meta SET value = '0' WHERE key = 'recall_through'")
    connection.execute("UPDATE meta SET value = ? WHERE key = 'recall_words'", (str(words.VERSION),))


def remove(connection: sqlite3.Connection, arrival: int, record: Record) -> None:
    """Take a record's words out; its place stays. `record` still has its body. Needs a transaction."""
    if record.kind not in turns.TURN_KINDS or _rules(connection) != str(words.VERSION):
        return
    row = connection.execute(
        "SELECT t.turn, t.words, s.project FROM recall_sessions AS s JOIN recall_turns AS t"
        f" ON t.turn BETWEEN s.number << {PLACE_BITS} AND ((s.number + 1) << {PLACE_BITS}) - 1"
        " JOIN recall_projects AS p ON p.number = s.project"
        " WHERE s.session = ? AND p.project = ? AND t.arrival = ?",
        (record.session, record.project, arrival),
    ).fetchone()
    if row is None:
        return
    turn, count, project = row
    every, often, _ = turns.indexed(record.kind, record.body, record.wall)
    for number, text in ((2 * turn, every), (2 * turn + 1, often)):
        if text:
            connection.execute(
                "INSERT INTO recall_index(recall_index, rowid, words) VALUES ('delete', ?, ?)", (number, text)
            )
    at_ms = turns.milliseconds(record.wall, record.ts[0])
    connection.execute("UPDATE recall_turns SET words = 0, at_ms = ? WHERE turn = ?", (at_ms, turn))
    connection.execute("UPDATE recall_projects SET words = words - ? WHERE number = ?", (count, project))


def _rules(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE key = 'recall_words'").fetchone()
    return str(row[0])


def _index(connection: sqlite3.Connection, records: Iterable[tuple[int, Record]], end: int) -> None:
    places = _Places(connection)
    stored, rows = [], []
    for arrival, record in records:
        if record.kind not in turns.TURN_KINDS:
            continue
        every, often, count = turns.indexed(record.kind, record.body, record.wall)
        turn = places.next(record.project, record.session, count)
        said = turns.milliseconds(turns.said_at(record.body, record.wall), record.ts[0])
        stored.append((turn, arrival, count, said))
        rows += [(2 * turn, every)] if every else []
        rows += [(2 * turn + 1, often)] if often else []
    rows.sort()  # the full-text table takes rising rows at once, and writes out before one that falls
    connection.executemany("INSERT INTO recall_turns VALUES (?, ?, ?, ?)", stored)
    connection.executemany("INSERT INTO recall_index(rowid, words) VALUES (?, ?)", rows)
    places.save()
    connection.execute("UPDATE meta SET value = ? WHERE key = 'recall_through'", (str(end),))


class _Places:
    """Gives turns their numbers, and counts them, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._projects: dict[str, int] = {}
        self._sessions: dict[tuple[int, str], list[int]] = {}
        self._sums: dict[int, list[int]] = {}

    def next(self, project: str, session: str, count: int) -> int:
        """The number of the session's next turn, which has `count` words."""
        owner = self._projects.get(project) or self._project(project)
        place = self._sessions.get((owner, session)) or self._session(owner, session)
        if place[1] == 1 << PLACE_BITS:
            place = self._new_session(owner, session)
        sums = self._sums.setdefault(owner, [0, 0])
        sums[0] += 1
        sums[1] += count
        place[1] += 1
        return (place[0] << PLACE_BITS) + place[1] - 1

    def save(self) -> None:
        self._connection.executemany(
            "UPDATE recall_sessions SET turns = ? WHERE number = ?",
            ((count, number) for number, count in self._sessions.values()),
        )
        self._connection.executemany(
            "UPDATE recall_projects SET turns = turns + ?, words = words + ? WHERE number = ?",
            ((*sums, number) for number, sums in self._sums.items()),
        )

    def _project(self, project: str) -> int:
        query = "SELECT number FROM recall_projects WHERE project = ?"
        row = self._connection.execute(query, (project,)).fetchone()
        if row is None:
            cursor = self._connection.execute(
                "INSERT INTO recall_projects (project, turns, words) VALUES (?, 0, 0)", (project,)
            )
            row = (cursor.lastrowid,)
        self._projects[project] = int(row[0])
        return int(row[0])

    def _session(self, owner: int, session: str) -> list[int]:
        query = "SELECT max(number), turns FROM recall_sessions WHERE session = ? AND project = ?"
        number, count = self._connection.execute(query, (session, owner)).fetchone()
        if number is None:
            return self._new_session(owner, session)
        self._sessions[owner, session] = [number, count]
        return self._sessions[owner, session]

    def _new_session(self, owner: int, session: str) -> list[int]:
        if (full := self._sessions.get((owner, session))) is not None:
            self._connection.execute("UPDATE recall_sessions SET turns = ? WHERE number = ?", full[::-1])
        first = owner << SESSION_BITS
        query = "SELECT max(number) FROM recall_sessions WHERE number BETWEEN ? AND ?"
        last = self._connection.execute(query, (first, first + (1 << SESSION_BITS) - 1)).fetchone()[0]
        number = first if last is None else last + 1
        self._connection.execute("INSERT INTO recall_sessions VALUES (?, ?, ?, 0)", (number, owner, session))
        self._sessions[owner, session] = [number, 0]
        return self._sessions[owner, session]

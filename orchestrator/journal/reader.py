"""Reading the journal: records in order, notes that still hold, and what a citation names."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, get_args

from orchestrator.errors import JournalError
from orchestrator.journal import citations, schema
from orchestrator.journal.canonical import canonical
from orchestrator.journal.failures import explained
from orchestrator.paths import Home
from orchestrator.types import NOTE_KINDS, Kind, Record

T = TypeVar("T")

_LIVE_NOTES = f"""
SELECT {schema.COLUMNS} FROM records AS note INDEXED BY by_project_kind
WHERE project = ? AND kind = ? AND body IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM records AS grave WHERE grave.kind = 'tombstone'
                  AND grave.entity = note.entity AND grave.project = note.project)
  AND NOT EXISTS (
    SELECT 1 FROM records AS newer WHERE newer.supersedes = note.id AND newer.project = note.project
    AND (coalesce(json_extract(newer.body, '$.status'), '') <> 'claimed'
         OR json_extract(note.body, '$.status') = 'claimed')
    AND NOT EXISTS (SELECT 1 FROM records AS grave WHERE grave.kind = 'tombstone'
                    AND grave.entity = newer.entity AND grave.project = newer.project))
ORDER BY ts_ms DESC, ts_ctr DESC, dev DESC LIMIT ?"""

_ENDLESS = 2**63 - 1
_AT_ONCE = 500  # values of one statement
# One walk of an index a kind: a single `IN` would read all of a kind's history to sort it.
_NEWEST_OF_KIND = """
SELECT arrival FROM (SELECT arrival FROM records INDEXED BY by_arrival
WHERE project = ? AND kind = ? AND arrival > ? AND arrival < ? ORDER BY arrival DESC LIMIT ?)"""
_NEWEST = f"""
SELECT arrival, ordinal, {schema.COLUMNS} FROM records WHERE arrival IN (
  SELECT arrival FROM ({{each}}) ORDER BY arrival DESC LIMIT ?) ORDER BY arrival"""


class JournalReader:
    """Queries over an open database. Safe between threads; every error is a `JournalError`."""

    def __init__(self, home: Home, connection: sqlite3.Connection) -> None:
        self._home = home
        self._connection = connection
        self._thread = threading.RLock()

    def records(
        self,
        *,
        project: str | None = None,
        session: str | None = None,
        kinds: Iterable[Kind] | None = None,
        since_ms: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Record]:
        """Records in the order of their timestamps; `limit` keeps the first of that order."""
        wanted: list[Kind | None] = [None] if kinds is None else list(dict.fromkeys(kinds))
        # A session is small: a `+` keeps SQLite from reading the project's index instead of its own.
        small = "+" if session is not None else ""
        found: list[Record] = []
        for kind in wanted:  # one ordered index each; `IN` would sort all of history
            conditions = {
                f"{small}project = ?": project,
                "session = ?": session,
                f"{small}kind = ?": kind,
                "ts_ms >= ?": since_ms,
            }
            used = {text: value for text, value in conditions.items() if value is not None}
            where = f"WHERE {' AND '.join(used)}" if used else ""
            way = "DESC" if newest_first else "ASC"
            found += self._select(
                f"{where} ORDER BY ts_ms {way}, ts_ctr {way}, dev {way} LIMIT ?",
                (*used.values(), -1 if limit is None else max(limit, 0)),
            )
        if len(wanted) > 1:
            found.sort(key=lambda record: (record.ts, record.dev), reverse=newest_first)
        return found if limit is None else found[: max(limit, 0)]

    def after(
        self,
        arrival: int,
        *,
        project: str,
        kinds: Iterable[Kind] = (),
        limit: int,
        before: int | None = None,
    ) -> list[tuple[int, Record, str]]:
        """(arrival, record, citation) of the newest `limit` of a project's records, oldest first.

        Arrival counts what this node stored, from 1. Only records that arrived after `arrival` and,
        where given, before `before`; of all kinds when `kinds` is empty.
        """
        wanted = tuple(dict.fromkeys(kinds)) or get_args(Kind)
        end = _ENDLESS if before is None else before
        limit = max(limit, 0)
        values = [value for kind in wanted for value in (project, kind, arrival, end, limit)]
        query = _NEWEST.format(each=" UNION ALL ".join([_NEWEST_OF_KIND] * len(wanted)))
        with self._thread, explained(self._home.journal):
            rows = self._connection.execute(query, (*values, limit)).fetchall()
            found = [(number, ordinal, schema.record_of(row)) for number, ordinal, *row in rows]
            sessions = {record.session for _, _, record in found}
            prefixes = {session: self._session_prefix(session) for session in sessions}
        return [
            (number, record, citations.form(prefixes[record.session], ordinal))
            for number, ordinal, record in found
        ]

    def live_notes(self, project: str, limit: int | None = None) -> list[Record]:
        """Notes that still hold, oldest first: not superseded, not tombstoned, not redacted.

        Of each kind the newest `limit`.

        A note is superseded by one of the same project whose `body.supersedes` is its id, whether or
        not that one has been superseded itself. What a model only claims retires nothing that a
        person said. A tombstone hides its `entity`, and with it what that note superseded comes back.
        """
        most = -1 if limit is None else max(limit, 0)
        found = [note for kind in NOTE_KINDS for note in self._query(_LIVE_NOTES, (project, kind, most))]
        return sorted(found, key=lambda record: (record.ts, record.dev))

    def standing(self, records: Sequence[Record]) -> list[Record]:
        """Those that no tombstone of their project hides, in the order given."""
        hidden: set[tuple[str, str]] = set()
        for start in range(0, len(records), _AT_ONCE):
            entities = [record.entity for record in records[start : start + _AT_ONCE]]
            marks = ",".join("?" * len(entities))
            query = f"SELECT project, entity FROM records WHERE kind = 'tombstone' AND entity IN ({marks})"
            hidden.update((row[0], row[1]) for row in self.rows(query, entities))
        return [record for record in records if (record.project, record.entity) not in hidden]

    def by_id_prefix(self, prefix: str, limit: int = 10) -> list[Record]:
        """Records whose id begins with `prefix`, at most `limit`."""
        return self._select("WHERE id >= ? AND id < ? ORDER BY id LIMIT ?", (prefix, prefix + "~", limit))

    def around(self, record: Record, count: int) -> list[Record]:
        """The record with up to `count` of its session's before it and after it, in order."""
        place = self._column("SELECT ordinal FROM records WHERE id = ?", (record.id,))[0]
        return self._select(
            "WHERE session = ? AND ordinal BETWEEN ? AND ? ORDER BY ordinal",
            (record.session, place - count, place + count),
        )

    def containing(self, text: str, limit: int) -> list[Record]:
        """Records whose body holds the text, oldest first. Reads the whole journal."""
        written = canonical(text).decode()[1:-1]
        return self._select("WHERE instr(body, ?) ORDER BY arrival LIMIT ?", (written, limit))

    def in_order(self, project: str | None, page: int = 500) -> Iterator[Record]:
        """Every record, of a project where given, in order of arrival; a page at a time."""
        arrival = 0
        where = "arrival > ?" if project is None else "arrival > ? AND project = ?"
        query = f"SELECT arrival, {schema.COLUMNS} FROM records WHERE {where} ORDER BY arrival LIMIT ?"
        scope = () if project is None else (project,)
        while rows := self.rows(query, (arrival, *scope, page)):
            arrival = rows[-1][0]
            yield from (schema.record_of(row) for _, *row in rows)

    def known_ids(self, ids: Iterable[str]) -> set[str]:
        """Those of the texts that are ids of records."""
        whole = [text for text in ids if len(text) == 64]
        marks = ",".join("?" * len(whole))
        return set(self._column(f"SELECT id FROM records WHERE id IN ({marks})", whole)) if whole else set()

    def _select(self, rest: str, values: Sequence[object]) -> list[Record]:
        return self._query(f"SELECT {schema.COLUMNS} FROM records {rest}", values)

    def _query(self, query: str, values: Sequence[object]) -> list[Record]:
        with self._thread, explained(self._home.journal):
            return [schema.record_of(row) for row in self._connection.execute(query, values)]

    def rows(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Rows of a query of this package's own, such as `sessions`."""
        with self._thread, explained(self._home.journal):
            return self._connection.execute(query, values).fetchall()

    def reading(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` finds, all of it in one state of the journal."""
        with self._thread, explained(self._home.journal):
            self._connection.execute("BEGIN")
            try:
                return work(self._connection)
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")

    def _column(self, query: str, values: Sequence[object]) -> list[Any]:
        with self._thread, explained(self._home.journal):
            return [row[0] for row in self._connection.execute(query, values)]

    # --- citations ------------------------------------------------------------------------------

    def cite(self, record: Record) -> str:
        """`S7f3a#3`."""
        ordinals = self._column("SELECT ordinal FROM records WHERE id = ?", (record.id,))
        return citations.form(self._session_prefix(record.session), ordinals[0] if ordinals else None)

    def cite_session(self, session: str) -> str:
        """`S7f3a`."""
        return citations.form(self._session_prefix(session))

    def resolve(self, citation: str) -> list[Record]:
        """The records that `S7f3a#3`, `S7f3a` or the beginning of a record's id names, oldest first.

        Raises `JournalError` when that is nothing, or more than one session or record.
        """
        named = citations.parse(citation)
        if named is None:
            remedy = "Write S7f3a#3, S7f3a, or the first characters of a record's id."
            raise JournalError(f"{citation!r} is not a citation.", remedy)
        if isinstance(named, citations.RecordCitation):
            return self._single(citation, self.by_id_prefix(named.prefix), [])
        query = "SELECT session FROM sessions WHERE session >= ? AND session < ? ORDER BY session LIMIT 10"
        sessions = self._column(query, (named.prefix, named.prefix + "~"))
        if named.prefix in sessions:
            sessions = [named.prefix]
        if named.ordinal is None:
            if len(sessions) == 1:
                return self.records(session=sessions[0])
            return self._single(citation, [], [self.cite_session(session) for session in sessions])
        found: list[Record] = []
        for session in sessions:
            found += self._select("WHERE session = ? AND ordinal = ?", (session, named.ordinal))
        return self._single(citation, found, [])

    def _single(self, citation: str, found: list[Record], others: list[str]) -> list[Record]:
        if len(found) == 1:
            return found
        candidates = others or [f"{self.cite(record)} ({record.id[:12]})" for record in found]
        if candidates:
            listed = ", ".join(candidates)
            raise JournalError(f"{citation} is ambiguous: it may be {listed}.", "Write more characters.")
        raise JournalError(f"There is no {citation} in this journal.", "See `orch log --all`.")

    def _session_prefix(self, session: str) -> str:
        query = (
            "SELECT max(session) FROM sessions WHERE session < ?1"
            " UNION ALL SELECT min(session) FROM sessions WHERE session > ?1"
        )
        return citations.shortest_prefix(session, tuple(filter(None, self._column(query, (session,)))))

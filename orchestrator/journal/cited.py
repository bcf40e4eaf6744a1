"""What many citations name at once, and which of the notes among them no longer hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.journal import citations, schema
from orchestrator.journal.reader import JournalReader
from orchestrator.types import Record

_PAGE = 400  # values of one query
# As in `reader.live_notes`: what a model only claims retires nothing that a person said, and a note that
# was taken back retires nothing.
_RETIRED = """
SELECT note.id, newer.id FROM records AS note JOIN records AS newer
  ON newer.supersedes = note.id AND newer.project = note.project
WHERE note.id IN ({marks})
  AND (coalesce(json_extract(newer.body, '$.status'), '') <> 'claimed'
       OR json_extract(note.body, '$.status') = 'claimed')
  AND NOT EXISTS (SELECT 1 FROM records AS grave WHERE grave.kind = 'tombstone'
                  AND grave.entity = newer.entity AND grave.project = newer.project)
UNION ALL
SELECT note.id, grave.id FROM records AS note JOIN records AS grave
  ON grave.kind = 'tombstone' AND grave.entity = note.entity AND grave.project = note.project
WHERE note.id IN ({marks})"""


@dataclass(frozen=True, slots=True)
class Cited:
    """What one citation names: a record, or a `session` whole; neither where it names nothing.

    `ambiguous`: it has become too short, and names more than one.
    """

    record: Record | None = None
    session: str = ""
    ambiguous: bool = False

    def __bool__(self) -> bool:
        return self.record is not None or bool(self.session)


def cited(reader: JournalReader, wanted: Iterable[str]) -> dict[str, Cited]:
    """Each citation ("S7f3a#3", "S7f3a", the beginning of an id) with what it names in this journal."""
    found = {text: Cited() for text in wanted}
    by_prefix: dict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for text in found:
        named = citations.parse(text)
        if isinstance(named, citations.SessionCitation):
            by_prefix[named.prefix].append((text, named.ordinal))
        elif named is not None:
            found[text] = _single(reader.by_id_prefix(named.prefix, 2))
    for prefix, members in by_prefix.items():
        sessions = _sessions(reader, prefix)
        ordinals = {ordinal for _, ordinal in members if ordinal is not None}
        rows = _records(reader, sessions, sorted(ordinals))
        for text, ordinal in members:
            if ordinal is not None:
                found[text] = _single(rows.get(ordinal, []))
            elif sessions:
                found[text] = Cited(session=sessions[0]) if len(sessions) == 1 else Cited(ambiguous=True)
    return found


def number_of(reader: JournalReader, record: Record) -> str:
    """`D2`, for a decision: how many its project had by then; "" for other records."""
    if record.kind != "decision":
        return ""
    query = (
        "SELECT count(*) FROM records WHERE project = ? AND kind = 'decision'"
        " AND (ts_ms, ts_ctr, dev) <= (?, ?, ?)"
    )
    return f"D{reader.rows(query, (record.project, *record.ts, record.dev))[0][0]}"


def records_of(reader: JournalReader, ids: Iterable[str]) -> list[Record]:
    """The records with these ids, as far as they are here."""
    found = []
    for page in _pages([identity for identity in dict.fromkeys(ids) if len(identity) == 64]):
        query = f"SELECT {schema.COLUMNS} FROM records WHERE id IN ({_marks(page)})"
        found += [schema.record_of(row) for row in reader.rows(query, page)]
    return found


def retired(reader: JournalReader, notes: Iterable[Record]) -> dict[str, Record]:
    """Those of the notes that hold no longer, by id, each with the record that took its place or hid it."""
    by: dict[str, str] = {}
    for page in _pages([note.id for note in notes]):
        by |= dict(reader.rows(_RETIRED.format(marks=_marks(page)), (*page, *page)))
    newer = {record.id: record for record in records_of(reader, by.values())}
    return {identity: newer[other] for identity, other in by.items()}


def frames(reader: JournalReader, sessions: Iterable[str], most: int) -> list[Record]:
    """How each session began and ended, and the first `most` prompts of it: what a line is told within."""
    found = []
    for session in dict.fromkeys(sessions):
        found += reader.records(session=session, kinds=("session",), limit=most)
        found += reader.records(session=session, kinds=("message",), limit=most)
    return found


def _sessions(reader: JournalReader, prefix: str) -> list[str]:
    query = "SELECT session FROM sessions WHERE session >= ? AND session < ? ORDER BY session LIMIT 10"
    found = [str(row[0]) for row in reader.rows(query, (prefix, prefix + "~"))]
    return [prefix] if prefix in found else found


def _records(
    reader: JournalReader, sessions: Sequence[str], ordinals: Sequence[int]
) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = defaultdict(list)
    for session in sessions:
        for page in _pages(ordinals):
            query = (
                f"SELECT ordinal, {schema.COLUMNS} FROM records INDEXED BY by_ordinal"
                f" WHERE session = ? AND ordinal IN ({_marks(page)})"
            )
            for ordinal, *row in reader.rows(query, (session, *page)):
                found[ordinal].append(schema.record_of(row))
    return found


def _single(found: Sequence[Record]) -> Cited:
    return Cited(found[0]) if len(found) == 1 else Cited(ambiguous=bool(found))


def _pages(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _PAGE):
        yield values[start : start + _PAGE]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))

"""Sync over one journal: what this node holds, what a peer lacks, and taking in what a peer sends.

Stateless between calls and crash-only: the vector is read from stored rows, a page is one transaction,
and a page that comes twice changes nothing. Safe between threads; no lock is held between calls.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from orchestrator.journal import schema
from orchestrator.journal.forks import mark
from orchestrator.journal.intake import Intake, begin_epoch
from orchestrator.journal.store import NODE, PRIVATE, SqliteJournal
from orchestrator.sync import wire
from orchestrator.sync.plan import Segment, plan
from orchestrator.sync.verify import claimed, verified
from orchestrator.sync.wire import Head, Key, Page, Received, Rejected, Vector
from orchestrator.types import Record

Streams = Collection[str] | None
"""Ids of projects, and perhaps `node`; None: all. `private` is never among them."""

_HEADS = """
SELECT h.dev, h.epoch, h.stream, h.seq, r.id FROM heads AS h JOIN records AS r
ON r.dev = h.dev AND r.epoch = h.epoch AND r.stream = h.stream AND r.seq = h.seq"""
_AFTER = f"""
SELECT {schema.COLUMNS} FROM records
WHERE dev = ? AND epoch = ? AND stream = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"""
_SEQ = schema.COLUMNS.split(", ").index("seq")
_ID_AT = "SELECT id FROM records WHERE dev = ? AND epoch = ? AND stream = ? AND seq = ?"


@dataclass(frozen=True, slots=True)
class PageSize:
    """A page ends with the record that reaches one of both."""

    records: int = wire.MAX_RECORDS
    bytes: int = wire.PAGE_BYTES

    def halved(self) -> PageSize:
        return PageSize(max(self.records // 2, 1), max(self.bytes // 2, 1))


WHOLE = PageSize()


class SyncEngine:
    """Every error is a `JournalError`."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal

    def heads(self, streams: Streams = None) -> dict[Key, Head]:
        """The vector: the last record of each chain that is held without a gap."""
        return self._journal.reading(lambda connection: _heads(connection, streams))

    def segments(self, vector: Vector, streams: Streams = None) -> list[Segment]:
        """What a peer with this vector lacks."""
        return self._journal.reading(
            lambda connection: plan(
                _heads(connection, streams), vector, lambda key, head: _knows(connection, key, head)
            )
        )

    def page(self, vector: Vector, streams: Streams = None, size: PageSize = WHOLE) -> Page:
        """The first page of what a peer with this vector lacks, with our heads; the answer to a pull."""

        def read(connection: sqlite3.Connection) -> Page:
            heads = _heads(connection, streams)
            segments = plan(heads, vector, lambda key, head: _knows(connection, key, head))
            return _page(connection, segments, size, heads)[0]

        return self._journal.reading(read)

    def pages(self, vector: Vector, streams: Streams = None, size: PageSize = WHOLE) -> Iterator[Page]:
        """All that a peer with this vector lacks now, a page at a time; without heads, for a push."""
        segments = self.segments(vector, streams)
        while segments:
            page, segments = self.next_page(segments, size)
            yield page

    def next_page(self, segments: list[Segment], size: PageSize = WHOLE) -> tuple[Page, list[Segment]]:
        """The first page of these segments, and what is left of them."""
        return self._journal.reading(lambda connection: _page(connection, segments, size, {}))

    def receive(self, page: Page, allowed: Streams = None) -> Received:
        """Take a peer's page in; durable when this returns. Only records of `allowed` streams.

        A line that is no record, or may not come from this peer, is rejected, and what follows it in its
        chain with it; the rest of the page is taken.
        """
        rejected: list[Rejected] = []
        blocked: dict[Key, None] = {}
        records: list[tuple[int, Record]] = []
        for number, line in enumerate(page.lines, 1):
            try:
                record = verified(line)
                _check_allowed(record, allowed)
                records.append((number, record))
            except ValueError as error:
                identity, key = claimed(line)
                rejected.append(Rejected(number, identity, str(error)))
                blocked |= {key: None} if key else {}
        return self._journal.take_in(lambda intake: _receive(intake, page, records, rejected, blocked))

    def begin_epoch(self, forked: Collection[Key]) -> bool:
        """After a peer found these chains forked: where one is this node's own, it begins a new epoch."""
        mine = any(key[:2] == self._journal.device for key in forked)
        if mine:
            self._journal.writing(begin_epoch)
        return mine


def _check_allowed(record: Record, allowed: Streams) -> None:
    if record.stream == PRIVATE:
        raise ValueError("private records stay where they were made")
    if record.stream != (record.project or NODE):
        raise ValueError("it stands in another project's stream")
    if allowed is not None and record.stream not in allowed:
        raise ValueError("this stream is not open to the sender")


def _receive(
    intake: Intake,
    page: Page,
    records: list[tuple[int, Record]],
    rejected: list[Rejected],
    blocked: dict[Key, None],
) -> Received:
    base = {tuple(key): tuple(head) for key, head in page.base.items()}
    lines = {(record.id, record.salt): page.lines[number - 1] for number, record in records}
    intake.begin(base, lines)  # type: ignore[arg-type]
    reached: dict[Key, Head] = {}
    for number, record in records:
        key = Key(record.dev, record.epoch, record.stream)
        if reason := intake.take(record):
            rejected.append(Rejected(number, record.id, reason))
            blocked[key] = None
            continue
        reached[key] = max(reached.get(key, Head(0, "")), Head(record.seq, record.id))
    intake.end()
    touched = {*reached, *(Key(*chain) for chain in intake.forked)}
    touched |= {Key(one.dev, one.epoch, one.stream) for one in intake.added}
    heads = _heads_of(intake.connection, touched)
    return Received(
        heads=heads,
        rejected=tuple(sorted(rejected)),
        forked=tuple(Key(*chain) for chain in intake.forked),
        stored=len(intake.added),
        suspect=intake.suspect,
        reached=reached,
        blocked=tuple(blocked),
    )


def _heads(connection: sqlite3.Connection, streams: Streams) -> dict[Key, Head]:
    rows = connection.execute(f"{_HEADS} WHERE h.stream <> ?", (PRIVATE,))
    return {
        Key(*key): Head(seq, identity) for *key, seq, identity in rows if streams is None or key[2] in streams
    }


def _heads_of(connection: sqlite3.Connection, keys: Collection[Key]) -> dict[Key, Head]:
    found = {}
    for key in keys:
        query = f"{_HEADS} WHERE h.dev = ? AND h.epoch = ? AND h.stream = ?"
        for *_, seq, identity in connection.execute(query, key):
            found[key] = Head(seq, identity)
    return found


def _knows(connection: sqlite3.Connection, key: Key, head: Head) -> bool | None:
    row = connection.execute(_ID_AT, (*key, head.seq)).fetchone()
    if row is not None:
        return bool(row[0] == head.id)
    elsewhere = connection.execute("SELECT 1 FROM records WHERE origin = ?", (head.id,)).fetchone()
    return False if elsewhere else None


def _page(
    connection: sqlite3.Connection, segments: list[Segment], size: PageSize, heads: Vector
) -> tuple[Page, list[Segment]]:
    lines: list[bytes] = []
    base: dict[Key, Head] = {}
    left = segments
    room = size.bytes
    while left and room > 0 and len(lines) < size.records:
        key, after, last = left[0]
        taken: list[bytes] = []
        for row in connection.execute(_AFTER, (*key, after, last, size.records - len(lines))):
            line = schema.line_of(row)
            if len(line) > room and (lines or taken):
                room = 0
                break
            taken.append(line)
            room -= len(line)
            if row[_SEQ] == last or room <= 0:
                break
        before = _mark_at(connection, key, after) if after and taken else ""
        if taken and (before or not after):
            if after:
                base[key] = Head(after, before)
            lines += taken
            after += len(taken)
            left = left[1:] if after == last else [Segment(key, after, last), *left[1:]]
        elif room > 0:
            left = left[1:]  # the chain was put in order since the plan was made
    return Page(tuple(lines), base, heads, more=bool(left)), left


def _mark_at(connection: sqlite3.Connection, key: Key, seq: int) -> str:
    query = f"SELECT {schema.COLUMNS} FROM records WHERE dev = ? AND epoch = ? AND stream = ? AND seq = ?"
    row = connection.execute(query, (*key, seq)).fetchone()
    return "" if row is None else mark(schema.record_of(row))

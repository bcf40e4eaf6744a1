"""Recall: what was said and decided before, in whole turns, dated and cited, within a budget."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.journal import citations, index, schema, turns
from orchestrator.journal.ranking import PROJECT_SHIFT, Range, Turn, Window, rank
from orchestrator.journal.store import PRIVATE, SqliteJournal
from orchestrator.journal.words import query_words
from orchestrator.types import Kind, Record

CHARS_PER_TOKEN = 4
_LOADED = 16  # windows whose records are read at a time
_PATIENCE = 40  # windows looked at after the first turn that did not fit
_SEARCHED = 2_000_000  # characters of a turn too large, for what was asked
_EVERYTHING: Range = (0, (1 << 62) - 1)
_RETIRED = """
SELECT note.arrival FROM records AS note WHERE note.arrival IN (SELECT value FROM json_each(?)) AND (
  EXISTS (SELECT 1 FROM records AS grave WHERE grave.kind = 'tombstone'
          AND grave.entity = note.entity AND grave.project = note.project)
  OR EXISTS (
    SELECT 1 FROM records AS newer WHERE newer.supersedes = note.id AND newer.project = note.project
    AND (coalesce(json_extract(newer.body, '$.status'), '') <> 'claimed'
         OR json_extract(note.body, '$.status') = 'claimed')
    AND NOT EXISTS (SELECT 1 FROM records AS grave WHERE grave.kind = 'tombstone'
                    AND grave.entity = newer.entity AND grave.project = newer.project)))"""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One turn. `id` is its record's; `source_id` and `session` are its own where it was imported.

    `timestamp` is ISO 8601: when it was said. `content` is whole, unless `cut`: a turn larger than the
    whole budget is shown around what was asked for.
    """

    id: str
    source_id: str
    session: str
    timestamp: str
    role: str
    content: str
    kind: str
    citation: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Recalled:
    """`tokens` of all contents; `left_out` turns fit the question too, but not the budget.

    `share` says how much of the question the best window holds, 0 to 1, `held` how many of its words.
    """

    excerpts: tuple[Excerpt, ...]
    tokens: int
    left_out: int
    share: float = 0.0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look. `projects` None: everywhere. `without` holds ids of records to pass over."""

    projects: tuple[str, ...] | None = None
    since_ms: int | None = None
    kinds: Collection[Kind] = ()
    private: bool = True
    roles: Collection[str] = ()
    without: Collection[str] = field(default_factory=frozenset)
    without_session: str = ""
    least: float = 0.0
    """Windows below this share of the best one's score are left away, and those that overlap a better one."""


class Recall:
    """Questions to one journal. Raises `JournalError`."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal

    def build(self, progress: Callable[[int, int], None] | None = None, pages: int | None = None) -> bool:
        """Index what is not yet, at most so many pages; whether all of it is now.

        Each page is a transaction of its own: killed at any point, the next call goes on. `progress`
        hears how many records are done, of how many.
        """
        while not self._journal.reading(index.is_current):
            if pages == 0:
                return False
            pages = None if pages is None else pages - 1
            done, total = self._journal.index_page()
            if progress:
                progress(done, total)
        return True

    def ask(self, question: str, budget: int, scope: Scope | None = None) -> Recalled:
        """The turns that fit the question best, in at most `budget` tokens of content."""
        scope = scope or Scope()
        return self._journal.reading(lambda connection: _ask(connection, question, budget, scope))


def _ask(connection: sqlite3.Connection, question: str, budget: int, scope: Scope) -> Recalled:
    words = query_words(question)
    windows = rank(connection, words, _ranges(connection, scope.projects))
    if not windows:
        return Recalled((), 0, 0)
    best = windows[0]
    if scope.least:
        windows = _apart(window for window in windows if window.score >= scope.least * best.score)
    pack = _Pack(connection, budget * CHARS_PER_TOKEN, scope, words)
    for start in range(0, len(windows), _LOADED):
        if not pack.take(windows[start : start + _LOADED]):
            break
    pack.take_again()
    candidates = {turn.arrival for window in windows for turn in window.turns}
    return Recalled(
        pack.excerpts(),
        -(-pack.used // CHARS_PER_TOKEN),
        max(len(candidates) - len(pack.seen), 0),
        best.share,
        best.held,
    )


def _ranges(connection: sqlite3.Connection, projects: Sequence[str] | None) -> list[Range]:
    if projects is None:
        return [_EVERYTHING]
    query = "SELECT number FROM recall_projects WHERE project = ?"
    found = (connection.execute(query, (project,)).fetchone() for project in dict.fromkeys(projects))
    return sorted(
        (number << PROJECT_SHIFT, ((number + 1) << PROJECT_SHIFT) - 1) for (number,) in filter(None, found)
    )


def _apart(windows: Iterable[Window]) -> list[Window]:
    """Those that share no turn with a better one."""
    kept: list[Window] = []
    taken: set[int] = set()
    for window in windows:
        numbers = {turn.number for turn in window.turns}
        if taken.isdisjoint(numbers):
            kept.append(window)
            taken |= numbers
    return kept


class _Pack:
    """Windows packed into a budget of characters: of each the middle turn first, every turn once."""

    def __init__(self, connection: sqlite3.Connection, room: int, scope: Scope, words: Sequence[str]) -> None:
        self._connection = connection
        self._room = room
        self._scope = scope
        self._words = words
        self._said: set[str] = set()
        self._again: list[Turn] = []
        self._windows: list[list[tuple[int, Excerpt]]] = []
        self._patience = _PATIENCE
        self._prefixes: dict[str, str] = {}
        self.seen: set[int] = set()
        """Arrivals of turns that were taken, or that are not to be shown."""
        self.used = 0

    def take(self, windows: Sequence[Window]) -> bool:
        """Pack what fits; False when it is full."""
        records = self._records({turn.arrival for window in windows for turn in window.turns})
        retired = self._retired(records)
        for window in windows:
            taken: list[tuple[int, Excerpt]] = []
            for turn in window.turns:
                if turn.arrival in self.seen:
                    continue
                ordinal, record = records[turn.arrival]
                text = turns.content(record.kind, record.body)
                if turn.arrival in retired or not self._wanted(turn, record, text):
                    self.seen.add(turn.arrival)
                elif self._repeats(record, text):
                    self._again.append(turn)
                elif (shown := self._fitting(text)) is not None:
                    self._said.add(_folded(text))
                    self._add(turn, record, ordinal, shown, text, taken)
            if taken:
                self._windows.append(taken)
            if self._patience <= 0 or self.used >= self._room:
                return False
        return True

    def _repeats(self, record: Record, text: str) -> bool:
        """Whether a model said word for word what was taken already; a person who does says it anew."""
        return turns.role(record.kind, record.body) == "assistant" and _folded(text) in self._said

    def take_again(self) -> None:
        """What a model said again word for word, where there is room left."""
        for turn in dict.fromkeys(self._again):
            ordinal, record = self._records([turn.arrival])[turn.arrival]
            text = turns.content(record.kind, record.body)
            if turn.arrival not in self.seen and len(text) <= self._room - self.used:
                self._windows.append([])
                self._add(turn, record, ordinal, text, text, self._windows[-1])

    def _add(
        self,
        turn: Turn,
        record: Record,
        ordinal: int,
        shown: str,
        text: str,
        taken: list[tuple[int, Excerpt]],
    ) -> None:
        self.seen.add(turn.arrival)
        self.used += len(shown)
        taken.append((turn.number, self._excerpt(record, ordinal, shown, shown != text)))

    def excerpts(self) -> tuple[Excerpt, ...]:
        """Best window first, with all that was taken right beside it, in the order it was said."""
        spans: list[dict[int, Excerpt]] = []
        for window in self._windows:
            near = {number + step for number, _ in window for step in (-1, 0, 1)}
            span = next((span for span in spans if not near.isdisjoint(span)), None)
            if span is None:
                spans.append(dict(window))
            else:
                span.update(window)
        return tuple(span[number] for span in spans for number in sorted(span))

    def _records(self, arrivals: Iterable[int]) -> dict[int, tuple[int, Record]]:
        query = (
            f"SELECT arrival, ordinal, {schema.COLUMNS} FROM records"
            " WHERE arrival IN (SELECT value FROM json_each(?))"
        )
        rows = self._connection.execute(query, (json.dumps(sorted(arrivals)),))
        return {arrival: (ordinal, schema.record_of(row)) for arrival, ordinal, *row in rows}

    def _retired(self, records: dict[int, tuple[int, Record]]) -> set[int]:
        """Notes that were superseded or hidden, and messages that were hidden."""
        rows = self._connection.execute(_RETIRED, (json.dumps(list(records)),))
        return {arrival for (arrival,) in rows}

    def _wanted(self, turn: Turn, record: Record, text: str) -> bool:
        scope = self._scope
        if not text.strip() or record.id in scope.without:
            return False
        if scope.without_session and record.session == scope.without_session:
            return False
        if not scope.private and record.stream == PRIVATE:
            return False
        if scope.kinds and record.kind not in scope.kinds:
            return False
        if scope.roles and turns.role(record.kind, record.body) not in scope.roles:
            return False
        return scope.since_ms is None or turn.at_ms >= scope.since_ms

    def _fitting(self, text: str) -> str | None:
        room = self._room - self.used
        if len(text) <= room:
            return text
        if len(text) > self._room and not self.used:
            return _around(text, self._words, room)
        self._patience -= 1
        return None

    def _excerpt(self, record: Record, ordinal: int, text: str, cut: bool) -> Excerpt:
        body: Any = record.body or {}
        return Excerpt(
            id=record.id,
            source_id=str(body.get("source_id", "")),
            session=str(body.get("source_session") or record.session),
            timestamp=turns.said_at(body, record.wall),
            role=turns.role(record.kind, body),
            content=text,
            kind=record.kind,
            citation=citations.form(self._prefix(record.session), ordinal),
            cut=cut,
        )

    def _prefix(self, session: str) -> str:
        if session not in self._prefixes:
            query = (
                "SELECT max(session) FROM sessions WHERE session < ?1"
                " UNION ALL SELECT min(session) FROM sessions WHERE session > ?1"
            )
            others = (row[0] for row in self._connection.execute(query, (session,)))
            self._prefixes[session] = citations.shortest_prefix(session, tuple(filter(None, others)))
        return self._prefixes[session]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _around(text: str, words: Sequence[str], room: int) -> str | None:
    """`room` characters of the text where most of the words stand, cut marks included."""
    if room < 40:
        return None
    pattern = "|".join(re.escape(word[: max(4, len(word) - 2)]) for word in words) or r"\w"
    places = [match.start() for match in re.finditer(pattern, text[:_SEARCHED], re.IGNORECASE)] or [0]
    inside = room - 2
    best, first = (0, places[0]), 0
    for last, place in enumerate(places):
        while place - places[first] > inside * 3 // 4:
            first += 1
        best = max(best, (last - first + 1, -places[first]), key=lambda pair: pair[0])
    start = max(0, abs(best[1]) - inside // 8)
    start = min(start, len(text) - inside)
    return f"…{text[start : start + inside]}…"


def shown(excerpts: Iterable[Excerpt]) -> Iterator[str]:
    """One block an excerpt, as people and models read it: date, who, citation; the text, indented.

    A text in this form is known again when somebody quotes it (`turns.own_words`).
    """
    for excerpt in excerpts:
        when = excerpt.timestamp[:16].replace("T", " ") or "????-??-??"
        said = excerpt.content.strip().replace("\n", "\n    ")
        yield f"{when} {' '.join(excerpt.role.split())} [{excerpt.citation}]\n    {said}"

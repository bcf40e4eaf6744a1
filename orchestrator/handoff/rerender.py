"""What records can say: the renderers of the documents, run over nothing but the records that a line cites.

A line is true to its evidence when these renderers, given that evidence alone, yield this very line. So a
citation that was swapped fails as one that is missing does, whatever kind of line it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

from orchestrator.documents import citations
from orchestrator.documents.citations import Evidence
from orchestrator.handoff import evidence
from orchestrator.handoff.facts import Fact, SessionFacts
from orchestrator.journal.cited import cited, frames, records_of
from orchestrator.journal.reader import JournalReader
from orchestrator.types import NOTE_KINDS, Kind, Record

_FRAME = 20  # records of a session that tell how it began, ended, and what was asked
_LOOSE = re.compile(r"\s+")


class CitedRecords:
    """`evidence.CitingJournal` that holds a few records and no others, named as a document names them."""

    def __init__(
        self,
        records: Iterable[Record],
        notes: Collection[str],
        names: Mapping[str, str],
        journal: JournalReader,
    ) -> None:
        unique = {record.id: record for record in records}
        self._records = sorted(unique.values(), key=lambda record: (record.ts, record.dev))
        self._notes = notes
        self._names = names
        self._journal = journal

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
        wanted = None if kinds is None else set(kinds)
        found = [
            record
            for record in self._records
            if project in (None, record.project)
            and session in (None, record.session)
            and (wanted is None or record.kind in wanted)
            and (since_ms is None or record.ts[0] >= since_ms)
        ]
        if newest_first:
            found.reverse()
        return found if limit is None else found[:limit]

    def live_notes(self, project: str, limit: int | None = None) -> list[Record]:
        """Those cited: whether they still hold is asked elsewhere."""
        notes = [record for record in self.records(project=project) if record.id in self._notes]
        return [record for record in notes if record.kind in NOTE_KINDS and record.body is not None]

    def standing(self, records: Sequence[Record]) -> list[Record]:
        return self._journal.standing(records)

    def cite(self, record: Record) -> str:
        return self._names.get(record.id) or self._journal.cite(record)

    def cite_session(self, session: str) -> str:
        return self._journal.cite_session(session)


class Told:
    """Facts as a reader of their lines finds them, to look lines up in."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._by_cites: dict[tuple[str, ...], list[Evidence]] = defaultdict(list)
        for fact in facts:
            found = citations.evidence(fact.line)
            self._by_cites[found.cites].append(found)

    @classmethod
    def of_lines(cls, lines: Iterable[citations.Line]) -> Told:
        """The lines of a document that was made anew."""
        told = cls(())
        for line in lines:
            told._by_cites[line.evidence.cites].append(line.evidence)
        return told

    def has(self, line: Evidence, prefixes: Sequence[re.Pattern[str]]) -> bool:
        """Whether the line is one of them: its text behind a prefix of the template, the same evidence."""
        return any(_same(line, own, prefixes) for own in self._by_cites.get(line.cites, ()))

    def elsewhere(self, line: Evidence, prefixes: Sequence[re.Pattern[str]]) -> bool:
        """Whether one of them says the same and rests on something else."""
        others = (own for cites, found in self._by_cites.items() if cites != line.cites for own in found)
        return any(_text_of(line, own, prefixes) for own in others)

    def of(self, records: Iterable[str]) -> list[Evidence]:
        """Those that rest on these records and no others."""
        wanted = set(records)
        return [own for found in self._by_cites.values() for own in found if set(own.records) == wanted]


class Rerender:
    """Yields of the renderers of briefing and log, for one project; each is asked once."""

    def __init__(self, journal: JournalReader, project: str, name: str) -> None:
        self._journal = journal
        self._project = project
        self._name = name
        self._yields: dict[tuple[str, ...], Told] = {}
        self._frames: dict[str, list[Record]] = {}
        self._sessions: dict[str, Told] = {}

    def session(self, session: str) -> Told:
        """The facts of a session's log entry, from all its records: some of them count and sum."""
        if session not in self._sessions:
            self._sessions[session] = Told(facts_in(self._session(session)))
        return self._sessions[session]

    def yields(self, cites: Sequence[str]) -> Told:
        """The facts that these records, and no others, give rise to."""
        key = tuple(cites)
        if key not in self._yields:
            named = cited(self._journal, key)
            self._yields[key] = self._told(
                key, [one.record for one in map(named.get, key) if one and one.record]
            )
        return self._yields[key]

    def _session(self, session: str) -> SessionFacts:
        ends = self._journal.records(session=session, kinds=("session",), newest_first=True, limit=1)
        reason = str((ends[0].body or {}).get("reason", "done")) if ends else "done"
        return evidence.collect_session(self._journal, self._project, session, reason)

    def _told(self, cites: tuple[str, ...], records: Sequence[Record]) -> Told:
        if not records or len(records) != len(cites):
            return Told(())
        causes = records_of(self._journal, (parent for record in records for parent in record.parents))
        frame = [record for one in {record.session for record in records} for record in self._frame(one)]
        names = {record.id: cite for cite, record in zip(cites, records, strict=True)}
        view = CitedRecords([*records, *causes, *frame], names.keys(), names, self._journal)
        return Told(facts_in(evidence.collect_briefing(view, self._project, self._name)))

    def _frame(self, session: str) -> list[Record]:
        if session not in self._frames:
            self._frames[session] = frames(self._journal, [session], _FRAME)
        return self._frames[session]


def facts_in(value: object) -> Iterator[Fact]:
    """Every fact of a value made of dataclasses and tuples, in order."""
    if isinstance(value, Fact):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from facts_in(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from facts_in(getattr(value, part.name))


def _same(line: Evidence, own: Evidence, prefixes: Sequence[re.Pattern[str]]) -> bool:
    flagged = line.stale or own.stale
    if not flagged and (line.status, line.exit_code) != (own.status, own.exit_code):
        return False
    return _text_of(line, own, prefixes)


def _text_of(line: Evidence, own: Evidence, prefixes: Sequence[re.Pattern[str]]) -> bool:
    """Whether the line's text is the fact's, behind what the template writes before it."""
    text, whole = _LOOSE.sub(" ", own.text).strip(), _LOOSE.sub(" ", line.text).strip()
    if not whole.endswith(text):
        return False
    before = whole[: len(whole) - len(text)].strip()
    return not before or any(prefix.fullmatch(before) for prefix in prefixes)

"""SESSION_LOG.md of one project: an entry a session, each made from that session's records."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from itertools import takewhile
from pathlib import Path

from orchestrator.documents.plain import flat
from orchestrator.documents.tiers import LOG
from orchestrator.handoff import evidence, render, session_log
from orchestrator.handoff.facts import SessionFacts
from orchestrator.handoff.pen import Pen
from orchestrator.handoff.templates import Templates
from orchestrator.journal.reader import JournalReader
from orchestrator.types import HandoverLine, Record
from orchestrator.workspaces import Project

UNCLOSED = 50
"""Sessions that are looked at for a missing entry, the newest."""


class ProjectLog:
    """`guard` is held while the file is written, by `pen`."""

    def __init__(
        self,
        project: Project,
        folder: Path,
        journal: JournalReader,
        templates: Templates,
        guard: Callable[[], AbstractContextManager[None]],
        pen: Pen,
    ) -> None:
        self._project = project
        self._folder = folder
        self._journal = journal
        self._templates = templates
        self._guard = guard
        self._pen = pen
        self._path = folder / LOG.filename

    def create(self) -> str:
        """Make the file with its title; "created" or "unchanged"."""
        with self._guard():
            made = session_log.create(self._path, (self._folder,), self._name)
        return "created" if made else "unchanged"

    def close(self, session: str, reason: str) -> None:
        """Add the entry of a session that ends now, if it did anything."""
        facts = evidence.collect_session(self._journal, self._project.id, session, reason)
        with self._guard():
            self._add(session, facts)

    def close_all(self, running: Collection[str] = ()) -> int:
        """Add the entries of sessions that ended after the newest one with an entry; how many there were.

        Older ones are left alone: somebody may have taken their entries out. `running` have not ended.
        """
        seen = session_log.sessions_in(self._path, (self._folder,))
        starts = self._journal.records(
            project=self._project.id, kinds=("session",), newest_first=True, limit=2 * UNCLOSED
        )
        fresh = dict.fromkeys(takewhile(lambda name: name not in seen, (one.session for one in starts)))
        with self._guard():
            ended = reversed([name for name in fresh if name not in running])
            return sum(self._add(session, self._facts(session)) for session in ended)

    def insert_missing(self) -> int:
        """Add the entries of sessions that ended, each at its place in time; how many there were."""
        ends = self._journal.records(project=self._project.id, kinds=("session",))
        ended = dict.fromkeys(one.session for one in ends if _is_end(one))
        there = session_log.sessions(self._path, (self._folder,))
        missing = [one for one in ended if not session_log.is_there(one, there)]
        entries = {one: self.entry(one) for one in missing if not self._is_copy(one)}
        if entries:
            with self._guard():
                session_log.insert_entries(self._path, (self._folder,), self._name, list(ended), entries)
        return len(entries)

    def entry(self, session: str) -> str:
        """The session's entry as its records give it now."""
        return render.session_entry(self._facts(session), self._templates)

    def redo(self, session: str, before: str) -> None:
        """Bring the entry up to date, where it still is as it was `before`."""
        with self._guard():
            session_log.without(self._path, (self._folder,), session, before, self.entry(session))

    def done(self, session: str) -> tuple[HandoverLine, ...]:
        """What the session changed and tested, and what failed."""
        facts, name = self._facts(session), self._journal.cite_session(session)
        return tuple(
            HandoverLine(
                "done",
                fact.text,
                evidence=", ".join((*(_whole(name, cite) for cite in fact.cites), fact.status)),
            )
            for fact in (*facts.changes, *facts.tests, *facts.dead_ends)
        )

    def _add(self, session: str, facts: SessionFacts) -> bool:
        if (facts.empty and not facts.ended) or self._is_copy(session):
            return False
        entry = render.session_entry(facts, self._templates)
        return session_log.add_entry(self._path, (self._folder,), self._name, session, entry, self._pen)

    def _is_copy(self, session: str) -> bool:
        """Whether it answered a device that recorded the same itself."""
        states = self._journal.records(session=session, kinds=("session",), limit=1)
        return bool(states and (states[0].body or {}).get("copy"))

    def _facts(self, session: str) -> SessionFacts:
        ends = self._journal.records(session=session, kinds=("session",), newest_first=True, limit=1)
        reason = str((ends[0].body or {}).get("reason", "done")) if ends else "done"
        return evidence.collect_session(self._journal, self._project.id, session, reason)

    @property
    def _name(self) -> str:
        return flat(self._project.name, 80)


def _is_end(record: Record) -> bool:
    return record.stream != "private" and (record.body or {}).get("event") == "end"


def _whole(session: str, cite: str) -> str:
    """The citation with its session: in its own entry of the log a session leaves out its name."""
    return f"{session}{cite}" if cite.startswith("#") else cite

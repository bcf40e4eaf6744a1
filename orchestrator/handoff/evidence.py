"""Collects what the journal knows: one session for its log entry, a project for its briefing.

Nothing reads all of history: each query is limited, and the newest comes first. Private records
are left out here, so that no document can hold them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from orchestrator.documents.plain import code, first_line, first_sentence, flat
from orchestrator.handoff import runs
from orchestrator.handoff.facts import CLAIMED, VERIFIED, BriefingFacts, Fact, Section, SessionFacts
from orchestrator.handoff.notes import facts_of
from orchestrator.handoff.session_facts import Outcome, outcomes, session_facts, test_facts
from orchestrator.ports import Journal
from orchestrator.types import Kind, Record

SESSION_RECORDS = 3000
"""Records of one session that are looked at, the newest where there are more."""
RECENT_MESSAGES = 120
RECENT_SESSIONS = 20
RECENT_CALLS = 300
LAST_MESSAGES = 4
NOTES = 400


class CitingJournal(Journal, Protocol):
    """A journal that also names sessions the way documents do."""

    def cite_session(self, session: str) -> str:
        """The session as documents cite it: "S7f3a"."""
        ...

    def standing(self, records: Sequence[Record]) -> list[Record]:
        """Those that no tombstone hides: what was rewound did not happen."""
        ...


def collect_session(journal: CitingJournal, project: str, session: str, reason: str) -> SessionFacts:
    """The session's own records, and nothing else."""
    records = journal.records(project=project, session=session, newest_first=True, limit=SESSION_RECORDS)
    if len(records) == SESSION_RECORDS:  # the start still says what it began with
        records += journal.records(project=project, session=session, kinds=("session",), limit=1)
    return session_facts(
        session,
        journal.cite_session(session),
        journal.standing(_public(reversed(records))),
        reason,
        journal.cite,
    )


def collect_briefing(journal: CitingJournal, project: str, name: str) -> BriefingFacts:
    """Live notes, the last session that was asked something, and what failed lately."""
    notes = _public(journal.live_notes(project)[-NOTES:])[::-1]
    messages = _messages(journal, project)
    calls = _recent(journal, project, ("tool_call", "tool_result"), RECENT_CALLS)
    by_kind = {kind: facts_of([note for note in notes if note.kind == kind], journal.cite) for kind in _NOTES}
    tried = outcomes(calls[::-1])
    last = next((record.session for record in messages if _role(record) == "user"), "")
    states = _public(journal.records(project=project, session=last, kinds=("session",))) if last else []
    ends = [record for record in states if (record.body or {}).get("event") == "end"]
    lessons = by_kind["lesson"]
    lessons.sort(key=lambda fact: not (len(fact.cites) > 1 or fact.status != CLAIMED))
    sections = (
        Section("Settled decisions", tuple(by_kind["decision"]), 0.35, "older decisions", rising=True),
        Section("Lessons", tuple(lessons), 0.15, "lessons"),
        Section("Notes", tuple(by_kind["note"]), 0.1, "notes", rising=True),
        Section("Blockers", tuple(by_kind["blocker"]), 0.15, "blockers"),
        Section("Also to do", tuple(by_kind["next"][1:]), 0.08, "older next steps"),
        Section("Dead ends: do not try again", _dead_ends(tried, journal), 0.12, "dead ends"),
        Section(
            "Last session",
            _last_session(journal, last, messages, tried, ends),
            0.2,
            "lines of the last session",
        ),
    )
    used = [*notes, *messages[:1], *ends]
    return BriefingFacts(
        name=flat(name, 80),
        newest=max(used, key=lambda record: record.ts).wall[:16].replace("T", " ") if used else "",
        where=_where(states, journal),
        next_step=by_kind["next"][0] if by_kind["next"] else None,
        sections=tuple(section for section in sections if section.facts),
    )


_NOTES: tuple[Kind, ...] = ("decision", "lesson", "blocker", "next", "note")


def _messages(journal: CitingJournal, project: str) -> list[Record]:
    """The newest of what was said here, newest first: not what was imported, which may fill all history."""
    found = _recent(journal, project, ("message",), RECENT_MESSAGES)
    own = [record for record in found if not _imported(record)]
    if len(own) == len(found):
        return found
    for start in _recent(journal, project, ("session",), RECENT_SESSIONS):
        if len(own) < LAST_MESSAGES and start.session not in {record.session for record in own}:
            own += _public(
                journal.records(
                    session=start.session, kinds=("message",), newest_first=True, limit=LAST_MESSAGES
                )
            )
    return sorted(own, key=lambda record: (record.ts, record.dev), reverse=True)


def _imported(record: Record) -> bool:
    return bool((record.body or {}).get("source"))


def _recent(journal: CitingJournal, project: str, kinds: Sequence[Kind], limit: int) -> list[Record]:
    found = journal.records(project=project, kinds=kinds, newest_first=True, limit=limit)
    return journal.standing(_public(found))


def _public(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.stream != "private" and record.body is not None]


def _role(record: Record) -> object:
    return (record.body or {}).get("role")


def _dead_ends(tried: Mapping[tuple[str, str], Outcome], journal: CitingJournal) -> tuple[Fact, ...]:
    """Commands whose latest run failed. What they printed is a tool's text and stays in the log."""
    return tuple(
        Fact(f"{runs.shown(*key)}: exit {outcome.exit_code}", (journal.cite(outcome.record),), VERIFIED)
        for key, outcome in reversed(list(tried.items()))
        if outcome.failed and outcome.exit_code and not runs.test_run(*key) and not runs.probe(key[1])
    )


def _last_session(
    journal: CitingJournal,
    last: str,
    messages: Sequence[Record],
    tried: Mapping[tuple[str, str], Outcome],
    ends: Sequence[Record],
) -> tuple[Fact, ...]:
    said = [record for record in messages if record.session == last and _text(record).strip()]
    facts = [_said(record, journal) for record in said[:LAST_MESSAGES][::-1]]
    mine = {key: outcome for key, outcome in tried.items() if outcome.record.session == last}
    changed: dict[str, Record] = {}
    for outcome in mine.values():
        changed |= {path: outcome.record for path in outcome.changed}
    for path, record in list(changed.items())[-8:]:
        facts.append(Fact(f"Changed {code(path)}", (journal.cite(record),), VERIFIED))
    facts += test_facts(mine, journal.cite)
    for end in ends[-1:]:
        if (reason := flat(str((end.body or {}).get("reason")), 40)) not in ("done", "None"):
            facts.append(Fact(f"It ended early: {reason}", (journal.cite(end),), VERIFIED))
    return tuple(facts)


def _said(record: Record, journal: CitingJournal) -> Fact:
    if _role(record) == "user":
        return Fact(f"Asked: {first_line(_text(record))}", (journal.cite(record),))
    return Fact(f"Answered: {first_sentence(_text(record))}", (journal.cite(record),), CLAIMED)


def _where(states: Sequence[Record], journal: CitingJournal) -> Fact | None:
    for record in states:
        body = record.body or {}
        if body.get("event") == "start" and isinstance(body.get("branch"), str) and body["branch"]:
            text = f"Branch {code(body['branch'], 60)}"
            if isinstance(body.get("commit"), str) and body["commit"]:
                text += f" at {flat(body['commit'], 12).rstrip('…')}"
            if isinstance(body.get("dirty"), int) and body["dirty"]:
                text += f", {body['dirty']} files uncommitted"
            return Fact(f"{text}, when the last session began", (journal.cite(record),), VERIFIED)
    return None


def _text(record: Record) -> str:
    value = (record.body or {}).get("text")
    return value if isinstance(value, str) else ""

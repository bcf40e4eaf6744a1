"""Collects what the journal and git know: one session for its log entry, a project for its briefing.

Nothing reads all of history: each query is limited, and the newest comes first. Private records
are left out here, so that no document can hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from orchestrator.documents.plain import code, first_line, first_sentence, flat
from orchestrator.handoff import git_state, runs, selection
from orchestrator.handoff.contradictions import contradictions
from orchestrator.handoff.facts import (
    CLAIMED,
    VERIFIED,
    BriefingFacts,
    Fact,
    Section,
    SessionFacts,
)
from orchestrator.handoff.git_state import GitState
from orchestrator.handoff.notes import facts_of, note_fact, vouched
from orchestrator.handoff.session_facts import Outcome, outcomes, session_facts, test_facts
from orchestrator.handoff.telling import ANSWERED, ASKED
from orchestrator.types import NOTE_KINDS, Kind, Record

SESSION_RECORDS = 3000
"""Records of one session that are looked at, the newest where there are more."""
RECENT_MESSAGES = 120
RECENT_SESSIONS = 20
RECENT_CALLS = 300
LAST_MESSAGES = 12
"""Of the last session; `telling` keeps the newest that say something."""
NOTES = 60
"""Of each kind, the newest: more than a usual budget has room for."""
GOAL_NOTES = 300
"""The same where there is a goal: what has to do with it may be old."""
TESTS = 6

Tried = Mapping[tuple[str, str], Outcome]
Look = Callable[[str], GitState | None]
"""Takes the commit to count from ("": none); None where there is no repository to look at."""


class CitingJournal(Protocol):
    """What is read of a journal: its records, its notes that hold, and how documents name them."""

    def records(
        self,
        *,
        project: str | None = None,
        session: str | None = None,
        kinds: Iterable[Kind] | None = None,
        since_ms: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Record]: ...

    def live_notes(self, project: str, limit: int | None = None) -> list[Record]: ...

    def cite(self, record: Record) -> str: ...

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


def no_git(since: str) -> GitState | None:
    return None


def collect_briefing(
    journal: CitingJournal, project: str, name: str, look: Look = no_git, most: int = NOTES
) -> BriefingFacts:
    """Live notes, where git stands, the last session that was asked something, and what failed lately.

    `most` notes of each kind are looked at, more where there is a goal.
    """
    found = journal.live_notes(project, most)
    if most < GOAL_NOTES and any(note.kind == "goal" for note in found):
        most = GOAL_NOTES
        found = journal.live_notes(project, most)
    notes = _public(found)[::-1]
    by_kind: dict[Kind, list[Record]] = {kind: [] for kind in NOTE_KINDS}
    for note in notes:
        by_kind[note.kind].append(note)
    facts = {kind: facts_of(of_kind, journal.cite) for kind, of_kind in by_kind.items()}
    more = frozenset(kind for kind in NOTE_KINDS if sum(note.kind == kind for note in found) == most)
    work = _work(journal, project, look)
    goal = _goal(by_kind["goal"])
    conflicts = _contradictions(by_kind["decision"][:NOTES], journal)
    used = [*notes, *work.messages[:1], *work.ends]
    briefing = BriefingFacts(
        name=flat(name, 80),
        newest=max(used, key=lambda record: record.ts).wall[:16].replace("T", " ") if used else "",
        where=(git_state.where(work.git) if work.git else None) or _where(work.states, journal),
        goal=note_fact(goal, journal.cite) if goal else None,
        next_step=facts["next"][0] if facts["next"] else None,
        sections=(*_note_sections(facts, more, conflicts, work, journal), *_work_sections(work, journal)),
        recorded=bool(used or work.tried),
    )
    return selection.selected(briefing, goal.body or {}) if goal else briefing


@dataclass(frozen=True, slots=True)
class _Work:
    """What was said and done lately, and where git stands; `last` is the session that was asked something."""

    messages: Sequence[Record]
    tried: Mapping[tuple[str, str], Outcome]
    last: str
    states: Sequence[Record]
    git: GitState | None

    @property
    def ends(self) -> list[Record]:
        return [record for record in self.states if (record.body or {}).get("event") == "end"]


def _work(journal: CitingJournal, project: str, look: Look) -> _Work:
    messages = _messages(journal, project)
    calls = _recent(journal, project, ("tool_call", "tool_result"), RECENT_CALLS)
    last = next((record.session for record in messages if _role(record) == "user"), "")
    states = _public(journal.records(project=project, session=last, kinds=("session",))) if last else []
    return _Work(messages, outcomes(calls[::-1]), last, states, look(_began_at(states)))


def _note_sections(
    facts: Mapping[Kind, Sequence[Fact]],
    more: Collection[Kind],
    conflicts: tuple[Fact, ...],
    work: _Work,
    journal: CitingJournal,
) -> tuple[Section, ...]:
    """What somebody noted: it seldom changes, so it comes first."""
    return (
        _noted("Constraints", facts, "constraint", 0.12, "constraints", more),
        _noted("Settled decisions", facts, "decision", 0.3, "older decisions", more, rising=True),
        Section(
            "Decisions that may contradict each other: ask before relying on one",
            conflicts,
            0.08,
            "contradictions",
        ),
        replace(_noted("Lessons", facts, "lesson", 0.12, "lessons", more), facts=_lessons(facts["lesson"])),
        _noted("Notes", facts, "note", 0.08, "notes", more, rising=True),
        _noted("Blockers", facts, "blocker", 0.12, "blockers", more),
        replace(
            _noted("Also to do", facts, "next", 0.08, "older next steps", more),
            facts=tuple(facts["next"][1:]),
        ),
        Section(
            "Dead ends: do not try again",
            (*facts["dead_end"], *_dead_ends(work.tried, journal)),
            0.12,
            "dead ends",
            kinds=("dead_end", "tool_result"),
            more="dead_end" in more,
        ),
    )


def _work_sections(work: _Work, journal: CitingJournal) -> tuple[Section, ...]:
    """What git, tests and the last session say: each session changes it."""
    failing, passing = _tests(work.tried, journal)
    commits = git_state.commit_facts(work.git) if work.git else ()
    return (
        Section("Newest commits", commits, 0.1, "lines of git's history"),
        Section(
            "Being worked on", _open_work(work.git, failing, work.tried, journal), 0.12, "lines of open work"
        ),
        Section(
            "Tests, newest run of each that does not fail",
            tuple(passing),
            0.08,
            "test runs",
            kinds=("tool_result",),
        ),
        Section(
            "Last session",
            _last_session(journal, work.last, work.messages, work.tried, work.ends),
            0.2,
            "lines of the last session",
            kinds=("message",),
        ),
    )


def _noted(
    title: str,
    facts: Mapping[Kind, Sequence[Fact]],
    kind: Kind,
    share: float,
    what: str,
    more: Iterable[Kind],
    *,
    rising: bool = False,
) -> Section:
    return Section(title, tuple(facts[kind]), share, what, rising, (kind,), kind in more)


def _lessons(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Those that two sessions or a person vouch for come first."""
    return tuple(sorted(facts, key=lambda fact: not vouched(fact)))


def _contradictions(decisions: Sequence[Record], journal: CitingJournal) -> tuple[Fact, ...]:
    """Reported and not resolved: which one holds is for a person to say. `decisions` newest first."""
    return tuple(
        Fact(pair.says, (journal.cite(pair.older), journal.cite(pair.newer)))
        for pair in contradictions(decisions[::-1])
    )


def _goal(goals: Sequence[Record]) -> Record | None:
    """The newest that a person set, else the newest; `goals` newest first."""
    return next((goal for goal in goals if (goal.body or {}).get("by") == "user"), next(iter(goals), None))


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
    """What documents may tell: nothing private, and of what two nodes recorded one only."""
    return [
        record
        for record in records
        if record.stream != "private" and record.body is not None and not record.body.get("copy")
    ]


def _role(record: Record) -> object:
    return (record.body or {}).get("role")


def _dead_ends(tried: Tried, journal: CitingJournal) -> tuple[Fact, ...]:
    """Commands whose latest run failed. What they printed is a tool's text and stays in the log."""
    return tuple(
        Fact(f"{runs.shown(*key)}: exit {outcome.exit_code}", (journal.cite(outcome.record),), VERIFIED)
        for key, outcome in reversed(list(tried.items()))
        if outcome.failed and outcome.exit_code and not runs.test_run(*key) and not runs.probe(key[1])
    )


def _open_work(
    state: GitState | None, failing: Iterable[Fact], tried: Tried, journal: CitingJournal
) -> tuple[Fact, ...]:
    """Tests that fail, what is not committed and who changed it, what is not merged."""
    if state is None:
        return tuple(failing)
    by = {path: outcome.record for outcome in tried.values() for path in outcome.changed if state.dirty}
    changed = {path: journal.cite(record) for path, record in by.items()}
    return (*failing, *git_state.open_work(state, changed))


def _tests(tried: Tried, journal: CitingJournal) -> tuple[list[Fact], list[Fact]]:
    """The newest run of each test command, newest first, and whether files changed after it: those that
    failed, and the others."""
    changes = [outcome.record for outcome in tried.values() if outcome.changed]
    failing: list[Fact] = []
    others: list[Fact] = []
    for key, outcome in reversed(list(tried.items())):
        later = [record for record in changes if record.ts > outcome.record.ts]
        for fact in test_facts({key: outcome}, journal.cite, why=False):
            if later:
                text = f"{fact.text}; files were changed after that"
                cites = (*fact.cites, journal.cite(max(later, key=lambda record: record.ts)))
                fact = replace(fact, text=text, cites=cites)
            (failing if outcome.exit_code and fact.status else others).append(fact)
    return failing[:TESTS], others[:TESTS]


def _last_session(
    journal: CitingJournal,
    last: str,
    messages: Sequence[Record],
    tried: Tried,
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
    for end in ends[-1:]:
        if (reason := flat(str((end.body or {}).get("reason")), 40)) not in ("done", "None"):
            facts.append(Fact(f"It ended early: {reason}", (journal.cite(end),), VERIFIED))
    return tuple(facts)


def _said(record: Record, journal: CitingJournal) -> Fact:
    if _role(record) == "user":
        return Fact(f"{ASKED}{first_line(_text(record))}", (journal.cite(record),))
    return Fact(f"{ANSWERED}{first_sentence(_text(record))}", (journal.cite(record),), CLAIMED)


def _began_at(states: Sequence[Record]) -> str:
    """The commit that a session began at; "" where it is not known."""
    commits = [(record.body or {}).get("commit") for record in states]
    return next((commit for commit in commits if isinstance(commit, str) and commit), "")


def _where(states: Sequence[Record], journal: CitingJournal) -> Fact | None:
    for record in states:
        body = record.body or {}
        if body.get("event") == "start" and isinstance(body.get("branch"), str) and body["branch"]:
            text = f"Branch {code(body['branch'], 60)}"
            if isinstance(body.get("commit"), str) and body["commit"]:
                text += f" at {flat(body['commit'], 12).rstrip('…')}"
            if isinstance(body.get("dirty"), int) and body["dirty"]:
                text += f", {git_state.counted(body['dirty'], 'file')} uncommitted"
            return Fact(f"{text}, when the last session began", (journal.cite(record),), VERIFIED)
    return None


def _text(record: Record) -> str:
    value = (record.body or {}).get("text")
    return value if isinstance(value, str) else ""

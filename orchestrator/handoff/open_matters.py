"""What a project's records and documents leave open, each with its evidence: what its goals come from.

Every query is limited, and the newest comes first. Private records are left out, as from documents.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.documents import citations
from orchestrator.documents.plain import code, flat, prose
from orchestrator.documents.tiers import BRIEFING, PROJECT
from orchestrator.handoff import document, runs, stale
from orchestrator.handoff.evidence import CitingJournal
from orchestrator.handoff.facts import CONFIRMED, VERIFIED
from orchestrator.handoff.notes import note_fact
from orchestrator.handoff.proposals import TEXT_CHARS, Matter, Open, as_check, named_check, subject
from orchestrator.handoff.rerender import facts_in
from orchestrator.handoff.session_facts import each_outcome
from orchestrator.handoff.stale import Claim
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.types import Kind, Record

NOTES = 200
"""Of each kind, the newest."""
CALLS = 4000
"""Records of calls and results that are looked at, the newest: what recurs may lie far apart."""
_NOTED: Mapping[Kind, tuple[Matter, str]] = {
    "blocker": ("blocker", "Resolve the blocker: "),
    "next": ("next step", ""),
    "dead_end": ("recurring", "Find another way than this dead end: "),
}
_VARIES = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{7,64}\b|\d+", re.IGNORECASE)
_SETTLED = "run again since"
"""Begins the reason of a stale line whose command ran anew: that run is looked at itself."""


def of_project(
    journal: CitingJournal, project: str, documents: ProjectDocuments, apart: Collection[str] = ()
) -> list[Open]:
    """Everything that is open, in no order. Raises `OrchError` where it cannot be looked up.

    `apart` are runs whose work is not merged: what passes in their worktrees does not pass in the project.
    """
    return [
        *_of_notes(journal, project),
        *_of_runs(journal, project, apart),
        *_of_documents(documents),
    ]


def _of_notes(journal: CitingJournal, project: str) -> Iterator[Open]:
    for note in journal.live_notes(project, NOTES):
        fact = note_fact(note, journal.cite) if note.kind in _NOTED and note.stream != "private" else None
        if fact is None:
            continue
        matter, before = _NOTED[note.kind]
        text, instead = (str((note.body or {}).get(name) or "") for name in ("text", "instead"))
        # what a model wrote names no command that a person would be told to run
        check = named_check(text) if fact.status == CONFIRMED else ""
        yield Open(
            matter,
            subject(text),
            flat(before + _undashed(prose(text, TEXT_CHARS)), TEXT_CHARS),
            fact.cites,
            fact.status,
            check,
            f"do instead: {flat(instead, 160)}" if instead else "",
            session=note.session,
            seen=note.ts,
        )


# --- runs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of a command, whichever way it was recorded."""

    name: str
    about: str
    exit_code: int
    text: str
    record: Record


def _of_runs(journal: CitingJournal, project: str, apart: Collection[str]) -> Iterator[Open]:
    """Tests whose newest run failed, and commands that failed alike in several sessions."""
    elsewhere = _sessions_of(journal, project, apart) if apart else frozenset()
    history = [run for run in _runs(journal, project) if run.exit_code or run.record.session not in elsewhere]
    latest = {(run.name, run.about): run for run in history}
    failing = {key for key, run in latest.items() if run.exit_code}
    passed_at = {(run.name, run.about): run.record.ts for run in history if not run.exit_code}
    for run in history:
        key = (run.name, run.about)
        if not run.exit_code or key not in failing or (not run.about and not run.text):
            continue
        if run.name == "test" or runs.test_run(*key):
            if run.record.ts > passed_at.get(key, (0, 0)) and _own(run):
                yield _failing_test(run, journal)
        elif not runs.probe(run.about):
            yield _failing_command(run, journal)


def _runs(journal: CitingJournal, project: str) -> list[_Run]:
    """Oldest first: what tools ran, and the checks of runs (records of kind test)."""
    found = [
        _Run(name, about, outcome.exit_code, outcome.text, outcome.record)
        for (name, about), outcome in each_outcome(_recent(journal, project, ("tool_call", "tool_result")))
        if runs.is_command(name) and outcome.exit_code is not None
    ]
    found += [run for record in _recent(journal, project, ("test",)) if (run := _recorded(record))]
    # the same command is the same test, whoever ran it
    return sorted((_alike(run) for run in found), key=lambda run: (run.record.ts, run.record.dev))


def _sessions_of(journal: CitingJournal, project: str, apart: Collection[str]) -> frozenset[str]:
    """The sessions of these runs: the run's own, and those of its instances, whose start names it."""
    starts = journal.records(project=project, kinds=("session",), newest_first=True, limit=CALLS)
    told = (record.session for record in starts if (record.body or {}).get("run") in apart)
    return frozenset((*apart, *told))


def _alike(run: _Run) -> _Run:
    if run.name == "shell" and runs.test_run("shell", run.about):
        return _Run("test", run.about, run.exit_code, run.text, run.record)
    return run


def _recorded(record: Record) -> _Run | None:
    body = record.body or {}
    command, exit_code = body.get("command"), body.get("exit_code")
    if not isinstance(command, str) or not isinstance(exit_code, int) or not command.strip():
        return None
    return _Run("test", command.strip(), exit_code, str(body.get("text") or ""), record)


def _own(run: _Run) -> bool:
    """Whether the exit code is that of the tests."""
    return not runs.test_run("shell", run.about) or runs.own_exit_code(run.about)


def _failing_test(run: _Run, journal: CitingJournal) -> Open:
    seen = [runs.summary(run.text), f"exit {run.exit_code}"]
    what = "test" if runs.test_run("shell", run.about) else "check"
    return Open(
        "failing test",
        f"test: {run.about}",
        f"Make the {what} pass: {code(run.about, 200)}",
        (journal.cite(run.record),),
        VERIFIED,
        as_check(run.about) if run.name == "test" else "",
        ", ".join(part for part in seen if part),
        run.record.session,
        run.record.ts,
    )


def _failing_command(run: _Run, journal: CitingJournal) -> Open:
    """What it printed says what it has in common with others, and is told; it never becomes the goal."""
    why = runs.error_line(run.text)
    alike = _VARIES.sub("#", flat(why, 200).casefold()) or f"{run.name} {run.about}"
    return Open(
        "recurring",
        f"error: {alike}",
        f"Find out why {runs.shown(run.name, run.about)} fails, and mend the cause",
        (journal.cite(run.record),),
        VERIFIED,
        as_check(run.about) if run.name == "shell" and runs.single(run.about) else "",
        f"exit {run.exit_code}: {flat(why, 160)}" if why else f"exit {run.exit_code}",
        run.record.session,
        run.record.ts,
    )


def _recent(journal: CitingJournal, project: str, kinds: Sequence[Kind]) -> list[Record]:
    """Oldest first."""
    found = journal.records(project=project, kinds=kinds, newest_first=True, limit=CALLS)
    public = [record for record in found if record.stream != "private" and record.body is not None]
    return journal.standing(public)[::-1]


# --- documents ----------------------------------------------------------------------------------


def _of_documents(documents: ProjectDocuments) -> Iterator[Open]:
    """Lines of tiers 2 and 3 whose evidence no longer holds, one for those with the same reason."""
    flagged = [
        fact for fact in facts_in(documents.briefing_facts()) if fact.status.startswith(citations.STALE)
    ]
    for fact in flagged:
        yield _stale(BRIEFING.filename, fact.text, fact.cites, fact.status.removeprefix(citations.STALE))
    names = (BRIEFING.filename, PROJECT.filename)
    paths = [path for path in documents.paths if path.name in names]
    with documents.sources() as sources:
        for read in document.read(paths, (documents.root,)):
            lines = [line for line in citations.generated(read.text) if line.evidence]
            claims = [Claim(line.text, line.evidence) for line in lines]
            for line, reason in zip(lines, stale.reasons(claims, sources), strict=True):
                reason = reason or line.evidence.stale
                if reason and not reason.startswith(_SETTLED):
                    text = re.sub(r"^\s*[-*]\s+|\*\*", "", line.evidence.text)
                    yield _stale(read.tier.filename, text, line.evidence.cites, reason)


def _stale(name: str, text: str, cites: Iterable[str], reason: str) -> Open:
    reason = flat(reason, 120)
    return Open(
        "stale line",
        f"{name}: {reason}",
        flat(f"Bring up to date what {name} says, where {reason}: {text}", TEXT_CHARS),
        tuple(cites),
        f"{citations.STALE}{reason}",
        told=f"`orch handoff` makes generated lines of {name} anew",
    )


def _undashed(text: str) -> str:
    """A goal is an argument of a command, and must not look like an option."""
    return text.lstrip("-– ") or text

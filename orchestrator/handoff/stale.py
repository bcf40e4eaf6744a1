"""What no longer holds of what documents say: files gone, commits rebased away, decisions superseded,
tests with another outcome since.

The work is bounded by the lines asked about: a few queries for all of them, one look at each file, one git
call. Only what is known to be stale is called so: what this node cannot look up stays.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.documents.citations import Evidence
from orchestrator.documents.plain import code
from orchestrator.handoff import runs
from orchestrator.handoff.evidence import RECENT_CALLS
from orchestrator.handoff.reachable import lost
from orchestrator.handoff.session_facts import Outcome, outcomes
from orchestrator.journal.cited import Cited, cited, records_of, retired
from orchestrator.journal.reader import JournalReader
from orchestrator.types import NOTE_KINDS, Record
from orchestrator.vcs import Repository

MOST_LINES = 6000
"""Lines that are looked at in one go; later ones count as fresh."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where evidence is looked up. `repository` None: no git, or not of this project."""

    journal: JournalReader
    project: str
    root: Path
    repository: Repository | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A line and what it rests on, its record citations whole (`S7f3a#3`).

    `dated`: it tells what happened then, as entries of the log do; a later run does not make it stale.
    """

    text: str
    evidence: Evidence
    dated: bool = False
    folder: Path | None = None
    """What its places are relative to, where that is not the project."""


@dataclass(frozen=True, slots=True)
class _Known:
    named: Mapping[str, Cited]
    retired: Mapping[str, Record]
    lost: Mapping[str, str]
    runs: Mapping[str, tuple[str, str]]
    """Of a tool result's record id, the tool and target."""
    latest: Mapping[tuple[str, str], Outcome]


def reasons(claims: Sequence[Claim], sources: Sources) -> list[str]:
    """For each claim why it is stale, "" where it holds or cannot be looked up."""
    looked_at = claims[:MOST_LINES]
    named = cited(sources.journal, {cite for claim in looked_at for cite in claim.evidence.records})
    notes = [one.record for one in named.values() if one.record and one.record.kind in NOTE_KINDS]
    commits = {commit for claim in looked_at if claim.folder is None for commit in claim.evidence.commits}
    now = {cite for claim in looked_at if not claim.dated for cite in claim.evidence.records}
    ran, latest = _runs([record for cite in now if (record := named[cite].record)], sources)
    known = _Known(
        named,
        retired(sources.journal, notes),
        lost(sources.repository, sorted(commits)) if sources.repository else {},
        ran,
        latest,
    )
    found = [_reason(claim, known, sources) for claim in looked_at]
    return found + [""] * (len(claims) - len(found))


def there(root: Path, path: str) -> bool:
    """Whether the path leads to something below `root`; True also where it may not be looked up."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not path:
        return True
    try:
        return os.path.lexists(root / path)
    except (OSError, ValueError):
        return True


def _reason(claim: Claim, known: _Known, sources: Sources) -> str:
    records = [one.record for cite in claim.evidence.records if (one := known.named[cite]).record]
    mine = [record for record in records if record and record.project == sources.project]
    if mine and len(mine) == len(claim.evidence.records):
        if all(record.body is None for record in mine):
            return "what it rests on was forgotten"
        newer = [known.retired[record.id] for record in mine if record.id in known.retired]
        if len(newer) == len(mine):
            return _retired_by(newer[0], sources)
        if not claim.dated and (reason := _ran_again(mine, known, sources)):
            return reason
        changed = [path for record in mine for path in changed_paths(record)]
        if reason := _gone(sources.root, (path for path in changed if code(path, 120) in claim.text)):
            return reason
    root = claim.folder or sources.root
    if reason := _gone(root, (place.path for place in claim.evidence.places)):
        return reason
    missing = [commit for commit in claim.evidence.commits if commit in known.lost]
    if missing and len(missing) == len(claim.evidence.commits):
        return f"commit {missing[0]} {known.lost[missing[0]]}"
    return ""


def changed_paths(record: Record) -> list[str]:
    """The files that a tool's result says it changed."""
    paths = (record.body or {}).get("changed")
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


def _retired_by(record: Record, sources: Sources) -> str:
    if record.kind == "tombstone":
        return "it was taken back"
    return f"superseded by {sources.journal.cite(record)}"


def _gone(root: Path, paths: Iterable[str]) -> str:
    """Where all of them are gone: a line with one file left still leads somewhere."""
    named = list(dict.fromkeys(paths))
    if not named or any(there(root, path) for path in named):
        return ""
    shown = re.sub(r"[\[\],]", "_", named[0])  # it may become part of the evidence
    return f"{code(shown, 80)} is gone" if len(named) == 1 else f"its {len(named)} files are gone"


def _ran_again(records: Sequence[Record], known: _Known, sources: Sources) -> str:
    for record in records:
        latest = known.latest.get(known.runs.get(record.id, ("", "")))
        before = (record.body or {}).get("exit_code")
        if (
            latest
            and latest.record.ts > record.ts
            and latest.exit_code is not None
            and latest.exit_code != before
        ):
            return f"run again since with exit {latest.exit_code}, see {sources.journal.cite(latest.record)}"
    return ""


def _runs(
    records: Sequence[Record], sources: Sources
) -> tuple[dict[str, tuple[str, str]], dict[tuple[str, str], Outcome]]:
    """What the cited results were of, and the latest result of each; nothing older is read."""
    results = [
        record
        for record in records
        if record.project == sources.project
        and record.kind == "tool_result"
        and isinstance((record.body or {}).get("exit_code"), int)
    ]
    if not results:
        return {}, {}
    parents = (parent for result in results for parent in result.parents)
    calls = {call.id: call for call in records_of(sources.journal, parents)}
    ran: dict[str, tuple[str, str]] = {}
    for result in results:
        causes = [calls[parent] for parent in result.parents if parent in calls]
        ran[result.id] = next(iter(outcomes([*causes, result])))
    recent = sources.journal.records(
        project=sources.project,
        kinds=("tool_call", "tool_result"),
        since_ms=min(record.ts[0] for record in [*results, *calls.values()]),
        newest_first=True,
        limit=RECENT_CALLS,
    )
    public = [record for record in recent if record.stream != "private" and record.body is not None]
    latest = outcomes(public[::-1])
    return ran, {key: latest[key] for key in ran.values() if key in latest and runs.is_command(key[0])}

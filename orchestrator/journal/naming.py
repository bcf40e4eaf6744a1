"""The one note that a person names, and that note as the person's own word."""

from __future__ import annotations

import re
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.journal.reader import JournalReader
from orchestrator.ports import Journal
from orchestrator.types import NOTE_KINDS, Record

_COPIED = ("text", "because", "rejected", "error", "instead", "supersedes")
_NUMBERED = re.compile(r"\[?D([1-9]\d{0,5})\]?")


def decision(journal: Journal | JournalReader, project: str, citation: str) -> Record | None:
    """`D2`: the project's second decision as told here, superseded ones counted; None where it is none."""
    found = _NUMBERED.fullmatch(citation.strip())
    if found is None:
        return None
    records = journal.records(project=project, kinds=("decision",), limit=int(found[1]))
    return records[-1] if len(records) == int(found[1]) else None


def named(journal: Journal, citation: str, project: str) -> Record:
    """The one note of the project that "S7f3a#3", "D2" or a record's id names.

    Raises `UsageError`, and `JournalError` where it names nothing.
    """
    numbered = decision(journal, project, citation)
    resolved = [numbered] if numbered else journal.resolve(citation)
    found = [record for record in resolved if record.kind in NOTE_KINDS]
    if len(found) != 1:
        raise UsageError(
            f"{citation} names {len(found)} notes, not one.", "See `orch log` for citations like S7f3a#3."
        )
    if found[0].project != project:
        raise UsageError(f"{citation} belongs to another project.", "Give that project with --project.")
    return found[0]


def confirmed(journal: Journal, said: Record) -> dict[str, Any]:
    """The body of a note that says the same as a person's own word: documents show the two as one line
    that cites both. Raises `UsageError` where the note holds no longer."""
    if said.body is None:
        raise UsageError("That note was forgotten.", "Record it anew with `orch note`.")
    if said.id not in {note.id for note in journal.live_notes(said.project)}:
        raise UsageError(
            f"That note holds no longer{_newer(journal, said)}.", "Confirm what holds now, or record it anew."
        )
    body = {name: said.body[name] for name in _COPIED if said.body.get(name)}
    return {**body, "by": "user", "status": "confirmed", "confirms": said.id}


def _newer(journal: Journal, said: Record) -> str:
    later = journal.records(project=said.project, kinds=NOTE_KINDS, since_ms=said.ts[0])
    cites = [journal.cite(note) for note in later if (note.body or {}).get("supersedes") == said.id]
    return f": see {cites[-1]}" if cites else ""

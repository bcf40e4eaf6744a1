"""Notes as facts: decision, lesson, blocker, next step. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from orchestrator.documents.plain import flat, prose
from orchestrator.handoff.facts import CLAIMED, CONFIRMED, Fact
from orchestrator.types import Record

Cite = Callable[[Record], str]
_ID_CHARS = 12
"""Of a record's id: enough to open it with."""


def note_fact(record: Record, cite: Cite) -> Fact | None:
    """The note in one line, with its reason and what was rejected; None where it says nothing."""
    body = record.body or {}
    text = prose(_text(body.get("text")), 260)
    if not text:
        return None
    if because := prose(_text(body.get("because")), 200):
        text += f": {because}" if record.kind == "decision" else f" (because {because})"
    if rejected := prose(_text(body.get("rejected")), 160):
        text += f"; rejected: {rejected}"
    if error := prose(_text(body.get("error")), 160):
        text += f"; error: {error}"
    if instead := prose(_text(body.get("instead")), 160):
        text += f"; do instead: {instead}"
    if supersedes := re.sub(r"[^\w#]", "", flat(_text(body.get("supersedes")), 64))[:_ID_CHARS]:
        text += f"; supersedes {supersedes}"
    return Fact(text, (cite(record),), _status(record))


def facts_of(records: Iterable[Record], cite: Cite) -> list[Fact]:
    """Facts of notes, one for notes that say the same: it cites them all, newest first."""
    found: dict[str, Fact] = {}
    for record in records:
        if not (fact := note_fact(record, cite)):
            continue
        key = re.sub(r"\W+", " ", fact.text).strip().casefold() or fact.text
        if known := found.get(key):
            status = CONFIRMED if CONFIRMED in (known.status, fact.status) else CLAIMED
            found[key] = Fact(known.text, (known.cites + fact.cites)[:3], status)
        else:
            found[key] = fact
    return list(found.values())


def _status(record: Record) -> str:
    body = record.body or {}
    return CONFIRMED if body.get("status") == "confirmed" or body.get("by") == "user" else CLAIMED


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, str) else ""

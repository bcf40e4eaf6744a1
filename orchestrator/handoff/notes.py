"""Notes as facts: decision, lesson, blocker, next step. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from orchestrator.documents.plain import flat, prose
from orchestrator.handoff.facts import CLAIMED, CONFIRMED, Fact
from orchestrator.types import Record

Cite = Callable[[Record], str]
_ID_CHARS = 12
"""Of a record's id: enough to open it with."""
_CITED = 3


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
    """Facts of notes, newest first, one for notes that say the same.

    It cites at most three: the newest, the newest that a person stands for, and those of other sessions.
    """
    said: dict[str, list[tuple[Record, Fact]]] = {}
    for record in records:
        if fact := note_fact(record, cite):
            said.setdefault(_key(fact.text), []).append((record, fact))
    return [_joined(group) for group in said.values()]


def vouched(fact: Fact) -> bool:
    """Whether a person stands for a note, or two sessions said it: then it is promoted to the top."""
    return fact.status == CONFIRMED or len({cite.partition("#")[0] for cite in fact.cites}) > 1


def _key(text: str) -> str:
    """What notes have in common that say the same: words, without case, signs and what they supersede."""
    text = unicodedata.normalize("NFKC", text.partition("; supersedes ")[0]).casefold()
    return " ".join(re.findall(r"\w+", text)) or text


def _joined(group: Sequence[tuple[Record, Fact]]) -> Fact:
    confirmed = [item for item in group if item[1].status == CONFIRMED]
    chosen = [
        group[0],
        *confirmed[:1],
        *{record.session: (record, fact) for record, fact in reversed(group)}.values(),
    ]
    ids = list(dict.fromkeys(record.id for record, _ in chosen))[:_CITED]
    cites = [cite for record, fact in group if record.id in ids for cite in fact.cites]
    return Fact(group[0][1].text, tuple(cites), CONFIRMED if confirmed else CLAIMED)


def _status(record: Record) -> str:
    body = record.body or {}
    return CONFIRMED if body.get("status") == "confirmed" or body.get("by") == "user" else CLAIMED


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, str) else ""

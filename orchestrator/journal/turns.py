"""Which records recall finds, and what each of them says. Pure.

A turn is one message of a conversation or one note. What tools printed is no turn: it can be opened
from the turn beside it. What was only quoted from recall is not said anew, so it is not indexed again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.journal.stop_words import STOP
from orchestrator.journal.words import day_words, words
from orchestrator.types import NOTE_KINDS, Kind

TURN_KINDS: tuple[Kind, ...] = ("message", *NOTE_KINDS)
OPEN, CLOSE = "<recalled>", "</recalled>"
"""Stand around what recall put into a prompt."""

_QUOTED = rf"(?s:{OPEN}.*?(?:{CLOSE}|\Z))"
# As `excerpts.shown` writes them: date, speaker and citation, then the text, indented.
_EXCERPT = (
    r"(?m:^\d{4}-\d\d-\d\d(?: \d\d:\d\d)? [^\n]*\[S[0-9A-Za-z_-]+#\d+\][^\S\n]*"
    r"(?:\n {4}[^\n]*|\n[^\S\n]*(?=\n))*)"
)
_PLAIN_ROLES = frozenset({"user", "assistant", "system", "tool", ""})
_OFTEN = 3
_PARTS = {"because": "because", "rejected": "rejected", "error": "error", "instead": "do instead"}
"""What a note says beside its text."""


def content(kind: str, body: Mapping[str, Any] | None) -> str:
    """What the turn says, whole: the text of a message, or a note with its reason."""
    if not body:
        return ""
    said = _text(body.get("text"))
    if kind == "message":
        return said
    for name, label in _PARTS.items():
        if more := _text(body.get(name)):
            said += f" (because {more})" if name == "because" else f"; {label}: {more}"
    return said


def role(kind: str, body: Mapping[str, Any] | None) -> str:
    """Who says it: user, assistant, a name; of a note its kind."""
    return _text((body or {}).get("role")) if kind == "message" else kind


def said_at(body: Mapping[str, Any] | None, wall: str) -> str:
    """When it was said, as ISO 8601: an imported turn knows that itself."""
    return _text((body or {}).get("time")) or wall


def milliseconds(iso: str, otherwise: int) -> int:
    """Since 1970; a time without offset counts as UTC. `otherwise` where it is no time."""
    try:
        when = datetime.fromisoformat(iso)
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return otherwise


def own_words(text: str) -> str:
    """The text without what it quotes from recall."""
    if OPEN in text:
        text = re.sub(_QUOTED, " ", text)
    return re.sub(_EXCERPT, " ", text) if "[S" in text else text


def indexed(kind: str, body: Mapping[str, Any] | None, wall: str) -> tuple[str, str, int]:
    """What the index holds of a turn: its distinct words, those it says often, and their number.

    A name that speaks, and the date, are among the words but not in the number.
    """
    if not body:
        return "", "", 0
    counts: dict[str, int] = {}
    for word in words(own_words(content(kind, body))):
        counts[word] = counts.get(word, 0) + 1
    often = " ".join(word for word, count in counts.items() if count >= _OFTEN)
    total = sum(counts.values())
    if (speaker := role(kind, body)) not in _PLAIN_ROLES:
        counts |= dict.fromkeys((word for word in words(speaker) if word not in STOP), 1)
    counts |= dict.fromkeys(day_words(said_at(body, wall)), 1)
    return " ".join(counts), often, total


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

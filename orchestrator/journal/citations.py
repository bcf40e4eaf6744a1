"""How a record is cited: `S7f3a#3` is record 3 of the session whose id begins with 7f3a.

The prefix is the shortest that is unique in this journal, of at least four characters, since numbers
alone would collide between devices that were offline. An older citation may have become ambiguous;
resolving it then says between what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHORTEST = 4

_SESSION = re.compile(r"\[?S(?P<prefix>[0-9A-Za-z_-]+)(?:#(?P<ordinal>[1-9][0-9]{0,14}))?\]?\Z")
_RECORD = re.compile(rf"\[?(?P<prefix>[0-9a-f]{{{SHORTEST},64}})\]?\Z")


@dataclass(frozen=True, slots=True)
class SessionCitation:
    prefix: str
    ordinal: int | None = None


@dataclass(frozen=True, slots=True)
class RecordCitation:
    prefix: str


def shortest_prefix(identity: str, neighbours: tuple[str, ...]) -> str:
    """The shortest prefix that none of the ids next to it in order shares."""
    length = SHORTEST
    for other in neighbours:
        shared = 0
        while shared < min(len(identity), len(other)) and identity[shared] == other[shared]:
            shared += 1
        length = max(length, shared + 1)
    return identity[:length]


def form(prefix: str, ordinal: int | None = None) -> str:
    return f"S{prefix}" if ordinal is None else f"S{prefix}#{ordinal}"


def parse(text: str) -> SessionCitation | RecordCitation | None:
    """What a citation names, square brackets allowed; None when it is none."""
    text = text.strip()
    if match := _SESSION.match(text):
        ordinal = match["ordinal"]
        return SessionCitation(match["prefix"], int(ordinal) if ordinal else None)
    if match := _RECORD.match(text.lower()):
        return RecordCitation(match["prefix"])
    return None

"""What stands in the chat, as values; and the chat of an earlier session, from its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.types import NOTE_KINDS, Record, Usage


@dataclass(frozen=True, slots=True)
class Said:
    """`who` "you" or "orchestrator"; `time` is HH:MM; untrusted text."""

    who: Literal["you", "orchestrator"]
    text: str
    time: str = ""
    usage: Usage | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """One line that is nobody's words."""

    text: str
    level: Literal["info", "warning", "error"] = "info"


ChatItem = Said | Aside


def of_records(records: Sequence[Record]) -> list[ChatItem]:
    """The transcript of a session: prompts, answers, notes, and calls as one line each."""
    items: list[ChatItem] = []
    for record in records:
        body = record.body
        if body is None:
            items.append(Aside(f"({record.kind}: redacted)"))
        elif record.kind == "message":
            who: Literal["you", "orchestrator"] = "you" if body.get("role") == "user" else "orchestrator"
            text = str(body.get("text", ""))
            items.append(Said(who, text, record.wall[11:16], None, bool(body.get("interrupted"))))
        elif record.kind == "tool_call":
            arguments = body.get("arguments") or {}
            items.append(Aside(f"▸ {body.get('name')} {' '.join(str(v) for v in arguments.values())}"))
        elif record.kind in NOTE_KINDS:
            items.append(Aside(f"{record.kind}: {body.get('text', '')}"))
    return items

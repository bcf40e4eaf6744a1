"""One reader a format: decoded JSON values in, turns out. Each reads line by line and keeps nothing.

The formats are internal to their programs and change; what is not understood is counted and passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from orchestrator.transcripts.said import (
    BROKEN,
    EMPTY,
    INJECTED,
    KEEPING,
    SUBAGENT,
    THINKING,
    TOOL,
    Item,
    Said,
    Skipped,
    blocks,
    text,
)

Values = Iterable[tuple[int, Any]]
"""(line number from 1, decoded JSON value); a line that is no JSON gives `BROKEN`."""
Reader = Callable[[Values, str], Iterator[Item]]
"""Takes the values and the file's stem, which names a session where the file does not."""

_ID = ("id", "source_id", "uuid", "message_id", "dia_id")
_SESSION = ("session", "session_id", "sessionId", "conversation_id", "conversation")
_WHEN = ("timestamp", "time", "date", "created_at", "date_time")
_WHO = ("role", "speaker", "author", "from", "name")
_WHAT = ("content", "text", "message")


def plain(values: Values, stem: str) -> Iterator[Item]:
    """Our own lines: `id`, `session`, `timestamp`, `role`, `content`; and names near to these."""
    for number, value in values:
        if not isinstance(value, dict):
            yield Skipped(BROKEN)
            continue
        content = next((said for name in _WHAT if (said := blocks(value.get(name), ("text",)))), "")
        if not content.strip():
            yield Skipped(EMPTY)
            continue
        yield Said(
            _first(value, _ID) or f"line {number}",
            _first(value, _SESSION) or stem,
            _first(value, _WHEN),
            _first(value, _WHO) or "user",
            content,
        )


def claude_code(values: Values, stem: str) -> Iterator[Item]:
    """`~/.claude/projects/PROJECT/SESSION.jsonl`."""
    for number, value in values:
        if not isinstance(value, dict):
            yield Skipped(BROKEN)
        elif value.get("type") not in ("user", "assistant") or not isinstance(value.get("message"), dict):
            yield Skipped(KEEPING)
        elif value.get("isSidechain"):
            yield Skipped(SUBAGENT)
        elif value.get("isMeta") or value.get("isCompactSummary"):
            yield Skipped(INJECTED)
        else:
            inner = value["message"].get("content")
            said = blocks(inner, ("text",))
            if not said.strip():
                yield Skipped(_kind_of(inner))
            elif said.lstrip().startswith(_CLAUDE_OWN):
                yield Skipped(INJECTED)
            else:
                session = text(value.get("sessionId")) or stem
                when = text(value.get("timestamp"))
                yield Said(text(value.get("uuid")) or f"line {number}", session, when, value["type"], said)


_CLAUDE_OWN = (
    "<command-name>",
    "<command-message>",
    "<local-command-",
    "<system-reminder>",
    "<bash-",
    "Caveat: The messages below",
    "[Request interrupted",
)


def codex(values: Values, stem: str) -> Iterator[Item]:
    """`~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl`; before 2025-09 without the outer `payload`."""
    session, began = stem, ""
    for number, value in values:
        if not isinstance(value, dict):
            yield Skipped(BROKEN)
            continue
        wrapped = isinstance(value.get("payload"), dict)
        kind, inner = (value.get("type"), value["payload"]) if wrapped else ("", value)
        when = text(value.get("timestamp")) or began
        if kind == "session_meta" or (not wrapped and "type" not in value and "id" in value):
            session = text(inner.get("id")) or session
            began = text(inner.get("timestamp")) or when
            yield Skipped(KEEPING)
        elif kind not in ("response_item", "") or inner.get("type") != "message":
            yield Skipped(_codex_other(kind, inner))
        else:
            said = blocks(inner.get("content"), ("input_text", "output_text", "text"))
            role = text(inner.get("role"))
            if role not in ("user", "assistant") or said.lstrip().startswith(_CODEX_OWN):
                yield Skipped(INJECTED)
            elif not said.strip():
                yield Skipped(EMPTY)
            else:
                yield Said(text(inner.get("id")) or f"line {number}", session, when, role, said)


_CODEX_OWN = (
    "<environment_context>",
    "<user_instructions>",
    "<permissions",
    "<INSTRUCTIONS>",
    "# AGENTS.md instructions",
    "<turn_aborted>",
)


def _codex_other(kind: Any, inner: dict[str, Any]) -> str:
    if inner.get("type") == "reasoning":
        return THINKING
    return TOOL if kind in ("response_item", "") and "call" in str(inner.get("type")) else KEEPING


def gemini(values: Values, stem: str) -> Iterator[Item]:
    """`~/.gemini/tmp/PROJECT/chats/session-*.json` (one object with `messages`), or the same as lines;
    and `logs.json`, the prompts alone."""
    session = stem
    for number, value in values:
        if not isinstance(value, dict):
            yield Skipped(BROKEN)
            continue
        session = text(value.get("sessionId")) or session
        if isinstance(value.get("messages"), list):
            for place, message in enumerate(value["messages"], 1):
                yield _gemini_message(message, session, place)
        elif "messageId" in value:
            said, when = text(value.get("message")), text(value.get("timestamp"))
            identity = text(value["messageId"])
            yield Said(identity, session, when, "user", said) if said.strip() else Skipped(EMPTY)
        else:
            yield _gemini_message(value, session, number)


def _gemini_message(value: Any, session: str, place: int) -> Item:
    if not isinstance(value, dict) or value.get("type") not in ("user", "gemini", "model"):
        return Skipped(KEEPING)
    said = blocks(value.get("content"), ("text",))
    if not said.strip():
        return Skipped(TOOL if value.get("toolCalls") else EMPTY)
    if value["type"] == "user" and said.startswith("<session_context>"):
        return Skipped(INJECTED)
    role = "user" if value["type"] == "user" else "assistant"
    return Said(text(value.get("id")) or f"turn {place}", session, text(value.get("timestamp")), role, said)


def aider(lines: Iterable[str]) -> Iterator[Item]:
    """`.aider.chat.history.md`: `#### ` begins a line of the user, `> ` one of the program."""
    session, when, role, place = "aider", "", "", 0
    kept: list[str] = []

    def flush() -> Iterator[Item]:
        nonlocal place
        said = "\n".join(kept).strip()
        kept.clear()
        if said and role:
            place += 1
            yield Skipped(TOOL) if role == "tool" else Said(f"turn {place}", session, when, role, said)

    begun = False
    for line in lines:
        begun = begun or line.startswith((_AIDER_START, "#### "))
        if not begun:
            continue
        if line.startswith(_AIDER_START):
            yield from flush()
            when = line.removeprefix(_AIDER_START).strip()
            session, role, place = f"aider {when}", "", 0
            continue
        now = "user" if line.startswith("#### ") else "tool" if line.startswith("> ") else "assistant"
        if now == "assistant" and not line.strip():
            kept.append("")  # a blank line ends nobody's turn
            continue
        if now != role:
            yield from flush()
            role = now
        kept.append(line[5:] if now == "user" else line[2:] if now == "tool" else line)
    yield from flush()


_AIDER_START = "# aider chat started at "


def _first(value: dict[str, Any], names: Iterable[str]) -> str:
    return next((found for name in names if (found := text(value.get(name)))), "")


def _kind_of(inner: Any) -> str:
    kinds = (
        {block.get("type") for block in inner if isinstance(block, dict)}
        if isinstance(inner, list)
        else set()
    )
    if kinds & {"tool_use", "tool_result"}:
        return TOOL
    return THINKING if "thinking" in kinds else EMPTY

"""How a record reads in the memory log: one line of it, and all of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from orchestrator.terminal import one_line, plain
from orchestrator.tui.call_text import Call, State, as_said, duration, failure, yielded
from orchestrator.tui.node import LoggedRecord
from orchestrator.types import NOTE_KINDS, Record

REDACTED = "(redacted)"
SUMMARY_CHARS = 240
SHOWN_CHARS = 200_000
"""Of one text of a record shown in full."""
_FIRST = ("role", "name", "text", "because")
"""Of a body, which is stored with its keys sorted."""
_LOOKED_AT = 4 * SUMMARY_CHARS
_LABELS = {"tool_call": "call", "tool_result": "result"}


# --- one line -----------------------------------------------------------------------------------


def label(record: Record) -> str:
    """One word for the kind: `you`, `answer`, `call`, `result`, `decision`."""
    if record.kind == "message":
        return "you" if (record.body or {}).get("role") == "user" else "answer"
    return _LABELS.get(record.kind, record.kind)


def mark(record: Record) -> str:
    """`✔` for what is verified or confirmed, `?` for what is only claimed, else nothing."""
    body = record.body or {}
    status = body.get("status")
    if status in ("verified", "confirmed") or body.get("by") == "user":
        return "✔"
    return "?" if status == "claimed" or (record.kind in NOTE_KINDS and record.body) else ""


def failed(record: Record) -> bool:
    """Whether it is a result that did not go well."""
    return record.kind == "tool_result" and not (record.body or {"ok": True}).get("ok", True)


def summary(record: Record) -> str:
    """What the record says, on one line of at most `SUMMARY_CHARS` characters."""
    return one_line(_said(record)[:_LOOKED_AT], SUMMARY_CHARS)


def _said(record: Record) -> str:
    body = record.body
    if body is None:
        return REDACTED
    if record.kind == "tool_call":
        arguments = body.get("arguments")
        values = as_said(arguments).values() if isinstance(arguments, Mapping) else [arguments]
        return f"{body.get('name', '')} {' '.join(_brief(value) for value in values)}"
    if record.kind == "tool_result":
        return _result(body)
    if record.kind == "session":
        told = (body.get(key) for key in ("event", "command", "reason", "model", "mode", "sandbox"))
        return " · ".join(_brief(part) for part in told if part)
    said = body.get("text")
    if not isinstance(said, str):
        return ", ".join(f"{key}={_brief(value)}" for key, value in body.items())
    said = said[:_LOOKED_AT] or ("(interrupted)" if body.get("interrupted") else "")
    return f"{said} (because {_brief(body['because'])})" if body.get("because") else said


def _result(body: Mapping[str, Any]) -> str:
    """`search 3 hits`, `shell ✗ exit 1: what it said first`."""
    name, text = _brief(body.get("name", "")), _brief(body.get("text", ""))
    numbers = {key: body[key] for key in ("added", "removed", "exit_code") if isinstance(body.get(key), int)}
    call = Call(name, {}, text=text, **numbers)
    if not body.get("ok"):
        call.state = State.FAILED
        what = f"exit {call.exit_code}" if call.exit_code is not None else failure(call)
        return f"{name} ✗ {what}: {text}"
    changed = body.get("changed")
    paths = [_brief(path) for path in changed] if isinstance(changed, list) else []
    ms = body.get("duration_ms")
    spent = duration(ms) if isinstance(ms, int) else ""
    return " ".join(part for part in (name, *paths[:3], yielded(call), spent) if part)


def _brief(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:_LOOKED_AT]


# --- time ---------------------------------------------------------------------------------------


def moment(record: Record) -> float:
    """When it was written, in seconds since 1970: by its wall clock, else by its timestamp."""
    try:
        return datetime.fromisoformat(record.wall).timestamp()
    except (ValueError, OverflowError, OSError):  # a peer may have written anything
        return record.ts[0] / 1000


def ago(then: float, now: float) -> str:
    """`now`, `4m`, `2h`, `3d`, then the date as `3 Nov` or `2024`; `ahead` when it is to come."""
    spent = now - then
    if spent < -60:
        return "ahead"
    if spent < 60:
        return "now"
    for size, unit in ((60, "m"), (3600, "h"), (86_400, "d")):
        if spent < {"m": 3600, "h": 86_400, "d": 7 * 86_400}[unit]:
            return f"{int(spent // size)}{unit}"
    local = _local(then)
    if local is None:
        return "?"
    return f"{local.day} {local:%b}" if spent < 300 * 86_400 else str(local.year)


def local_time(seconds: float) -> str:
    """`2026-11-03 10:41:07`, as the clock on this wall shows it."""
    local = _local(seconds)
    return local.strftime("%Y-%m-%d %H:%M:%S") if local else "?"


def _local(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds)
    except (ValueError, OverflowError, OSError):
        return None


# --- all of it ----------------------------------------------------------------------------------


def paragraphs(logged: LoggedRecord) -> list[tuple[str, str]]:
    """(name, text) of each part of the body, then of each field. Untrusted, and capped."""
    record = logged.record
    parts = [("body", REDACTED)] if record.body is None else list(_body(record.body))
    fields = {
        "kind": record.kind,
        "citation": logged.citation,
        "standing": {"✔": "verified or confirmed", "?": "claimed"}.get(mark(record), ""),
        "time": f"{local_time(moment(record))}  ({record.wall})",
        "project": record.project,
        "session": record.session,
        "entity": record.entity,
        "parents": "\n".join(record.parents),
        "stream": record.stream,
        "seq": str(record.seq),
        "arrival": str(logged.arrival),
        "device": record.dev,
        "epoch": str(record.epoch),
        "ts": f"{record.ts[0]}, {record.ts[1]}",
        "id": record.id,
        "body_sha": record.body_sha,
        "salt": REDACTED if record.salt is None else record.salt,
        "version": str(record.v),
    }
    return [*parts, ("", ""), *((name, _capped(text)) for name, text in fields.items() if text)]


def _body(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = {name: body[name] for name in _FIRST if name in body}
    for name, value in (said | dict(body)).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        yield one_line(name, 40), _capped(text)


def _capped(text: str) -> str:
    if len(text) <= SHOWN_CHARS:
        return plain(text)
    return f"{plain(text[:SHOWN_CHARS])}\n… {len(text) - SHOWN_CHARS:,} more characters: orch log --json"

"""What every reader yields: turns that can be taken, and why others cannot."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """One turn. `id` is unique within its session; `timestamp` is as the source has it, "" if unknown."""

    id: str
    session: str
    timestamp: str
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is no turn, and why: the same few words each time, since they are counted."""

    why: str


Item = Said | Skipped

BROKEN = "broken line"
EMPTY = "without content"
TOOL = "tool call or output"
THINKING = "thinking"
KEEPING = "bookkeeping of the program"
INJECTED = "text the program put in"
SUBAGENT = "sub-agent"

_CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap])?\.?m?\b", re.IGNORECASE)
_DAY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?\s+([A-Za-z]{3,9})\.?,?\s+(\d{4})\b")
_DAY_AFTER = re.compile(r"\b([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def blocks(value: Any, kinds: Iterable[str]) -> str:
    """The text of a message: a string, or the text of its blocks of these types."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return ""
    wanted = set(kinds)
    texts = [
        block.get("text", "") if isinstance(block, dict) and block.get("type", "text") in wanted else block
        for block in value
    ]
    return "\n".join(text for text in texts if isinstance(text, str) and text)


def text(value: Any) -> str:
    """A string or a number as text; anything else is ""."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def iso(value: str) -> str:
    """A time as ISO 8601: from that, from seconds or milliseconds since 1970, or from English words.

    "" where it is none of these.
    """
    value = value.strip()
    try:
        when = datetime.fromisoformat(value)
        return value if re.match(r"\d{4}-\d\d-\d\d", value) else when.isoformat()
    except ValueError:
        pass
    if re.fullmatch(r"-?\d{1,16}(\.\d+)?", value):
        return _since_1970(float(value))
    return _written(value[:100])


def _since_1970(number: float) -> str:
    seconds = number / 1000 if abs(number) > 1e11 else number
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return ""


def _written(value: str) -> str:
    if match := _DAY.search(value):
        day, month, year = match.groups()
    elif match := _DAY_AFTER.search(value):
        month, day, year = match.groups()
    else:
        return ""
    hour = minute = second = 0
    if clock := _CLOCK.search(value):
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        if clock[4]:
            hour = hour % 12 + (12 if clock[4].lower() == "p" else 0)
    try:
        number = _MONTHS.index(month[:3].lower()) + 1
        return datetime(int(year), number, int(day), hour, minute, second).isoformat()
    except ValueError:
        return ""

"""`name = value` edits: the one setting of that name, whatever its value is and however it is written. Pure.

A model that has not read a file invents the old value and the way it stands there. The name decides,
and the file's own way of writing stays. What is no plain value is nothing to guess about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 300
_NAME = re.compile(r"[\w.-]+")
_NUMBER = re.compile(r"[+-]?\d[\d_]*(?:\.\d+)?")
_TRUTH = re.compile(r"true|false|yes|no|on|off", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"\\\n]*"|\'[^\'\\\n]*\'')
_BARE = re.compile(r"[^\s,;#\"'\[\]{}()<>=]+")
_BARE_FILES = frozenset({".ini", ".cfg", ".conf", ".env", ".properties", ".yaml", ".yml", ""})
"""Kinds of files in which a text needs no quotes."""
_COMMENT = ("#", "//", ";", "--")


@dataclass(frozen=True, slots=True)
class Place:
    """`text[start:end]` is the value that becomes `new`; it was `old`."""

    start: int
    end: int
    old: str
    new: str
    name: str


def find(text: str, old: str, new: str, suffix: str) -> Place | None:
    """The place, if `old` and `new` are the same setting and it stands in `text` exactly once.

    `suffix` is the file's, with its dot.
    """
    was, now = _parts(old), _parts(new)
    if was is None or now is None or was[0].lower() != now[0].lower() or was[1] == now[1]:
        return None
    name, value = now
    pattern = rf"""(?<![\w.-])["']?{re.escape(name)}["']?[ \t]*[:=][ \t]*"""
    found: list[Place] = []
    for match in re.finditer(pattern, text, re.IGNORECASE):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].lstrip()
        if line.startswith(_COMMENT):
            continue
        place = _value_at(text, match.end(), name, value, suffix.lower())
        if place is None:  # there it is something else: which of them was meant?
            return None
        found.append(place)
    return found[0] if len(found) == 1 else None


def _parts(text: str) -> tuple[str, str] | None:
    """Name and value of `name = value`, quotes around the name and a comma behind left out."""
    text = text.strip()
    if "\n" in text or len(text) > _LONGEST:
        return None
    cut = re.search(r"[:=]", text)
    if cut is None:
        return None
    name = text[: cut.start()].strip().strip("\"'")
    value = text[cut.end() :].strip().rstrip(",;").strip()
    return (name, value) if _NAME.fullmatch(name) and value else None


def _value_at(text: str, at: int, name: str, value: str, suffix: str) -> Place | None:
    for kind in (_QUOTED, _NUMBER, _TRUTH, *((_BARE,) if suffix in _BARE_FILES else ())):
        match = kind.match(text, at)
        if match and _ends(text, match.end()):
            written = _written(value, match[0], kind)
            return Place(at, match.end(), match[0], written, name) if written else None
    return None


def _ends(text: str, at: int) -> bool:
    rest = text[at : at + 20].lstrip(" \t")
    return not rest or rest[0] in ",}])#\n"


def _written(value: str, found: str, kind: re.Pattern[str]) -> str:
    """The value as the file writes such values; empty where it is of another kind."""
    bare = value[1:-1] if _QUOTED.fullmatch(value) else value
    if kind is _QUOTED:
        quote = found[0]
        return "" if quote in bare or "\\" in bare else f"{quote}{bare}{quote}"
    if kind is _NUMBER:
        return value if _NUMBER.fullmatch(value) else ""
    if kind is _TRUTH:
        if not _TRUTH.fullmatch(value):
            return ""
        return value.lower() if found.islower() else value.capitalize()
    return bare if _BARE.fullmatch(bare) else ""

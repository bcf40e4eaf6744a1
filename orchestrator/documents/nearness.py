"""PORTFOLIO_CONTEXT.md as one project reads it: itself and what it relates to first, then the nearest.

Pure. A workspace may hold hundreds of projects and its share of the window a dozen, so each project
becomes a block of its own and the budget cuts from the far end. The state of projects (branch, last
session) is for people: it changes each day, and everything behind it would be prefilled anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.documents import regions
from orchestrator.errors import DocumentError

REGION = "projects"
_ENTRY = re.compile(r"^- \*\*.*?\*\* \(`([^`]*)/`\)")
_NAME = re.compile(r"^- \*\*(.*?)\*\*")
STATE = "  - State: "
"""Begins the line of a project's state."""


@dataclass(frozen=True, slots=True)
class _Listed:
    folder: str
    name: str
    lines: tuple[str, ...]

    @property
    def head(self) -> str:
        return self.lines[0]

    @property
    def below(self) -> tuple[str, ...]:
        return self.lines[1:]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def near(document: str, folder: str) -> str:
    """The document for the project in `folder` (relative to the workspace, with `/`).

    Its own entry, those that it relates to in either direction, what people wrote, then all others by the
    length of the way; of others it says what they are, and how they relate to this one. A document
    without the generated list is given back as it is.
    """
    data = document.encode("utf-8", "replace")
    try:
        region = next((one for one in regions.parse(data) if one.name == REGION), None)
    except DocumentError:
        return document
    listed = _listed(region.content.decode("utf-8", "replace")) if region else []
    if region is None or not listed:
        return document
    before = data[: region.begin].decode("utf-8", "replace").strip()
    end = data.find(b"\n", region.end)
    after = data[end:].decode("utf-8", "replace").strip() if end >= 0 else ""
    own = next((one for one in listed if one.folder == folder), None)
    related = [one for one in listed if own and one is not own and _relate(own, one)]
    far = sorted(
        (one for one in listed if one is not own and one not in related),
        key=lambda one: _way(folder, one.folder),
    )
    mine = [own.text] if own else []
    for one in related:
        mine.append("\n".join([one.head, *(line for line in one.below if own and _tells(line, own))]))
    blocks = [before, *mine, after, *(one.head for one in far)]
    return "\n\n".join(block for block in blocks if block)


def _listed(content: str) -> list[_Listed]:
    found: list[_Listed] = []
    lines: list[str] = []
    for line in [*content.splitlines(), "- **end** (`/`)"]:
        if line.startswith("- ") or line.startswith("#") or not line.strip():
            if lines and (head := _ENTRY.match(lines[0])) and (name := _NAME.match(lines[0])):
                folder = "" if head[1] == "." else head[1]
                found.append(_Listed(folder, name[1], tuple(lines)))
            lines = []
        if not line.startswith(STATE) and line.strip() and not line.startswith("#"):
            lines.append(line)
    return found


def _relate(one: _Listed, other: _Listed) -> bool:
    return any(_tells(line, other) for line in one.below) or any(_tells(line, one) for line in other.below)


def _tells(line: str, other: _Listed) -> bool:
    """Whether a line below an entry's first names the other, by name or by folder."""
    return f"**{other.name}**" in line or f"`{other.folder}/`" in line


def _way(here: str, there: str) -> tuple[int, str]:
    """Steps through folders from one project to another, then its place in the alphabet."""
    a, b = here.split("/") if here else [], there.split("/") if there else []
    common = 0
    while common < min(len(a), len(b)) and a[common] == b[common]:
        common += 1
    return len(a) + len(b) - 2 * common, there

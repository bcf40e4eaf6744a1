"""Which file is which of the four tiers, and reading them for a prompt.

| tier | file | where |
|---|---|---|
| 1 portfolio | PORTFOLIO_CONTEXT.md | workspace root, else project root |
| 2 project | PROJECT_CONTEXT.md, then what people wrote in AGENTS.md | project root |
| 3 briefing | SESSION_BRIEFING.md | project root |
| 4 log | SESSION_LOG.md | project root; only its tail is read |
"""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.documents import files, regions
from orchestrator.errors import DocumentError
from orchestrator.types import TierText

HEAD_BYTES = 256 * 1024
"""Most bytes read of tiers 1–3: far more than any budget takes."""
TAIL_BYTES = 64 * 1024
"""Most bytes read of the end of tier 4."""

_MARKED = 8  # one heading in so many is picked out

AGENTS_OPEN = "The user wrote this for every agent that works here:"

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Tier:
    """`name` is also the name of its token budget in the settings."""

    number: int
    name: str
    filename: str


PORTFOLIO = Tier(1, "portfolio", "PORTFOLIO_CONTEXT.md")
PROJECT = Tier(2, "project", "PROJECT_CONTEXT.md")
BRIEFING = Tier(3, "briefing", "SESSION_BRIEFING.md")
LOG = Tier(4, "log", "SESSION_LOG.md")
TIERS = (PORTFOLIO, PROJECT, BRIEFING, LOG)
AGENTS = Tier(2, "AGENTS.md", "AGENTS.md")
"""What people wrote for every agent: it shares the budget of tier 2, after PROJECT_CONTEXT.md."""


def warn_in_log(text: str) -> None:
    logging.getLogger(__name__).warning("%s", text)


def read_tiers(root: Path, workspace: Path | None, warn: Warn = warn_in_log) -> tuple[TierText, ...]:
    """Whatever of the four exists and has text, tier 1 first.

    A file that cannot be read, or that leads outside the project, is left out with a warning.
    """
    found = []
    for tier in TIERS:
        folders = [folder for folder in (workspace, root) if folder] if tier is PORTFOLIO else [root]
        for folder in folders:
            if text := read_tier(tier, folder, warn):
                found.append(TierText(tier.number, tier.name, str(folder / tier.filename), text))
                break
        if tier is PROJECT and (text := read_agents(root, warn)):
            found.append(TierText(AGENTS.number, AGENTS.name, str(root / AGENTS.filename), text))
    return tuple(found)


def read_agents(root: Path, warn: Warn = warn_in_log) -> str:
    """What people wrote in AGENTS.md, without the region that points to the tiers; quoted as theirs."""
    text = regions.by_hand(read_tier(AGENTS, root, warn)).strip()
    return f"{AGENTS_OPEN}\n{text}" if text else ""


def read_tier(tier: Tier, folder: Path, warn: Warn = warn_in_log) -> str:
    """The text of one tier in `folder`, markers included; "" where there is nothing to read."""
    path = folder / tier.filename
    is_log = tier is LOG
    limit = TAIL_BYTES if is_log else HEAD_BYTES
    try:
        data = files.read(path, (folder,), limit, tail=is_log)
    except DocumentError as error:
        warn(f"{tier.filename} is left out: {error}")
        return ""
    if not data:
        return ""
    text = decode(data)
    if is_log and len(data) == limit:
        text = _whole_entries(text)
    return text.strip("\n")


def decode(data: bytes) -> str:
    """Text of a document: a byte-order mark heeded, bad bytes replaced, line feeds only, no controls."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)


def _whole_entries(tail: str) -> str:
    """A cut tail from a heading on, so that it starts with an entry and not mid-word.

    It is one that its own text picks out, so that the start stays where it is while the log grows.
    """
    headings = list(re.finditer(r"^## .*", tail, re.MULTILINE))
    early = [heading for heading in headings if heading.start() < len(tail) // 2]
    marked = [heading for heading in early if zlib.crc32(heading[0].encode()) % _MARKED == 0]
    start = next(iter(marked or headings), None) or re.search(r"\n", tail)
    return tail[start.start() :] if start else tail

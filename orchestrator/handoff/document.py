"""A document as it is read for a check: whole, or the newest entries of the log, with its line numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.documents import files, tiers
from orchestrator.documents.tiers import LOG, TIERS, Tier
from orchestrator.errors import DocumentError

ENTRIES = 20
"""Of the log, the newest entries that are checked."""
LOG_BYTES = 4 << 20
"""Of the log's end that is looked at for them."""


@dataclass(frozen=True, slots=True)
class Document:
    """A tier's file as read for a check; `before` lines of it were not read."""

    tier: Tier
    path: Path
    text: str
    before: int = 0
    unreadable: DocumentError | None = None


def read(paths: Iterable[Path], within: Sequence[Path]) -> list[Document]:
    """Those of the documents that are there: tiers 1–3 whole, of the log the newest entries."""
    return [found for path in dict.fromkeys(paths) if (found := _read(path, within))]


def _read(path: Path, within: Sequence[Path]) -> Document | None:
    tier = next((tier for tier in TIERS if tier.filename == path.name), None)
    if tier is None:
        return None
    try:
        data = files.read(path, (*within, path.parent), LOG_BYTES, tail=tier is LOG)
        size = path.stat().st_size if data and tier is LOG else len(data or b"")
        before = _lines_before(path, size - len(data)) if data and size > len(data) else 0
    except DocumentError as error:
        return Document(tier, path, "", unreadable=error)
    except OSError:  # it went away just now
        return None
    if not data:
        return None
    text = tiers.decode(data)
    start = _newest_entries(text) if tier is LOG else 0
    return Document(tier, path, text[start:], before + text.count("\n", 0, start))


def _lines_before(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in _blocks(file.read, offset))


def _blocks(reading: Callable[[int], bytes], size: int) -> Iterable[bytes]:
    while size > 0 and (block := reading(min(size, 1 << 20))):
        size -= len(block)
        yield block


def _newest_entries(text: str) -> int:
    """Where the newest entries begin."""
    at = len(text)
    for _ in range(ENTRIES):
        at = text.rfind("\n## Session ", 0, at)
        if at < 0:
            return 0
    return at + 1

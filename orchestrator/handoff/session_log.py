"""SESSION_LOG.md: one entry a session, only ever added to.

A line `<!-- orch:session ID -->` closes each entry. It carries the whole id, so that an entry is
found again when short ids have grown, and an entry that a crash cut off counts as not written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from orchestrator.documents import files

TITLE = """\
# Session log: {name}

One entry for each session, oldest first. orch adds entries at the end and never changes them.
"""
_SEEN_BYTES = 4 << 20


def add_entry(path: Path, within: Sequence[Path], name: str, session: str, entry: str) -> bool:
    """Append `entry` unless the session has one; False if it had. Hold the documents' lock.

    Looks for it in the last 4 MiB. Raises `DocumentError`; what is there is never rewritten.
    """
    mark = f"<!-- orch:session {re.sub(r'[^A-Za-z0-9._-]', '_', session)} -->"
    old = files.read(path, within, _SEEN_BYTES, tail=True)
    if old and mark.encode() in old:
        return False
    text = f"\n{entry.strip()}\n\n{mark}\n"
    if not old:
        text = TITLE.format(name=name) + text
    elif not old.endswith(b"\n"):
        text = "\n" + text
    if old and b"\r\n" in old:
        text = text.replace("\n", "\r\n")
    files.append(path, within, text.encode("utf-8", "replace"))
    return True


def create(path: Path, within: Sequence[Path], name: str) -> bool:
    """Make the log with its title where there is none; True when it was made."""
    if files.read(path, within, 1) is not None:
        return False
    files.append(path, within, TITLE.format(name=name).encode())
    return True

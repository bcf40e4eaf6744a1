"""SESSION_LOG.md: one entry a session, only ever added to.

A line `<!-- orch:session ID -->` closes each entry. It carries the whole id, so that an entry is
found again when short ids have grown, and an entry that a crash cut off counts as not written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.documents import files
from orchestrator.handoff.pen import PEN, Pen

TITLE = """\
# Session log: {name}

One entry for each session, oldest first. orch adds entries at the end and never changes them.
"""
_SEEN_BYTES = 4 << 20
_MARK = re.compile(rb"^<!-- orch:session ([A-Za-z0-9._-]{1,128}) -->\r?$", re.MULTILINE)
_MOST_BYTES = 64 << 20


def add_entry(
    path: Path, within: Sequence[Path], name: str, session: str, entry: str, pen: Pen = PEN
) -> bool:
    """Append `entry` unless the session has one; False if it had. Hold the documents' lock.

    Looks for it in the last 4 MiB. Raises `DocumentError`; what is there is never rewritten.
    """
    mark = _mark(session)
    old = pen.read(path, within, _SEEN_BYTES, tail=True)
    if old and mark.encode() in old:
        return False
    text = f"\n{entry.strip()}\n\n{mark}\n"
    if not old:
        text = TITLE.format(name=name) + text
    elif not old.endswith(b"\n"):
        text = "\n" + text
    if old and b"\r\n" in old:
        text = text.replace("\n", "\r\n")
    pen.append(path, within, text.encode("utf-8", "replace"))
    return True


def sessions(path: Path, within: Sequence[Path]) -> set[str]:
    """Marks of the sessions that have an entry, for `is_there`."""
    data = files.read(path, within, _MOST_BYTES) or b""
    return {found.decode("ascii", "replace") for found in re.findall(rb"<!-- orch:session [^>\n]* -->", data)}


def is_there(session: str, marks: set[str]) -> bool:
    return _mark(session) in marks


def insert_entries(
    path: Path, within: Sequence[Path], name: str, order: Sequence[str], entries: Mapping[str, str]
) -> bool:
    """Put entries of sessions, such as other devices had, where they belong in time.

    `order` names the sessions, oldest first. An entry goes before the first later one that is there,
    else to the end; what is there is not changed. Hold the documents' lock.
    """
    places = {session: number for number, session in enumerate(order)}

    def edit(old: bytes | None) -> bytes:
        data = old or TITLE.format(name=name).encode()
        newline = b"\r\n" if b"\r\n" in data else b"\n"
        for session in sorted(entries, key=lambda one: places.get(one, 0)):
            text = f"{entries[session].strip()}\n\n{_mark(session)}\n".encode("utf-8", "replace")
            later = order[places.get(session, len(order)) + 1 :]
            ends = (data.find(_mark(one).encode()) for one in later)
            end = next((end for end in ends if end >= 0), -1)
            if _mark(session).encode() in data:
                continue
            if end < 0:
                gap = newline if data.endswith(b"\n") else newline * 2
                data += gap + text.replace(b"\n", newline)
            else:
                start = _entry_start(data, end)
                data = data[:start] + (text + b"\n").replace(b"\n", newline) + data[start:]
        return data

    return files.rewrite(path, within, edit, limit=_MOST_BYTES)


def _entry_start(data: bytes, end: int) -> int:
    """Where the entry begins whose mark stands at `end`."""
    heading = data.rfind(b"\n## Session ", 0, end)
    before = data.rfind(b"-->", 0, end)
    if heading > before:
        return heading + 1
    line = data.find(b"\n", before)
    return end if before < 0 or line < 0 or line > end else line + 1


def without(path: Path, within: Sequence[Path], session: str, before: str, after: str) -> bool:
    """Take out of the session's entry what it says no more; True when its bytes changed.

    `before` and `after` are the entry as generated from the records then and now. Where a person edited
    the entry, only the lines that are gone from it are taken out. Hold the documents' lock.
    """
    mark = _mark(session).encode()

    def edit(old: bytes | None) -> bytes:
        end = (old or b"").find(mark)
        if old is None or end < 0:
            return old or b""
        start = max(old.rfind(b"\n## Session ", 0, end), old.rfind(b"-->", 0, end))
        head, entry, rest = old[: start + 1], old[start + 1 : end].decode("utf-8", "replace"), old[end:]
        return head + _edited(entry, before, after).encode("utf-8", "replace") + rest

    if not files.read(path, within, 1):
        return False
    return files.rewrite(path, within, edit, limit=_MOST_BYTES)


def sessions_in(path: Path, within: Sequence[Path]) -> list[str]:
    """Ids of the sessions that have an entry, oldest first; looks at the last 4 MiB."""
    data = files.read(path, within, _SEEN_BYTES, tail=True) or b""
    return [found.decode() for found in _MARK.findall(data)]


def _edited(entry: str, before: str, after: str) -> str:
    newline = "\r\n" if "\r\n" in entry else "\n"
    if entry.replace("\r\n", "\n").strip() == before.strip():
        return f"{after.strip()}\n\n".replace("\n", newline)
    gone = {_said(line) for line in before.splitlines()} - {_said(line) for line in after.splitlines()}
    return "".join(line for line in entry.splitlines(keepends=True) if _said(line) not in gone)


def _said(line: str) -> str:
    """A line without its number and citations, which may have grown since."""
    return re.sub(r"\[S?[0-9A-Za-z_#, -]+\]|^\s*\d+\.|\s+", " ", line).strip()


def _mark(session: str) -> str:
    return f"<!-- orch:session {re.sub(r'[^A-Za-z0-9._-]', '_', session)} -->"


def create(path: Path, within: Sequence[Path], name: str) -> bool:
    """Make the log with its title where there is none; True when it was made."""
    if files.read(path, within, 1) is not None:
        return False
    files.append(path, within, TITLE.format(name=name).encode())
    return True

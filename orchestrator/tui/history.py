"""What was typed before, kept across sessions in the file that the plain session uses too.

One line an entry, as readline writes it. An entry of several lines has a backslash before each of its
newlines, which is also how the plain session takes such a prompt.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import JournalError
from orchestrator.journal.lock import FileLock
from orchestrator.terminal import plain

ENTRIES = 1000
_SLACK = 200  # entries over the limit before the file is written anew
_FILE_BYTES = 8 << 20
_ENTRY_CHARACTERS = 100_000
_LOCK_S = 1.0


class History:
    """The entries, oldest first. Other processes may append to the same file at any time.

    A file that cannot be read or written is no error: the entries of this process are there all the same.
    """

    def __init__(self, path: Path, limit: int = ENTRIES) -> None:
        self._path = path
        self._limit = limit
        self._entries: list[str] = []
        self._seen: tuple[int, int] | None = None

    def entries(self) -> list[str]:
        """Oldest first, with what other processes have added meanwhile."""
        with contextlib.suppress(OSError):
            self._load()
        return self._entries[-self._limit :]

    def append(self, text: str) -> None:
        """Keep a prompt, unless it repeats the last one, begins with a space, or is very large."""
        text = normal(text)
        if not text.strip() or text.startswith(" ") or len(text) > _ENTRY_CHARACTERS:
            return
        with contextlib.suppress(OSError, JournalError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._path.with_name(self._path.name + ".lock"), timeout=_LOCK_S):
                if self.entries()[-1:] != [text]:
                    self._write(text)
                    self._load()
        if self._entries[-1:] != [text]:
            self._entries.append(text)

    def search(self, query: str, limit: int = 50) -> list[str]:
        """Entries that hold the query, newest first, each once; a capital letter makes it match case."""
        fold: Callable[[str], str] = str if query != query.lower() else str.lower
        newest = dict.fromkeys(reversed(self.entries()))
        return [entry for entry in newest if fold(query) in fold(entry)][:limit]

    def _load(self) -> None:
        status = os.stat(self._path)
        if self._seen == (status.st_mtime_ns, status.st_size):
            return
        with durable.opened(self._path) as file:
            file.seek(max(0, status.st_size - _FILE_BYTES))
            self._entries = decoded(file.read().decode("utf-8", "replace"))
        self._seen = status.st_mtime_ns, status.st_size

    def _write(self, text: str) -> None:
        """Under the lock. The first entries go when there are too many."""
        self._entries.append(text)
        if len(self._entries) > self._limit + _SLACK:
            self._rewrite()
            return
        handle = durable.handle(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            self._path.chmod(0o600)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            missing = b"" if file.read(1) in (b"\n", b"") else b"\n"
            file.write(missing + encoded([text]).encode())

    def _rewrite(self) -> None:
        data = encoded(self._entries[-self._limit :]).encode()
        durable.replace(Path(os.path.realpath(self._path)), data, mode=0o600)


class Walk:
    """One way back through the entries and forth again to what was being typed."""

    def __init__(self, entries: list[str], draft: str) -> None:
        self._steps = [*entries, draft]
        self._at = len(entries)

    def back(self) -> str | None:
        """The entry before, other than the one that is shown; None at the oldest."""
        return self._step(range(self._at - 1, -1, -1))

    def forth(self) -> str | None:
        """The entry after, in the end the draft; None there."""
        return self._step(range(self._at + 1, len(self._steps)))

    def _step(self, places: range) -> str | None:
        for at in places:
            if self._steps[at] != self._steps[self._at]:
                self._at = at
                return self._steps[at]
        return None


def normal(text: str) -> str:
    """The text as it is kept: no control characters, no white space at the end, no newline before it."""
    return plain(text).lstrip("\n").rstrip()


def encoded(entries: Iterable[str]) -> str:
    """Entries (`normal` ones) as the lines of the file."""
    lines = []
    for entry in entries:
        if entry.endswith("\\"):
            entry += " "  # else the next entry would seem to be its second line
        lines.append(entry.replace("\n", "\\\n") + "\n")
    return "".join(lines)


def decoded(text: str) -> list[str]:
    """The entries of a file's lines; lines that nobody could have typed are cleaned."""
    entries: list[str] = []
    begun = ""
    for line in text.split("\n"):
        if line.endswith("\\"):
            begun += line[:-1] + "\n"
            continue
        if entry := normal(begun + line):
            entries.append(entry)
        begun = ""
    if entry := normal(begun):
        entries.append(entry)
    return entries

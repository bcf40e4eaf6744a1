"""`memory_log.jsonl`: the journal's readable mirror, one record a line, in order of arrival.

The database knows how long the mirror should be (`expected` bytes, kept in the transaction that wrote
the records), so that appending and checking cost the same at any size. A mirror that lags behind
(killed between commit and mirror, full disk) is completed from its last whole line; one that somebody
edited is moved aside and written anew. Every function needs the journal's file lock.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from orchestrator import durable

Lines = Callable[[int], Iterator[tuple[int, bytes]]]
"""Gives (arrival, line) of every record that arrived after the given one, in order."""
Find = Callable[[str], int | None]
"""Gives the arrival of the record with this id."""

_BLOCK = 65536


class MemoryLog:
    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def aside(self) -> Path:
        """Where a mirror that somebody edited is kept."""
        return self.path.with_name(self.path.name + ".replaced")

    def size(self) -> int:
        """In bytes; 0 where there is no file."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return 0
        return status.st_size if stat.S_ISREG(status.st_mode) else 0

    def append(self, lines: bytes, expected: int) -> bool:
        """Append; False, and nothing done, when the mirror is not as long as expected."""
        with self._open() as file:
            if os.fstat(file).st_size != expected:
                return False
            _write(file, lines)
        return True

    def last_line(self) -> tuple[bytes, int]:
        """The last whole line, and where it ends (0 when there is none)."""
        try:
            with durable.opened(self.path) as file:
                position = file.seek(0, os.SEEK_END)
                tail = b""
                while position and tail.count(b"\n") < 2:
                    step = min(_BLOCK + len(tail), position)
                    position = file.seek(position - step)
                    tail = file.read(step) + tail
        except FileNotFoundError:
            return b"", 0
        end = tail.rfind(b"\n") + 1
        return tail[tail.rfind(b"\n", 0, max(end - 1, 0)) + 1 : end], position + end if end else 0

    def repair(self, lines: Lines, find: Find, expected: int) -> None:
        """Make the mirror whole: complete its tail, or write all of it anew."""
        last, end = self.last_line()
        arrival = 0 if end == 0 else find(_id_of(last))
        if arrival is None or (arrival and last != next(_only(lines(arrival - 1)))):
            self.rewrite(lines)
            return
        with self._open() as file:
            os.ftruncate(file, end)
            _write_all(file, lines(arrival))
            whole = os.fstat(file).st_size == expected
        if not whole:
            self.rewrite(lines)

    def rewrite(self, lines: Lines, *, keep_old: bool = True) -> None:
        """Write all of it anew; the old one is moved aside, or with `keep_old` False is gone."""
        temporary = self.path.with_name(self.path.name + ".new")
        with _Handle(durable.handle(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)) as file:
            _write_all(file, lines(0))
            os.fsync(file)
        if keep_old and self.size():
            os.replace(self.path, self.aside)
        os.replace(temporary, self.path)
        durable.sync_folder(self.path.parent)

    def _open(self) -> _Handle:
        return _Handle(durable.handle(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))


class _Handle:
    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> int:
        return self._handle

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _write_all(file: int, lines: Iterable[tuple[int, bytes]]) -> None:
    buffer = bytearray()
    for _, line in lines:
        buffer += line
        if len(buffer) > _BLOCK:
            _write(file, bytes(buffer))
            buffer.clear()
    _write(file, bytes(buffer))


def _only(lines: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
    yield from (line for _, line in lines)
    yield b""


def _id_of(line: bytes) -> str:
    """The id a line claims; "" when it is no record."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("id", "")) if isinstance(found, dict) else ""

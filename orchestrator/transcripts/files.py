"""Opens a conversation file, finds out whose it is, and reads it without holding it in memory."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from orchestrator import durable
from orchestrator.errors import UsageError
from orchestrator.transcripts import readers
from orchestrator.transcripts.said import BROKEN, Item, Said, Skipped

_LINE_BYTES = 64 << 20
_DOCUMENT_BYTES = 256 << 20
_PEEKED_LINES = 40
_PEEKED_BYTES = 1 << 20
_NAMES = ("*.jsonl", "session-*.json", ".aider.chat.history.md")
_TOO_LONG = "line of more than 64 MB"

Sink = Callable[[int], None]
"""Hears how many bytes are read."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file and its format: jsonl, claude-code, codex, gemini or aider."""

    path: Path
    format: str
    size: int

    def items(self, read: Sink = lambda _: None) -> Iterator[Item]:
        """Its turns and what was skipped, in order. Raises `UsageError`."""
        try:
            with durable.opened(self.path) as file:
                yield from _items(file, self.format, self.path.stem, self.size, read)
        except OSError as error:
            raise _unreadable(self.path, error) from error


def source(path: Path) -> Source:
    """The file and its format. Raises `UsageError`."""
    try:
        with durable.opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            return Source(path, _format(file, path.name), size)
    except OSError as error:
        raise _unreadable(path, error) from error


def found(path: Path) -> list[Path]:
    """The file itself; of a folder, the conversation files below it, oldest name first."""
    if not path.is_dir():
        return [path]
    files = sorted({file for name in _NAMES for file in path.rglob(name) if file.is_file()})
    if not files:
        raise UsageError(f"There are no conversations in {path}.", f"It looks for {', '.join(_NAMES)}.")
    return files


def of_lines(lines: BinaryIO, stem: str) -> Iterator[Item]:
    """Our own lines from a pipe."""
    return readers.plain(_values(_lines(lines, lambda _: None)), stem)


def _items(file: BinaryIO, form: str, stem: str, size: int, read: Sink) -> Iterator[Item]:
    lines = _lines(file, read)
    if form == "aider":
        return readers.aider(line if isinstance(line, str) else "" for _, line in lines)
    values = _document(file, size) if _is_document(file) else _values(lines)
    reader = {"claude-code": readers.claude_code, "codex": readers.codex, "gemini": readers.gemini}
    return reader.get(form, readers.plain)(values, stem)


def _lines(file: BinaryIO, read: Sink) -> Iterator[tuple[int, str | None]]:
    """(number, text) of each line that is not blank; None for one that is too long."""
    number, done = 0, 0
    coding = _coding(file)
    if coding != "utf-8":
        for number, text in enumerate(codecs.getreader(coding)(file, "replace"), 1):
            yield number, text.rstrip("\r\n")
        return
    while line := file.readline(_LINE_BYTES):
        number += 1
        done += len(line)
        too_long = False
        while len(line) == _LINE_BYTES and not line.endswith(b"\n"):
            too_long, line = True, file.readline(_LINE_BYTES)
            done += len(line)
        read(done)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        yield number, None if too_long else line.decode("utf-8", "replace").rstrip("\r\n")


def _values(lines: Iterator[tuple[int, str | None]]) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        if line is None:
            yield number, _TOO_LONG
        elif line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, BROKEN


def _document(file: BinaryIO, size: int) -> Iterator[tuple[int, Any]]:
    """A file that is one JSON value: its elements, or itself."""
    if size > _DOCUMENT_BYTES:
        raise UsageError("A single JSON document of more than 256 MB is not read.", "Give it as JSON lines.")
    try:
        whole = json.loads(file.read().decode(_coding(file) or "utf-8", "replace").lstrip("\ufeff"))
    except (ValueError, RecursionError):
        whole = [BROKEN]
    yield from enumerate(whole if isinstance(whole, list) else [whole], 1)


def _coding(file: BinaryIO) -> str:
    if not file.seekable():
        return "utf-8"
    start = file.tell()
    head = file.read(2)
    file.seek(start)
    return "utf-16" if head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"


def _is_document(file: BinaryIO) -> bool:
    """Whether the file is one JSON value over several lines, or a list, rather than JSON lines."""
    head = file.read(_PEEKED_BYTES)
    file.seek(0)
    bare = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if bare.startswith(b"["):
        return True
    first, newline, rest = bare.partition(b"\n")
    if not bare.startswith(b"{") or not newline or not rest.strip():
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return first.strip() == b"{" or not first.rstrip().endswith(b"}")
    return False


def _format(file: BinaryIO, name: str) -> str:
    if name.endswith(".md"):
        return "aider"
    if _is_document(file):
        head = file.read(_PEEKED_BYTES)
        return "gemini" if b'"sessionId"' in head and b'"type"' in head else "jsonl"
    for number, value in _values(_lines(file, lambda _: None)):
        if isinstance(value, dict) and (form := _of_value(value)):
            return form
        if number >= _PEEKED_LINES:
            break
    return "jsonl"


def _of_value(value: dict[str, Any]) -> str:
    if "payload" in value and isinstance(value.get("type"), str):
        return "codex"
    if isinstance(value.get("messages"), list) or "projectHash" in value or "messageId" in value:
        return "gemini" if "sessionId" in value else ""
    if value.get("type") in ("user", "assistant") and isinstance(value.get("message"), dict):
        return "claude-code"
    if value.get("type") in ("summary", "file-history-snapshot") and (
        "leafUuid" in value or "messageId" in value
    ):
        return "claude-code"
    inner = value.get("content")
    first = inner[0] if isinstance(inner, list) and inner else {}
    if isinstance(first, dict) and first.get("type") in ("input_text", "output_text"):
        return "codex"
    return "jsonl" if any(name in value for name in ("content", "text")) else ""


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be read: {error.strerror or error}.", "Name a file of conversations.")


__all__ = ["Said", "Skipped", "Source", "found", "of_lines", "source"]

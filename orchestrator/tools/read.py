"""`read`: numbered lines of a file, or the listing of a folder."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import files, walk
from orchestrator.tools.asked import Asked, bounded
from orchestrator.tools.places import texts_of
from orchestrator.tools.seen import Seen
from orchestrator.tools.shape import shape
from orchestrator.tools.tally import tally
from orchestrator.tools.text import clean, count, numbered, shorten
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec

WINDOW = 200
LINE_CHARS = 500
_LISTED = 60
_FEW_LINES = 12
"""A longer file is shown with the lines of it that the prompt is about once more."""
_SCANNED = files.MAX_TEXT_BYTES
_TYPES = {
    b"\x89PNG": "PNG image",
    b"\xff\xd8\xff": "JPEG image",
    b"GIF8": "GIF image",
    b"%PDF": "PDF document",
    b"PK\x03\x04": "ZIP archive",
    b"\x1f\x8b": "gzip archive",
    b"\x7fELF": "ELF program",
    b"SQLite format 3": "SQLite database",
    b"GGUF": "GGUF model",
    b"MZ": "Windows program",
}


class Read:
    spec = ToolSpec(
        "read",
        "show a file or folder",
        (
            Parameter("path", "relative to the project"),
            Parameter("start", "first line", "integer", required=False),
            Parameter("end", "last line", "integer", required=False),
        ),
        "read",
    )

    def __init__(self, root: Path, output_chars: int, seen: Seen, asked: Asked) -> None:
        self._asked = asked
        self._root = root
        self._seen = seen
        self._room = max(200, output_chars - 300)

    def preview(self, call: ToolCall) -> Preview:
        return Preview(f"read {call.arguments['path']}")

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        given = self._asked.path(call.arguments["path"])
        start, end = call.arguments.get("start"), call.arguments.get("end")
        path = files.locate(self._root, given)
        said = ""
        if not path.exists():
            path, said = self._only_namesake(given)
        if path.is_dir():
            return ToolResult(True, said + self._listing(path))
        if start is None and (line := re.search(r":(\d+)(:.*)?$", given)) and given != path.name:
            start = max(1, int(line[1]) - 20)
        self._seen.add(path.resolve())
        return ToolResult(True, said + self._window(path, start, end))

    def _only_namesake(self, given: str) -> tuple[Path, str]:
        found = list(walk.project_files(self._root))
        base = given.strip("`'\" ").replace("\\", "/").rpartition("/")[2]
        same = [path for path in found if path.rpartition("/")[2] == base]
        if len(same) == 1:
            return self._root.resolve() / same[0], f"{given} does not exist; this is {same[0]}.\n"
        near = walk.nearest_names(given, found)
        hint = f"Did you mean: {', '.join(near)}?" if near else "Use read with path . to list the files."
        raise ToolError(f"{given} does not exist.", hint)

    def _listing(self, folder: Path) -> str:
        """Two levels: files of this folder, and its folders with what they hold."""
        inside = "" if folder == self._root.resolve() else files.relative(self._root, folder) + "/"
        found = [path.removeprefix(inside) for path in walk.project_files(self._root, folder)]
        deep: Counter[str] = Counter()
        for path in found:
            parts = path.split("/")
            shown = "/".join(parts[:2]) + ("/" if len(parts) > 2 else "")
            deep[shown] += 1
        lines = [
            f"{name} ({count(number, 'file')})" if name.endswith("/") else name
            for name, number in deep.items()
        ]
        more = [f"… and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
        empty = sorted(
            entry.name + "/"
            for entry in os.scandir(folder)
            if entry.name[0] != "." and os.path.isdir(entry.path)  # entry.is_dir fails on a loop of links
        )
        if not lines:
            return f"{inside or './'} holds no files" + (
                f", but folders: {' '.join(empty[:_LISTED])}" if empty else "."
            )
        at_most = "at least " if len(found) >= walk.MAX_FILES else ""
        head = f"{inside or './'} {at_most}{count(len(found), 'file')}:"
        counted = [self._saying(found, inside)] if self._asked.wording.counts else []
        return clean("\n".join([head, *lines[:_LISTED], *more, *counted]).replace("\0", "")).rstrip("\n")

    def _saying(self, found: list[str], inside: str) -> str:
        """In how many of a folder's files the prompt's words stand; empty where it is all or none."""
        texts = [text.casefold() for _, text in texts_of(self._root, [inside + path for path in found])]
        said = {word: sum(bounded(word, text) for text in texts) for word in self._asked.words}
        some = [f"{word}: in {count(n, 'file')}" for word, n in said.items() if 0 < n < len(texts)]
        return f"counted:\n{'; '.join(some)}" if some else ""

    def _window(self, path: Path, start: int | None, end: int | None) -> str:
        shown = files.relative(self._root, path)
        size, data = self._head(path, shown)
        if not data:
            return f"{shown} is empty."
        if files.is_binary(data):
            kind = next((name for magic, name in _TYPES.items() if data.startswith(magic)), "binary file")
            return f"{shown} is a {kind} of {count(size, 'byte')}; its content cannot be shown."
        lines = _lines(files.decode(data).content)
        first, last = _span(start, end, len(lines))
        kept: list[str] = []
        used = 0
        for line in lines[first - 1 : last]:
            used += len(line) + 8
            if kept and used > self._room:
                break
            kept.append(line)
        last = first + len(kept) - 1
        total = f"{len(lines):,}" if size <= _SCANNED else f"more than {len(lines):,}"
        head = f"{shown}, lines {first:,}–{last:,} of {total}"
        more = f"\n… read on with start={last + 1}" if last < len(lines) else ""
        if first == 1 and last == len(lines):
            head = f"{shown}, {count(len(lines), 'line')}"
        wants, text = self._asked.wording, "\n".join(lines)
        if wants.asks:
            self._asked.saw(shown, text)
        if wants.counts and (counts := tally(text, shown, self._asked)):
            self._asked.quotes.counts(shown, counts)
            head = head if more or wants.lines else shown  # small models take its number for the answer
            more += f"\ncounted:\n{counts}"
        elif wants.asks and len(kept) > _FEW_LINES and (focus := self._asked.focus(text)):
            more += f"\nabout the question:\n{focus}"  # the end of a result is what small models heed
        if first == 1 and (said := shape(text, path.suffix)):
            more += f"\n{said}"
        return f"{head}:\n{numbered(kept, first)}{more}"

    def _head(self, path: Path, shown: str) -> tuple[int, bytes]:
        size = path.stat().st_size
        if size <= _SCANNED:
            data = files.read_bytes(path, shown)
            return len(data), data
        with files.opened(path) as file:  # larger than the limit, so a regular file
            return size, file.read(_SCANNED)


def _lines(content: str) -> list[str]:
    lines = content.replace("\r\n", "\n").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return [shorten(clean(line), LINE_CHARS) for line in lines] or [""]


def _span(start: int | None, end: int | None, total: int) -> tuple[int, int]:
    """First and last line to show; beyond the end means the last window, reversed means swapped."""
    if start is not None and end is not None and end < start:
        start, end = end, start
    if start is None and end is not None and end > 0:
        start = max(1, end - WINDOW + 1)
    first = max(1, start or 1)
    if first > total:
        first = max(1, total - (max(1, (end or first) - first + 1)) + 1)
    last = min(total, first + WINDOW - 1)
    return first, max(first, min(last, end)) if end is not None and end > 0 else last

"""`write`: a whole file at once, atomically, with a checkpoint and a diff."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from orchestrator.checkpoints.store import Checkpoints
from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import files, syntax
from orchestrator.tools.asked import Asked
from orchestrator.tools.definitions import known
from orchestrator.tools.seen import Seen, whole
from orchestrator.tools.text import change_counts, clean, count, numbered, shorten, unfence, unified_diff
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec

_MARKDOWN = ("", "md", "markdown")
_FEW_LINES = 3
"""A file of so many lines may be replaced by less."""
_ADDED_LINES = 3
"""So few new lines, where the user asked to add some, are added and replace nothing."""
_NAME = re.compile(r"\s*[\w.-]+\s*[=:]")
_SHOWN_NEW = 6
"""Lines of a change that the model reads back."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is decided and not yet made. `old` is None where the file is new."""

    path: Path
    shown: str
    old: str | None
    new: str
    data: bytes
    said: str = ""

    @property
    def diff(self) -> str:
        return unified_diff(_lf(self.old or ""), _lf(self.new), self.shown)


class Writer:
    """Makes changes: checkpoint, write, describe. Shared by write and edit."""

    def __init__(self, root: Path, checkpoints: Checkpoints, seen: Seen, asked: Asked) -> None:
        self.root = root
        self.seen = seen
        self.asked = asked
        self._checkpoints = checkpoints

    def target(self, given: str) -> Path:
        """Where a write may go. Raises `ToolError`."""
        path = files.locate(self.root, self.asked.path(given))
        files.refuse_guarded(self.root, path)
        shown = files.relative(self.root, path)
        if path.is_dir():
            raise ToolError(f"{shown} is a folder.", "Give the path of a file.")
        if path.exists() and not path.is_file():
            raise ToolError(
                f"{shown} is {files.kind(path.stat().st_mode)}, not a file.", "Name a regular file."
            )
        return path

    def make(self, change: Change, call: str) -> ToolResult:
        with self._checkpoints.change(change.path, call):
            files.write_atomic(self.root, change.path, change.data, change.shown)
        self.seen.add(change.path)
        diff = change.diff
        added, removed = change_counts(diff)
        what = f"changed +{added} −{removed}"
        if change.old is None:
            what = f"created, {count(len(change.new.splitlines()), 'line')}"
        text = f"{change.shown} {what}{change.said}{_now(change)}{_parse_warning(change)}"
        return ToolResult(True, text, diff=diff, changed=(change.shown,))


class Write:
    spec = ToolSpec(
        "write",
        "new file",
        (Parameter("path", "relative to the project"), Parameter("content", "all of the file")),
        "write",
    )

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def preview(self, call: ToolCall) -> Preview:
        change = self._plan(call)
        return Preview(f"write {change.shown}", change.diff)

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        change = self._plan(call)
        if change.old == change.new:
            return ToolResult(True, f"{change.shown} already holds exactly this; nothing was changed.")
        return self._writer.make(change, self.spec.name)

    def _plan(self, call: ToolCall) -> Change:
        path = self._writer.target(call.arguments["path"])
        shown = files.relative(self._writer.root, path)
        new = tidy(call.arguments["content"], path)
        if not path.exists():
            return Change(path, shown, None, new, files.Text("").encode(new))
        data = files.read_bytes(path, shown)
        if files.is_binary(data):
            if path not in self._writer.seen:
                self._writer.seen.add(path)
                raise ToolError(f"{shown} is binary, and write would replace it.", "Write again to do so.")
            return Change(path, shown, "", new, files.Text("").encode(new), " (it was binary)")
        was = files.decode(data)
        if self._writer.asked.adds and (more := appended(was.content, new, path)) is not None:
            return Change(path, shown, was.content, more, was.encode(more), " (added at its end)")
        if was.content.strip() and path not in self._writer.seen and was.content != new:
            if whole(was.content):
                self._writer.seen.want(path)
            self._writer.seen.add(path)
            raise ToolError(
                f"{shown} exists, and write would replace all of it.{_reads(whole(was.content))}",
                "Use edit to change a part of it, or write again to replace it.",
            )
        if fault := _drops(was.content, new):
            raise ToolError(
                f"{shown} would lose {fault}.",
                "To add lines use edit, with the last line as old and it with the new ones as new; "
                "to start anew remove the file first.",
            )
        if _crlf(was.content):
            new = _lf(new).replace("\n", "\r\n")
        return Change(path, shown, was.content, new, was.encode(new))


def appended(content: str, new: str, path: Path) -> str | None:
    """The content with `new` at its end, where `new` is a few lines of which it has none, sets nothing that
    is set already, and breaks nothing; else None. In code the end is seldom the place.
    """
    lines, there = [line for line in _lf(new).split("\n") if line.strip()], set(_lf(content).split("\n"))
    if (
        known(path.suffix)
        or not content.strip()
        or not 0 < len(lines) <= _ADDED_LINES
        or any(line in there for line in lines)
    ):
        return None
    names = {match[0] for line in there if (match := _NAME.match(line))}
    if any((match := _NAME.match(line)) and match[0] in names for line in lines):
        return None
    more = joined(content, new)
    return None if syntax.breaks(content, more, path) else more


def joined(content: str, new: str) -> str:
    """`new` as the last lines, set off as the others are: by an empty line where those stand so."""
    body = _lf(content).rstrip("\n")
    apart = "\n\n" if re.search(r"\S\n\n[^\n]+$", body) else "\n"
    text = f"{body}{apart}{_lf(new).strip(chr(10))}\n"
    return text.replace("\n", "\r\n") if _crlf(content) else text


def _drops(old: str, new: str) -> str:
    """How much of a file is gone when a fragment is written over it: "9 of 9 lines"; else empty."""
    was, now = [line for line in _lf(old).split("\n") if line.strip()], set(_lf(new).split("\n"))
    lost = sum(line not in now for line in was)
    fragment = len([line for line in now if line.strip()]) < len(was) / 2
    return f"{lost} of {len(was)} lines" if len(was) > _FEW_LINES and fragment and lost > len(was) / 2 else ""


def _reads(lines: str) -> str:
    return f" It reads:\n{lines}\n" if lines else " It is long: read what matters first."


def tidy(content: str, path: Path) -> str:
    """The content that was meant: without a fence around it, unescaped, ending with a newline."""
    fenced = unfence(content)
    if fenced is not None and not (
        path.suffix.lower() in (".md", ".markdown") and fenced[0] not in _MARKDOWN
    ):
        content = fenced[1]
    while content.endswith("\\n") and not content.endswith("\\\\n"):
        content = content[:-2] + "\n"
    if "\n" not in content.rstrip("\n") and "\\n" in content and path.suffix == ".py":
        unescaped = content.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
        if syntax.error(content, path) and not syntax.error(unescaped, path):
            content = unescaped
    return content if not content or content.endswith("\n") else content + "\n"


def _now(change: Change) -> str:
    """The first lines that are new in a file that was there, numbered."""
    if change.old is None:
        return ""
    was, now = _lf(change.old).split("\n"), _lf(change.new).split("\n")
    first = next((i for i, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), len(was))
    end = len(now) - next(
        (i for i, pair in enumerate(zip(was[::-1], now[::-1], strict=False)) if pair[0] != pair[1]), len(was)
    )
    lines = now[first : max(end, first)]
    if not any(line.strip() for line in lines):
        return ""
    return "\n" + numbered([shorten(clean(line)) for line in lines[:_SHOWN_NEW]], first + 1)


def _parse_warning(change: Change) -> str:
    said = syntax.error(change.new, change.path) if change.new.strip() else ""
    return f"\nwarning: the file does not parse: {said}" if said else ""


def _crlf(content: str) -> bool:
    return content.count("\r\n") * 2 > content.count("\n") > 0


def _lf(content: str) -> str:
    return content.replace("\r\n", "\n")

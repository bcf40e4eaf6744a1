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
from orchestrator.tools.failed import is_test, sources
from orchestrator.tools.seen import Seen, whole
from orchestrator.tools.syntax import unclosed, unfolded
from orchestrator.tools.text import change_counts, clean, count, numbered, shorten, unfence, unified_diff
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec

_MARKDOWN = ("", "md", "markdown")
_FEW_LINES = 3
"""A file of so many lines may be replaced by less."""
_ADDED_LINES = 3
"""So few new lines, where the user asked to add some, are added and replace nothing."""
_NAME = re.compile(r"\s*[\w.-]+\s*[=:]")
_HEAD = re.compile(r"\S+, \d+ lines?:")
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
        self._refuse_test(shown)
        if path.is_dir():
            raise ToolError(f"{shown} is a folder.", "Give the path of a file.")
        if path.exists() and not path.is_file():
            raise ToolError(
                f"{shown} is {files.kind(path.stat().st_mode)}, not a file.", "Name a regular file."
            )
        return path

    def _refuse_test(self, shown: str) -> None:
        """Once a turn, where a test fails and the code is to be mended: the test is not the place."""
        if not (self.asked.wording.source_only and is_test(shown)) or "test" in self.asked.warned:
            return
        self.asked.warn("test")
        tested = sources(self.root, shown)
        if tested:
            self.seen.want(self.root.resolve() / tested[0])
        where = f"What it tests is in {' and '.join(tested)}." if tested else "Search for what it tests."
        raise ToolError(f"{shown} is a test; the code is to be mended, not the test.", where)

    def make(self, change: Change, call: str) -> ToolResult:
        with self._checkpoints.change(change.path, call):
            files.write_atomic(self.root, change.path, change.data, change.shown)
        self.seen.add(change.path)
        self.asked.warned.add(change.shown)  # what the prompt says of it may be done now
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
            self._refuse_blind(path, shown, new)
            return Change(path, shown, None, new, files.Text("").encode(new))
        data = files.read_bytes(path, shown)
        if files.is_binary(data):
            if path not in self._writer.seen and self._first(shown):
                raise ToolError(f"{shown} is binary, and write would replace it.", "Write again to do so.")
            return Change(path, shown, "", new, files.Text("").encode(new), " (it was binary)")
        was = files.decode(data)
        if self._writer.asked.wording.adds and (more := appended(was.content, new, path)) is not None:
            return Change(path, shown, was.content, more, was.encode(more), " (added at its end)")
        unseen = was.content.strip() and path not in self._writer.seen and was.content != new
        if unseen and self._first(shown):
            if whole(was.content):
                self._writer.seen.want(path)
            raise ToolError(
                f"{shown} exists, and write would replace all of it.{_reads(whole(was.content))}",
                "Use edit to change a part of it, or write again to replace it.",
            )
        if fault := _drops(was.content, new):
            raise ToolError(
                f"{shown} would lose {fault}.",
                "Use edit: a line as it is as old, and that line changed, or with new ones after it, as new.",
            )
        if broken := syntax.breaks(was.content, new, path):
            raise ToolError(f"{shown} would no longer parse ({broken}); nothing was changed.", "Use edit.")
        if _crlf(was.content):
            new = _lf(new).replace("\n", "\r\n")
        return Change(path, shown, was.content, new, was.encode(new))

    def _first(self, shown: str) -> bool:
        """Whether this turn has not heard yet that write would replace what is there."""
        self._writer.asked.warn(f"replaced {shown}")
        return f"replaced {shown}" not in self._writer.asked.warned

    def _refuse_blind(self, path: Path, shown: str, new: str) -> None:
        """Once a turn each: a new file made without a look at the one that the prompt names for it; one that
        does not parse.
        """
        asked, seen = self._writer.asked, self._writer.seen
        for named in asked.wording.paths:
            other = files.locate(self._writer.root, named)
            if other == path or other in seen or not other.is_file() or "named" in asked.warned:
                continue
            if whole(files.decode(files.read_bytes(other, named)).content):
                asked.warn("named")
                seen.want(other)
                raise ToolError(f"{shown} depends on {named}, which was not read.", f"Read {named} first.")
        if (fault := syntax.error(new, path)) and shown not in asked.warned:
            asked.warn(shown)
            raise ToolError(f"{shown} would not parse ({fault}); nothing was written.", "Write it correctly.")


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
    if path.suffix.lower() in (".csv", ".tsv"):
        mark = "," if path.suffix.lower() == ".csv" else "\t"
        if any(line.count(mark) != content.partition("\n")[0].count(mark) for line in lines):
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


def _unlisted(content: str) -> str:
    """The content without the head and the numbers of a listing that was copied with them."""
    lines = content.rstrip("\n").split("\n")
    if len(lines) > 2 and _HEAD.fullmatch(lines[0]):
        lines = lines[1:]
    for number, line in enumerate(lines, 1):
        if not line.startswith(f"{number}:"):
            return content
    return "\n".join(line.partition(":")[2].removeprefix(" ") for line in lines) + "\n"


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
    content = unclosed(_unlisted(content), path)
    if path.suffix == ".py" and syntax.error(content, path) and not syntax.error(unfolded(content), path):
        content = unfolded(content)
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

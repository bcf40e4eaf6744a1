"""`edit`: one place of a file replaced, found even when the model copied it inexactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import files, setting, syntax, walk
from orchestrator.tools.asked import Asked, bounded
from orchestrator.tools.matching import Match, NoPlace, find
from orchestrator.tools.places import places
from orchestrator.tools.seen import whole
from orchestrator.tools.text import clean, numbered, shorten
from orchestrator.tools.write import Change, Writer, appended, joined, tidy
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec

_MISSES = 2
"""Edits of one file that found no place, until the next may only pick one."""
_NAME = re.compile(r"[\w.@/-]{3,80}")
"""What is changed in all places of a file at once: an identifier, a version, a path."""
_LISTED = re.compile(r"([^\[{(]*[\[{])([^\[\]{}\n]*)([\]}][^\[\]{}\n]*)")
"""A line with a list: what stands before its entries, they, and what stands behind."""
_PICKED_LINES, _PICKED_CHARS = 300, 12_000
"""Of a file whose lines a grammar can list."""


class Edit:
    spec = ToolSpec(
        "edit",
        "change text in a file",
        (
            Parameter("path", "relative to the project"),
            Parameter("old", "text as it is now"),
            Parameter("new", "text instead"),
        ),
        "write",
    )

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._asked = writer.asked
        self.begin()

    def begin(self) -> None:
        """A turn begins: nothing has been missed yet."""
        self._missed: Path | None = None
        """The file of the last edit, if that found no place in it."""
        self._times = 0

    def preview(self, call: ToolCall) -> Preview:
        change = self._plan(call)
        return Preview(f"edit {change.shown}", change.diff)

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        return self._writer.make(self._plan(call), self.spec.name)

    def narrowed(self) -> ToolSpec | None:
        """After edits that found no place: only that file, and as `old` one of its lines."""
        if self._missed is None or not (lines := self._meant(self._missed)):
            return None
        path, old, new = self.spec.parameters
        shown = files.relative(self._writer.root, self._missed)
        return replace(
            self.spec, parameters=(replace(path, choices=(shown,)), replace(old, choices=lines), new)
        )

    def _meant(self, missed: Path) -> tuple[str, ...]:
        """The lines that the prompt means, after one miss; all of them, after more."""
        content = _content(missed)
        lines = content.split("\n")
        meant = [lines[number - 1] for number in self._asked.lines_of(content)] if self._asked.words else []
        unique = tuple(line.strip() for line in meant if content.count(line.strip()) == 1)
        if unique and len(unique) == len(meant):
            return unique
        return _single(content) if self._times >= _MISSES else ()

    def _plan(self, call: ToolCall) -> Change:
        missed, self._missed = self._missed, None
        old, new = str(call.arguments["old"]), str(call.arguments["new"])
        new = _with_all(old, new) if self._asked.wording.adds else new
        path, said = self._target(call.arguments["path"], old)
        shown = files.relative(self._writer.root, path)
        self._times = self._times if missed == path else 0
        data = files.read_bytes(path, shown) if path.exists() else None
        if not old.strip():
            if data and self._asked.wording.adds and appended(files.decode(data).content, new, path):
                was = files.decode(data)
                content = joined(was.content, new)
                return Change(path, shown, was.content, content, was.encode(content), " (added at its end)")
            if data:
                raise ToolError(
                    f"old is empty, but {shown} is not.", "Give the lines to replace as old, or use write."
                )
            content = tidy(new, path)
            return Change(path, shown, None if data is None else "", content, files.Text("").encode(content))
        if data is None:
            found = list(walk.project_files(self._writer.root))
            near = walk.nearest_names(shown, found, 4)
            if not near and (best := places(self._writer.root, found, self._asked)):
                near = [best[0].path]
            if len(near) == 1:
                self._writer.seen.want(self._writer.target(near[0]))
            hint = f"Did you mean {' or '.join(near)}? " if near else ""
            raise ToolError(f"{shown} does not exist.", f"{hint}Use search to find where it stands.")
        if files.is_binary(data):
            raise ToolError(f"{shown} is binary and cannot be edited.", "Choose a text file.")
        was = files.decode(data)
        if (changed := self._forgiven(was.content, old, new, path)) is not None:
            return Change(path, shown, was.content, changed, was.encode(changed), said)
        if warning := self._beside(path, shown, was.content, old, new):
            self._miss(path, was.content)
            raise warning
        if old == new:
            self._miss(path, was.content)
            raise ToolError(
                f"old and new are the same, so nothing would change.{_reads(whole(was.content), shown)}",
                "Copy the line to change as old, and give the changed line as new.",
            )
        try:
            match = find(_lf(was.content), _lf(old), _lf(new))
        except NoPlace as error:
            match_or_none = _setting(_lf(was.content), _lf(old), _lf(new), path)
            if match_or_none is None:
                return self._everywhere(error, was, path, shown, old, new)
            match = match_or_none
        match = _fitting(was.content, match, old, path)
        content = splice(was.content, match)
        if content == was.content:
            raise ToolError(
                f"{shown} already reads like new; nothing was changed.", "Go on with the next step."
            )
        if syntax.breaks(was.content, content, path):
            content = _shifted(was.content, match, path)
        if broken := syntax.breaks(was.content, content, path):
            self._miss(path, was.content)
            raise ToolError(
                f"{shown} would no longer parse ({broken}); nothing was changed."
                f"{_reads(whole(was.content), shown)}",
                "Give whole lines as old and new, each with its own indentation.",
            )
        return Change(path, shown, was.content, content, was.encode(content), match.said + said)

    def _forgiven(self, content: str, old: str, new: str, path: Path) -> str | None:
        """The content as it was meant where `old` and `new` do not say it: a line that goes, a whole line for
        the beginning of one, a line that is new in a file; else None.
        """
        text, wants = _lf(content), self._asked.wording
        if wants.removes and (gone := _removed(text, self._asked, old, new)) is not None:
            changed = gone
        elif (line := _begun(text, old, new)) is not None:
            changed = line
        elif (
            self._asked.wording.adds and old not in text and (added := appended(text, new, path)) is not None
        ):
            changed = added
        else:
            return None
        if syntax.breaks(content, changed, path):
            return None
        return changed.replace("\n", "\r\n") if "\r\n" in content else changed

    def _beside(self, path: Path, shown: str, content: str, old: str, new: str) -> ToolError | None:
        """Said once of a file: that the change goes past what the prompt names."""
        if shown in self._asked.warned:
            return None
        if value := self._asked.missing(content, new):
            self._asked.warn(shown)
            return ToolError(f"new lacks {value}, which the user named.", f"Put {value} into new.")
        numbers = self._asked.lines_of(content)
        lines = content.split("\n")
        meant = [lines[number - 1].strip() for number in numbers]
        if not meant or any(line in old or old.strip() in line for line in meant):
            return None
        code = self._asked.wording.code
        if (code and not any(bounded(one, old + new) for one in code)) or _same_name(old, meant):
            self._asked.warn(shown)
            named = "\n".join(f"{number}: {line}" for number, line in zip(numbers, meant, strict=True))
            return ToolError(f"That is not what the user named in {shown}.", f"Change this instead:\n{named}")
        return None

    def _everywhere(
        self, error: NoPlace, was: files.Text, path: Path, shown: str, old: str, new: str
    ) -> Change:
        """A name that stands in several places, changed in all of them. Raises `ToolError`."""
        content, count = everywhere(was.content, old, new) if error.lines else (was.content, 0)
        if not count or content == was.content or syntax.breaks(was.content, content, path):
            self._miss(path, was.content)
            raise _misplaced(error, was.content, shown) from error
        return Change(path, shown, was.content, content, was.encode(content), f" ({count} places)")

    def _target(self, given: str, old: str) -> tuple[Path, str]:
        """Where the edit goes: the path, or the one file of that name that there is, which is said."""
        path = self._writer.target(given)
        if path.exists() or not old.strip():
            return path, ""
        same = [one for one in walk.project_files(self._writer.root) if Path(one).name == path.name]
        if len(same) != 1:
            return path, ""
        return self._writer.target(
            same[0]
        ), f" ({shorten(clean(given), 80)} does not exist; this is {same[0]})"

    def _miss(self, path: Path, content: str) -> None:
        """An edit that fails again picks from the file's own lines; it has been shown, if it is small."""
        self._missed = path
        self._times += 1
        if whole(content):
            self._writer.seen.want(path)


def everywhere(content: str, old: str, new: str) -> tuple[str, int]:
    """The content with a name replaced wherever it stands as a whole, and in how many places.

    `3.8` is not in `13.8` or `3.8.1`; `foo` is in `a.foo()`, not in `foobar`.
    """
    if not _NAME.fullmatch(old) or "\n" in new:
        return content, 0
    before = r"(?<![\w.])" if old[0].isdigit() else r"(?<!\w)"
    after = r"(?![\w]|\.\d)" if old[-1].isdigit() else r"(?!\w)"
    return re.subn(before + re.escape(old) + after, lambda _: new, content)


def _fitting(content: str, match: Match, old: str, path: Path) -> Match:
    """The change as it parses, if it does: with the comma of `old`, without a bracket too many."""
    if not syntax.breaks(content, splice(content, match), path):
        return match
    bare = match.new.rstrip()
    tries = [f"{bare}{end}" for end in ",;" if old.rstrip().endswith(end) and not bare.endswith(end)]
    tries += [bare.removesuffix(tail) for tail in ('"}', "}", "}}", ",") if bare.endswith(tail)]
    tries += [bare.replace('""', '"'), syntax.unfolded(match.new)]
    for new in tries:
        other = replace(match, new=new)
        if not syntax.breaks(content, splice(content, other), path):
            return other
    return match


def _with_all(old: str, new: str) -> str:
    """Where something is added to a list on one line: `new` with the entries of `old` that it leaves out."""
    was, now = _LISTED.fullmatch(old.strip()), _LISTED.fullmatch(new.strip())
    if was is None or now is None or was[1] != now[1] or not was[2].strip():
        return new
    before, after = ([part.strip() for part in match[2].split(",")] for match in (was, now))
    if all(part in after for part in before):
        return new
    space = " " if was[2].startswith(" ") else ""
    listed = ", ".join([*before, *(part for part in after if part and part not in before)])
    return f"{was[1]}{space}{listed}{space}{was[3]}"


def _same_name(old: str, lines: Sequence[str]) -> bool:
    """Whether one of the lines sets what `old` sets: of two settings of one name the other is meant."""
    match = re.match(r"[\"']?([\w.-]+)[\"']?\s*[=:]", old.strip())
    return match is not None and any(re.match(rf"[\"']?{re.escape(match[1])}\b", line) for line in lines)


def _removed(text: str, asked: Asked, old: str, new: str) -> str | None:
    """Without the line that is to go: `new` is empty or says the same, as models write it."""
    lines = text.split("\n")
    meant = asked.lines_of(text)
    same = not new.strip() or new.strip() == old.strip()
    if (
        same
        and old.strip()
        and (whole_lines := [n for n, line in enumerate(lines, 1) if line.strip() == old.strip()])
    ):
        meant = whole_lines
    elif len(meant) != 1 or not (
        same or old.strip().startswith(new.strip()) or new.strip() == lines[meant[0] - 1].strip()
    ):
        return None
    if len(meant) != 1:
        return None
    return "\n".join([*lines[: meant[0] - 1], *lines[meant[0] :]])


def _begun(text: str, old: str, new: str) -> str | None:
    """With the whole line instead of the one that `old` only begins: `port =` → `port = 9000`."""
    begin, instead = old.strip(), new.strip()
    if not begin or begin[-1] not in "=:[({" or "\n" in begin + instead or not instead.startswith(begin):
        return None
    lines = text.split("\n")
    found = [n for n, line in enumerate(lines) if line.strip().startswith(begin) and line.strip() != begin]
    if len(found) != 1 or instead == begin or instead[-1] in ",[({" or not _balanced(instead):
        return None
    line = lines[found[0]]
    comma = "," if line.rstrip().endswith(",") and not instead.endswith(",") else ""
    lines[found[0]] = line[: len(line) - len(line.lstrip())] + instead + comma
    return "\n".join(lines)


def _balanced(line: str) -> bool:
    return all(line.count(left) == line.count(right) for left, right in ("()", "[]", "{}"))


def _setting(text: str, old: str, new: str, path: Path) -> Match | None:
    place = setting.find(text, old, new, path.suffix)
    if place is None:
        return None
    return Match(place.start, place.end, place.new, f" (found by its name, {place.name}; it was {place.old})")


def _misplaced(error: NoPlace, content: str, shown: str) -> ToolError:
    if error.lines:
        at = ", ".join(map(str, error.lines[:10]))
        return ToolError(
            f"old occurs {len(error.lines)} times in {shown}, at lines {at}.",
            "Add the lines around it to old, so that it is unique.",
        )
    if text := whole(content):
        return ToolError(f"old was not found in {shown}.{_reads(text, shown)}", "Copy old from these lines.")
    region = numbered([shorten(clean(line)) for line in error.nearest], error.first)
    hint = (
        f"The nearest lines are:\n{region}\nCopy old from these." if region else "Use read to see the file."
    )
    return ToolError(f"old was not found in {shown}.", hint)


def _reads(lines: str, shown: str) -> str:
    return f" {shown} reads:\n{lines}\n" if lines else ""


def _shifted(content: str, match: Match, path: Path) -> str:
    """The change with all lines of `new` after the first as deep as the line it goes into."""
    start = content.rfind("\n", 0, _offset(content, match.start)) + 1
    there = content[start : _offset(content, match.start)]
    first, *rest = match.new.split("\n")
    if not rest or there.strip():
        return splice(content, match)
    new = "\n".join([first, *(there + _tabbed(line, there) if line.strip() else line for line in rest)])
    return splice(content, replace(match, new=new))


def _tabbed(line: str, there: str) -> str:
    """The line indented with tabs where its surroundings are."""
    bare = line.lstrip(" ")
    spaces = len(line) - len(bare)
    return "\t" * (spaces // 4) + bare if "\t" in there and spaces >= 4 else line


def _content(path: Path) -> str:
    try:
        return _lf(files.decode(files.read_bytes(path, path.name)).content)
    except ToolError:
        return ""


def _single(content: str) -> tuple[str, ...]:
    """Texts that stand in the file once: its lines, or with the next one where a line comes twice."""
    lines = content.split("\n")
    if len(lines) > _PICKED_LINES or len(content) > _PICKED_CHARS:
        return ()
    found = []
    for number, line in enumerate(lines):
        for text in (line.strip(), line, "\n".join(lines[number : number + 2])):
            if text.strip() and content.count(text) == 1:
                found.append(text)
                break
    return tuple(dict.fromkeys(found))


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n")


def splice(content: str, match: Match) -> str:
    """Replace the match, which was found with LF line ends, in `content` with whatever ends it has."""
    ends = content.count("\r\n") * 2 > content.count("\n")
    new = match.new.replace("\n", "\r\n") if ends else match.new
    return content[: _offset(content, match.start)] + new + content[_offset(content, match.end) :]


def _offset(content: str, position: int) -> int:
    """Where a position of the text with LF line ends lies in `content`."""
    if "\r\n" not in content:
        return position
    before = 0
    found = content.find("\r\n")
    while found >= 0 and found - before < position:
        before += 1
        found = content.find("\r\n", found + 2)
    return position + before

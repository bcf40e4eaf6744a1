"""`search`: text in files, and names of files, found even when the pattern is a little off."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import re
from collections.abc import AsyncIterator
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import files, walk
from orchestrator.tools.asked import Asked
from orchestrator.tools.definitions import block, enclosing
from orchestrator.tools.grep import MAX_FILE_BYTES, MAX_HITS, BadPattern, Hit, grep
from orchestrator.tools.places import Place, places
from orchestrator.tools.seen import whole
from orchestrator.tools.text import clean, count, numbered, shorten
from orchestrator.tools.wording import named_as_file
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec

_SHOWN = 30
_SHOWN_NAMES = 10
_FEW, _AROUND = 2, 3
"""So few hits are shown with so many lines before and after each."""
_LINE = 180
_BLOCK = 24
"""Of what a hit begins (a function, a section) so many lines are shown."""
_SMALL = 40
"""Lines of a file that is shown whole where it defines what was searched for."""
_BETTER = 1.0
"""So much more of the prompt stands in a place that is worth showing beside the hits."""
_GLOB = re.compile(r"[\w./*?\[\]{},-]*\*[\w./*?\[\]{},-]*\.?\w*")
_COMMON = frozenset(
    {"def", "class", "function", "func", "fn", "self", "return", "import", "from", "the", "and", "for"}
)


class Search:
    spec = ToolSpec(
        "search",
        "find text or files",
        (
            Parameter("pattern", "text or regular expression"),
            Parameter("path", "folder or file", required=False),
        ),
        "read",
    )

    def __init__(self, root: Path, output_chars: int, asked: Asked) -> None:
        self._root = root
        self._asked = asked
        self._room = max(300, output_chars - 300)

    def preview(self, call: ToolCall) -> Preview:
        return Preview(f"search {call.arguments['pattern']}")

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        pattern = unwrapped(str(call.arguments["pattern"]))
        if not pattern:
            raise ToolError("The pattern is empty.", "Search for a word of the code, or use read with path .")
        under, said = self._under(call.arguments.get("path") or ".")
        paths = self._files(under)
        about = await asyncio.to_thread(places, self._root, paths, self._asked)
        found = await self._found(pattern, under, paths, about)
        if not found and under != self._root.resolve():
            everywhere = self._files(self._root.resolve())
            about = await asyncio.to_thread(places, self._root, everywhere, self._asked)
            if found := await self._found(pattern, self._root.resolve(), everywhere, about):
                said = f"{said}nothing in {files.relative(self._root, under)}; elsewhere:\n"
        if found:
            return ToolResult(True, said + found)
        if _is_glob(pattern):
            raise ToolError(f"No file name matches {pattern}.", self._hint(pattern))
        if about:
            hits = self._hits(about[:_FEW])
            head = f"{said}nothing has {shorten(pattern, 80)!r}; this is near the words of the question:\n"
            return ToolResult(True, head + self._text(hits, "", [], pattern))
        raise ToolError(
            f"{said}No match for {shorten(pattern, 80)!r}, in contents or file names."
            f"{self._too_large(paths)}",
            self._hint(pattern),
        )

    async def _found(self, pattern: str, under: Path, paths: list[str], about: list[Place]) -> str:
        """What has the pattern, by contents or by name, as text; empty: nothing."""
        names = _names(pattern, paths)
        if _is_glob(pattern):
            return _name_text(names, pattern) if names else ""
        exact = pattern.removeprefix("./")
        if exact in paths and (text := self._content(exact)):
            return text + _name_text([exact], pattern)
        async for hits, how in self._ladder(under, pattern):
            if hits:
                unread = self._too_large(paths) if how else ""
                hits = _ranked(hits, about, pattern)
                return self._text(hits, how, names, pattern, self._besides(hits, about)) + unread
            if names:
                text = self._content(names[0]) if len(names) == 1 else ""
                return text + _name_text(names, pattern) + self._too_large(paths)
        return ""

    def _files(self, under: Path) -> list[str]:
        return (
            [files.relative(self._root, under)]
            if under.is_file()
            else list(walk.project_files(self._root, under))
        )

    def _too_large(self, paths: list[str]) -> str:
        """What the search has passed over, as a line of its own; else nothing."""
        large = []
        for path in paths:
            with contextlib.suppress(OSError):
                if (self._root / path).stat().st_size > MAX_FILE_BYTES:
                    large.append(path)
        if not large:
            return ""
        more = f" and {len(large) - _SHOWN_NAMES} more" if len(large) > _SHOWN_NAMES else ""
        shown = ", ".join(shorten(clean(path), 80) for path in large[:_SHOWN_NAMES])
        return f"\nnot searched, too large: {shown}{more}; use shell with grep -m 20"

    def _under(self, given: str) -> tuple[Path, str]:
        path = files.locate(self._root, given)
        if path.is_file() and (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise ToolError(f"{given} has {size:,} bytes, too many to search.", "Use shell with grep -m 20.")
        if path.is_dir() or path.is_file():
            return path, ""
        if path.exists():
            raise ToolError(
                f"{given} is {files.kind(path.stat().st_mode)}, not a file.", "Search in a folder."
            )
        return self._root.resolve(), f"{given} does not exist; searched the whole project.\n"

    async def _ladder(self, under: Path, pattern: str) -> AsyncIterator[tuple[list[Hit], str]]:
        """Hits and how they were found (empty: just as asked), from exact to loose."""
        steps = [
            (pattern, False, True, ""),
            (pattern, True, True, "as plain text"),
        ]
        if (name := _signature(pattern)) != pattern:
            steps.append((rf"\b{re.escape(name)}\b", False, True, f"for {name}"))
        steps += [
            (pattern, False, False, "case-blind"),
            (pattern, True, False, "as plain text, case-blind"),
        ]
        parts = [re.escape(part) for part in words(pattern)]
        if len(parts) > 1:
            steps.append((r".*".join(parts), False, False, "for its words in order"))
        if parts and parts != [pattern]:
            steps.append(("|".join(parts), False, False, f"for any of: {', '.join(words(pattern))}"))
        for wanted, fixed, case, how in steps:
            try:
                hits = await grep(self._root, under, wanted, fixed=fixed, case=case)
            except BadPattern:
                hits = []
            yield hits, how

    def _hits(self, found: list[Place]) -> list[Hit]:
        return [Hit(one.path, one.line, clean(self._lines(one.path)[one.line - 1])) for one in found]

    def _besides(self, hits: list[Hit], about: list[Place]) -> list[Hit]:
        """The place that the prompt is most about, if no hit is near it and none is as close."""
        worth = {(one.path, one.line): one.score for one in about}
        best = max((worth.get((hit.path, hit.line), 0.0) for hit in hits), default=0.0)
        if not about or about[0].score <= best * _BETTER:
            return []
        near = [hit for hit in hits if hit.path == about[0].path and abs(hit.line - about[0].line) <= 1]
        return [] if near else self._hits(about[:1])

    def _text(
        self, hits: list[Hit], how: str, names: list[str], pattern: str, besides: list[Hit] | None = None
    ) -> str:
        """The hits first: a small model that has little to say repeats how a result begins."""
        head = f"no exact match; {how}: " if how else ""
        at_least = "at least " if len(hits) >= MAX_HITS else ""
        if self._asked.wording.asks and not self._asked.wording.counts:
            best = (besides or hits)[0]
            self._asked.quotes.lines(best.path, [(best.line, best.text)])
        lines: list[str] = []
        sources: dict[str, list[str]] = {}
        used, shown = 0, 0
        also: list[str] = []
        if besides:
            also = ["near the words of the question:", *(self._around(hit, sources) for hit in besides)]
        elif self._asked.wording.asks and not self._asked.wording.counts:
            also = [f"most about the question: {self._hit_text(hits[0], sources)}"]
        if len(hits) <= _FEW:
            around = [self._around(hits[0], sources), *(self._hit_text(hit, sources) for hit in hits[1:])]
            return "\n".join([*around, *self._end(hits, head, names), *also])
        for hit in hits[:_SHOWN]:
            whole_one = hit is hits[0] and defines(hit.text, pattern)
            line = self._around(hit, sources) if whole_one else self._hit_text(hit, sources)
            used += len(line) + 1
            if shown and used > self._room:
                break
            lines.append(line)
            shown += 1
        if shown < len(hits):
            lines.append(f"… {len(hits) - shown} more: search in one path, or for more of the line")
        return "\n".join([*lines, *self._end(hits, head + at_least, names), *also])

    def _end(self, hits: list[Hit], head: str, names: list[str]) -> list[str]:
        """Files that are called so, and how much was found how."""
        paths = {hit.path for hit in hits}
        other = [name for name in names if name not in paths]
        lines = [f"file names: {', '.join(other[:_SHOWN_NAMES])}"] if other else []
        return [*lines, f"({head}{count(len(hits), 'match')} in {count(len(paths), 'file')})"]

    def _around(self, hit: Hit, sources: dict[str, list[str]]) -> str:
        """A hit, and the lines before and after it: often what is asked for stands there."""
        line = self._hit_text(hit, sources)
        source = sources[hit.path]
        begins = block(source, hit.line, _BLOCK) > hit.line
        first = max(0, hit.line - 1 - (0 if begins else _AROUND))
        last = max(hit.line + _AROUND, block(source, hit.line, _BLOCK))
        if begins and len(source) <= _SMALL:  # what a definition uses is defined near it
            first, last = 0, len(source)
        near = source[first:last]
        while near and not near[-1].strip():
            near.pop()
        if len(near) < 2:
            return line
        return f"{line}\n{numbered([shorten(clean(text), _LINE) for text in near], first + 1)}"

    def _content(self, path: str) -> str:
        """The only file that is called so, if it is small."""
        text = whole("\n".join(self._lines(path)))
        return f"{path}:\n{text}\n" if text else ""

    def _hit_text(self, hit: Hit, sources: dict[str, list[str]]) -> str:
        if hit.path not in sources:
            sources[hit.path] = self._lines(hit.path)
        name = enclosing(sources[hit.path], hit.line, hit.path.rpartition(".")[2])
        place = f"{hit.path}:{hit.line}" + (f" in {name}" if name else "")
        return f"{place}: {shorten(hit.text.strip(), _LINE)}"

    def _lines(self, path: str) -> list[str]:
        try:
            data = files.read_bytes(self._root.resolve() / path, path, MAX_FILE_BYTES)
        except ToolError:
            return []
        return files.decode(data).content.split("\n")

    def _hint(self, pattern: str) -> str:
        near = walk.nearest_names(pattern, list(walk.project_files(self._root)), 4)
        shorter = max(words(pattern), key=len, default="")
        tries = (
            [f"search for {shorter[:-1] if shorter == pattern else shorter!r}"] if len(shorter) > 3 else []
        )
        tries += [f"files with a similar name: {', '.join(near)}"] if near else []
        return f"Try: {'; '.join([*tries, 'another word for it'])}; or read with path . to list the files."


def _ranked(hits: list[Hit], about: list[Place], pattern: str) -> list[Hit]:
    """Where the name is defined first, then what is nearest to the prompt; else as they were found."""
    worth = {(one.path, one.line): one.score for one in about}

    def key(hit: Hit) -> tuple[bool, float]:
        return not defines(hit.text, pattern), -worth.get((hit.path, hit.line), 0.0)

    return sorted(hits, key=key)


def defines(line: str, pattern: str) -> bool:
    """Whether the line defines the name that was searched for: `def name(`, `name = `, `class name:`."""
    name = re.escape(_signature(pattern))
    return re.match(rf"\s*(?:[a-z]+\s+)*{name}\s*(?:[=:(]|$)", line) is not None


def unwrapped(pattern: str) -> str:
    """The pattern without the quotes, backticks or /slashes/ that models put around it."""
    text = pattern.strip("\n\r")
    for left, right in (("/", "/"), ('"', '"'), ("'", "'"), ("`", "`"), ("r'", "'"), ('r"', '"')):
        if len(text) > len(left) + 1 and text.startswith(left) and text.endswith(right):
            inner = text[len(left) : -len(right)]
            if right not in inner:
                text = inner
                break
    return text if text.strip() else ""


def words(pattern: str) -> list[str]:
    """The telling words of a pattern, parts of compound names included, in order."""
    found = [
        word
        for word in re.findall(r"[^\W_]+(?:_[^\W_]+)*", re.sub(r"\\[a-zA-Z]", " ", pattern))
        if len(word) > 2
    ]
    telling = [word for word in found if word.lower() not in _COMMON]
    return list(dict.fromkeys(telling))[:6]


def _signature(pattern: str) -> str:
    """The name in a whole signature: `def charge(self, x):` → `charge`."""
    match = re.search(
        r"\b(?:def|class|function|func|fn|struct|interface|type|const|let|var)\s+(?:\([^)]*\)\s*)?(\w+)",
        pattern,
    )
    if match:
        return match[1]
    called = re.fullmatch(r"([\w.]+)\s*\(.*", pattern) or re.fullmatch(
        r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)", pattern
    )
    return called[1].rpartition(".")[2] if called and not named_as_file(pattern) else pattern


def _is_glob(pattern: str) -> bool:
    return (
        bool(_GLOB.fullmatch(pattern))
        and (pattern.startswith("*") or "/*" in pattern or "*." in pattern)
        and (".*" not in pattern.replace("*.*", ""))
    )


def _names(pattern: str, found: list[str]) -> list[str]:
    """Files whose path holds the pattern, or matches it as a glob."""
    if _is_glob(pattern):
        glob = pattern.lower().replace("**/", "*")
        return [
            path
            for path in found
            if fnmatch.fnmatchcase(path.lower(), glob)
            or fnmatch.fnmatchcase(path.lower().rpartition("/")[2], glob)
        ]
    wanted = pattern.lower().strip("/").removeprefix("./")
    return [path for path in found if wanted in path.lower()] if len(wanted) > 2 else []


def _name_text(names: list[str], pattern: str) -> str:
    shown = names[:_SHOWN]
    more = f"\n… {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return "\n".join(shown) + more + f"\n({count(len(names), 'file name')} for {pattern})"

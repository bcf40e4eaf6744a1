"""What a parser of a well-known file returns, and what all of them need: lines, TOML, JSON, XML."""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.documents.plain import code, flat, prose

Topic = Literal[
    "about", "commands", "entry points", "ports", "dependencies", "licence", "package", "wants", "parts"
]
MOST_ROWS = 10
MOST_WANTED = 300
MOST_BYTES = 128 * 1024
"""Most of a file that is looked at: what is longer was made by a program."""
_MOST_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Found:
    """One fact of a file, as a plain line without its citation.

    `source` is the file and, where one line says it, its number. Lower `rank`s are more useful.
    Topics "package", "wants" and "parts" are for comparing projects and not for people: `text` is then
    what a package is called in its ecosystem ("npm:left-pad"), or a folder, and `path` a relative
    folder that the file names.
    """

    topic: Topic
    text: str
    source: str
    rank: int = 5
    path: str = ""


class Source:
    """A file's text, and where in it something stands."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text[:MOST_BYTES]
        self.name = name
        self._starts: list[int] = []

    def line(self, offset: int) -> str:
        """File and line of a place in the text."""
        if not self._starts:
            self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        return f"{self.name}:{bisect_right(self._starts, offset)}"

    def at(self, pattern: str, after: int = 0) -> str:
        """File and line of the first match, else the file alone."""
        found = re.compile(pattern, re.MULTILINE).search(self.text, after)
        return self.line(found.start()) if found else self.name

    def of(self, *keys: str) -> str:
        """File and line of a TOML or JSON key below others, found by its text."""
        place, found = 0, None
        for key in keys:
            word = re.escape(key)
            form = (
                rf"^[ \t]*\[+[\w.\-\"' ]*\b{word}\]|^[ \t]*[\"']?{word}[\"']?[ \t]*[=:]|[\"']{word}[\"']\s*:"
            )
            found = re.compile(form, re.MULTILINE).search(self.text, place)
            if found is None:
                return self.name
            place = found.end() - 1
        return self.line(found.end() - 1) if found else self.name

    def rows(self, pattern: str, flags: int = re.MULTILINE) -> Iterator[tuple[re.Match[str], str]]:
        """Each match with its file and line."""
        for match in re.finditer(pattern, self.text, flags):
            yield match, self.line(match.start())


def described(name: Any, version: Any, about: Any, source: str, kind: str = "Package") -> list[Found]:
    """What the project calls itself."""
    if not (isinstance(name, str) and name):
        return []
    text = f"{kind} {code(name, 60)}"
    if isinstance(version, str) and re.match(r"v?\d", version):
        text += f" {flat(version, 20)}"
    said = prose(about, 200) if isinstance(about, str) else ""
    return [Found("about", f"{text}: {said}" if said else text, source, 2)]


def licence_named(value: Any, source: str) -> list[Found]:
    if isinstance(value, dict):
        value = value.get("text") or value.get("file") or value.get("type")
    return [Found("licence", prose(value, 60), source)] if isinstance(value, str) and value else []


def needs(what: str, version: Any, source: str) -> list[Found]:
    """The version of a language or runtime that is asked for."""
    if not (isinstance(version, str) and version.strip()):
        return []
    return [Found("about", f"Needs {what} {code(version, 40)}", source, 3)]


def wanted(ecosystem: str, names: Iterable[tuple[str, str]], where: str, *, say: bool = True) -> list[Found]:
    """Dependencies: names with the line of each; one fact for people, and each for comparing."""
    rows = list(dict.fromkeys(names))[:MOST_WANTED]
    if not rows:
        return []
    found = [Found("wants", f"{ecosystem}:{name.lower()}", source) for name, source in rows]
    if say:
        shown = ", ".join(code(name, 50) for name, _ in rows[:12])
        more = f" and {len(rows) - 12} more" if len(rows) > 12 else ""
        found.insert(0, Found("dependencies", shown + more, where))
    return found


def command(line: str, source: str, rank: int, does: str = "") -> Found:
    """A command that builds, tests or runs; `does` is what stands behind it."""
    return Found("commands", code(line, 80) + (f" runs {code(does, 90)}" if does else ""), source, rank)


_RANKS = (
    (0, ("test", "tests", "check", "spec")),
    (1, ("build", "compile", "install", "setup", "develop", "bootstrap", "deps")),
    (2, ("run", "start", "dev", "serve", "up", "watch")),
    (3, ("lint", "format", "fmt", "typecheck", "types", "type", "ci", "bench", "benchmark", "doc", "docs")),
)


def rank(name: str) -> int:
    """How much a newcomer wants the target or script of that name; 0 is most, 6 an unknown one."""
    plain = name.lower()
    for value, words in _RANKS:
        if plain in words:
            return value
    parts = re.split(r"[^a-z]+", plain)
    return min((value + 3 for value, words in _RANKS if set(parts) & set(words)), default=6)


def entry(name: str, target: str, source: str) -> Found:
    return Found("entry points", f"{code(name, 120)} runs {code(target, 120)}", source, 1)


def toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text[:MOST_BYTES])
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return {}


def json_object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def table(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The table below some names; empty where there is none."""
    value: Any = data
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def xml(source: Source) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    """Elements of an XML file without a parser that expands anything: path, attributes, text, "file:line".

    The path has at most 40 names. Comments and what does not close is passed over.
    """
    open_: list[tuple[str, str, int]] = []
    source = Source(_without_comments(source.text), source.name)
    text = source.text
    for match in re.finditer(r"<(/?)([A-Za-z][\w.:\-]*)([^<>]*)>", text):
        closes, name, attributes = match[1], match[2], match[3]
        if closes:
            while open_:
                opened, given, start = open_.pop()
                if opened == name:
                    inner = text[start : match.start()]
                    path = (*(one for one, _, _ in open_), name)
                    yield path, given, "" if "<" in inner[:2000] else inner.strip()[:2000], source.line(start)
                    break
        elif attributes.endswith("/"):
            yield (*(one for one, _, _ in open_), name), attributes, "", source.line(match.start())
        elif len(open_) < _MOST_DEPTH:
            open_.append((name, attributes, match.end()))


def _without_comments(text: str) -> str:
    """XML comments blanked, lines kept; one pass, whatever does not close."""
    pieces: list[str] = []
    place = 0
    while (start := text.find("<!--", place)) >= 0 and (end := text.find("-->", start)) >= 0:
        pieces += text[place:start], "\n" * text.count("\n", start, end)
        place = end + 3
    return "".join(pieces) + text[place:]


def unlike(text: str, other: str) -> bool:
    """False where a description says again what the other line says already."""
    words = set(re.findall(r"\w{3,}", text.lower()))
    return len(words - set(re.findall(r"\w{3,}", other.lower()))) * 3 > len(words)

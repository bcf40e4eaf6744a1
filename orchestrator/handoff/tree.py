"""The files of a project, counted: which languages, how many lines, where programs start.

With git the tracked files, else those found by walking; links are not followed and nothing is run.
Bounded: of a huge repository lines are not counted, and it says so.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator import durable
from orchestrator.documents.plain import counted
from orchestrator.documents.tiers import TIERS
from orchestrator.paths import PROJECT_FOLDER
from orchestrator.vcs import Repository

MOST_FILES = 200_000
MOST_COUNTED = 10_000
MOST_COUNTED_BYTES = 64 << 20
_LARGE = 2 << 20  # a source of that size was made by a program
_MOST_MAINS = 60
_FOREIGN = frozenset(
    (
        "node_modules",
        "bower_components",
        "vendor",
        "third_party",
        "thirdparty",
        "third-party",
        "site-packages",
    )
) | frozenset(("deps", "Pods", "Carthage", "__pycache__"))
_BUILT = frozenset(("venv", "env", "target", "dist", "build", "out", "coverage"))
ASIDE = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testing|testdata|fixtures?|examples?|samples?|demos?|docs?|bench(mark)?s?|benchsuite|fuzz(ing)?)(/|$)"
    r"|[\w\-]*(-|_|\.)tests?(/|$)|[._\-](test|spec)\.|_test\.|Tests?/|(Tests?|Benchmarks?)\.\w+$",
    re.I,
)  # fmt: skip
"""Paths of tests, examples and documentation: not what the project itself consists of."""
LANGUAGES = {
    "py": "Python", "pyi": "Python", "js": "JavaScript", "jsx": "JavaScript", "mjs": "JavaScript",
    "cjs": "JavaScript", "ts": "TypeScript", "tsx": "TypeScript", "go": "Go", "rs": "Rust", "c": "C",
    "h": "C or C++", "cc": "C++", "cpp": "C++", "cxx": "C++", "hpp": "C++", "java": "Java", "kt": "Kotlin",
    "kts": "Kotlin", "swift": "Swift", "rb": "Ruby", "php": "PHP", "cs": "C#", "fs": "F#", "scala": "Scala",
    "sh": "Shell", "bash": "Shell", "ps1": "PowerShell", "lua": "Lua", "pl": "Perl", "r": "R", "jl": "Julia",
    "ex": "Elixir", "exs": "Elixir", "erl": "Erlang", "hs": "Haskell", "ml": "OCaml", "clj": "Clojure",
    "dart": "Dart", "zig": "Zig", "nim": "Nim", "sql": "SQL", "html": "HTML", "css": "CSS", "scss": "CSS",
    "vue": "Vue", "svelte": "Svelte", "m": "Objective-C", "f90": "Fortran", "tcl": "Tcl", "groovy": "Groovy",
    "md": "Markdown", "rst": "reStructuredText",
}  # fmt: skip
TEXTS = frozenset(("Markdown", "reStructuredText", "HTML", "CSS"))
_MAINS = {
    "Python": rb"^if __name__ == ['\"]__main__['\"]",
    "Go": rb"^func main\(\)",
    "Rust": rb"^(?:pub )?(?:async )?fn main\(",
    "C": rb"^(?:int|void)[ \t\n]+main[ \t]*\(",
    "C++": rb"^(?:int|void)[ \t\n]+main[ \t]*\(",
    "Java": rb"^[ \t]*public static void main\(",
    "Kotlin": rb"^(?:suspend )?fun main\(",
    "C#": rb"^[ \t]*(?:(?:public|private|internal) )?static (?:async )?(?:int|void|Task)(?:<int>)? Main\(",
    "Swift": rb"^@main\b",
    "Haskell": rb"^main ::",
}  # fmt: skip
OWN = frozenset(tier.filename for tier in TIERS)


@dataclass(slots=True)
class Tree:
    """`files` are relative paths with `/`, near ones first. `lines` only where all were counted."""

    files: list[str]
    tracked: bool
    cut: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    """Lines of each source."""
    foreign: Counter[str] = field(default_factory=Counter)
    """Files of others that lie here (`vendor/`), by their folder."""
    mains: list[tuple[str, int]] = field(default_factory=list)
    """Sources in which a program starts, and at which line."""

    @property
    def evidence(self) -> str:
        """How a person counts again."""
        if self.tracked:
            return "git ls-files"
        files = counted(len(self.files), "file", "files")
        return f"counted in {'the first ' if self.cut else ''}{files}"


def tree(root: Path, repository: Repository | None) -> Tree:
    """Takes about a second for 10,000 sources. Raises `VcsError`."""
    tracked = _tracked(repository) if repository else []
    found = tracked or list(_walk(root))
    # of a repository without commits everything is looked at
    foreign = Counter(folder for path in found if (folder := _foreign(path)))
    own = [path for path in found if not _foreign(path) and path not in OWN]
    own.sort(key=lambda path: (path.count("/"), path))
    made = Tree(own[:MOST_FILES], bool(tracked), len(own) > MOST_FILES, foreign=foreign)
    del foreign[PROJECT_FOLDER]
    for path in made.files:
        if language := language_of(path):
            made.counts[language] += 1
    sources = [path for path in made.files if language_of(path) and not path.endswith(".min.js")]
    if len(sources) <= MOST_COUNTED:
        _count(root, sources, made)
    for counter in (made.counts, made.lines):
        _settle_headers(counter)
    return made


def language_of(path: str) -> str:
    """The language of a file by its ending; "" for others."""
    return LANGUAGES.get(path.rpartition("/")[2].rpartition(".")[2].lower(), "") if "." in path else ""


def _tracked(repository: Repository) -> list[str]:
    return [path for path in repository.query("ls-files", "-z").split("\0") if path]


def _foreign(path: str) -> str:
    """The folder of others, or of orch, that the path lies in; "" for the project's own files."""
    folders = path.split("/")[:-1]
    for depth, name in enumerate(folders):
        if name in _FOREIGN or (name == PROJECT_FOLDER and not depth):
            return "/".join(folders[: depth + 1])
    return ""


def _walk(root: Path) -> Iterator[str]:
    """Near ones first, names in order, so that a survey repeats; bounded."""
    level, count = [""], 0
    while level:
        below: list[str] = []
        for folder in level:
            try:
                with os.scandir(root / folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_symlink() or (entry.name.startswith(".") and entry.name != ".github"):
                    continue
                if entry.is_dir():
                    foreign = entry.name in _FOREIGN | _BUILT or os.path.lexists(f"{entry.path}/pyvenv.cfg")
                    below += [] if foreign else [path]
                elif entry.is_file():
                    yield path
                    count += 1
                    if count > MOST_FILES:
                        return
        level = below


def _count(root: Path, sources: Sequence[str], made: Tree) -> None:
    """Lines of each source, and where programs start; none at all when there is too much."""
    room = MOST_COUNTED_BYTES
    for path in sources:
        data = _bytes(root, path)
        room -= len(data)
        if room < 0:
            made.lines.clear()
            made.sizes.clear()
            return
        language = language_of(path)
        made.sizes[path] = data.count(b"\n")
        made.lines[language] += made.sizes[path]
        if line := _main(path, data, language):
            made.mains.append((path, line))
    made.mains.sort(key=lambda main: (bool(ASIDE.search(main[0])), main[0].count("/"), main[0]))
    del made.mains[_MOST_MAINS:]


def _main(path: str, data: bytes, language: str) -> int:
    """The line at which a program starts; 0 where none does."""
    pattern = _MAINS.get(language)
    if pattern is None or b"ain" not in data:
        return 0
    if language == "Rust" and not re.search(r"(^|/)main\.rs$|/bin/[^/]+\.rs$", path):
        return 0  # else it is text in a string as often
    found = re.search(pattern, data, re.MULTILINE)
    if found is None or (language in ("C", "C++") and _only_sometimes(data[: found.start()])):
        return 0
    return data.count(b"\n", 0, found.start()) + 1


def _only_sometimes(before: bytes) -> bool:
    """Whether what follows stands between `#if` and `#endif`, as a file's own test does."""
    opened = len(re.findall(rb"^[ \t]*#[ \t]*if", before, re.MULTILINE))
    return opened > len(re.findall(rb"^[ \t]*#[ \t]*endif", before, re.MULTILINE))


def _bytes(root: Path, path: str) -> bytes:
    """A source inside the project; empty where it is a link, missing or too large."""
    place = root / path
    try:
        if os.path.islink(place) or os.stat(place).st_size > _LARGE:
            return b""
        return durable.read(place, _LARGE)
    except (OSError, ValueError):
        return b""


def _settle_headers(counter: Counter[str]) -> None:
    """Headers belong to the language of the sources beside them."""
    headers = counter.pop("C or C++", 0)
    if headers:
        counter["C++" if counter["C++"] >= counter["C"] and counter["C++"] else "C"] += headers
    for language in [name for name, count in counter.items() if not count]:
        del counter[language]

"""A cheap look at a repository: what its files say of it, each line with its source.

Reads names, a few small files and no more; nothing is run, and links are not followed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.documents import files
from orchestrator.documents.plain import flat
from orchestrator.documents.tiers import TIERS, decode
from orchestrator.errors import DocumentError
from orchestrator.handoff import manifests
from orchestrator.handoff.facts import Fact
from orchestrator.handoff.manifests import Found

MOST_FILES = 100_000
_MOST_BYTES = 128 * 1024
_MOST_SOURCES = 60
_SKIPPED = frozenset(
    ("node_modules", "bower_components", "vendor", "venv", "env", "site-packages", "__pycache__")
) | frozenset(("target", "dist", "build", "out", "coverage"))
_OWN = frozenset(tier.filename for tier in TIERS)
_LANGUAGES = {
    "py": "Python", "pyi": "Python", "js": "JavaScript", "jsx": "JavaScript", "mjs": "JavaScript",
    "cjs": "JavaScript", "ts": "TypeScript", "tsx": "TypeScript", "go": "Go", "rs": "Rust", "c": "C",
    "h": "C or C++", "cc": "C++", "cpp": "C++", "cxx": "C++", "hpp": "C++", "java": "Java", "kt": "Kotlin",
    "kts": "Kotlin", "swift": "Swift", "rb": "Ruby", "php": "PHP", "cs": "C#", "fs": "F#", "scala": "Scala",
    "sh": "Shell", "bash": "Shell", "ps1": "PowerShell", "lua": "Lua", "pl": "Perl", "r": "R", "jl": "Julia",
    "ex": "Elixir", "exs": "Elixir", "erl": "Erlang", "hs": "Haskell", "ml": "OCaml", "clj": "Clojure",
    "dart": "Dart", "zig": "Zig", "nim": "Nim", "sql": "SQL", "html": "HTML", "css": "CSS", "scss": "CSS",
    "vue": "Vue", "svelte": "Svelte", "m": "Objective-C", "f90": "Fortran", "md": "Markdown",
    "rst": "reStructuredText",
}  # fmt: skip
_TEXTS = frozenset({"Markdown", "reStructuredText"})
_STARTS = frozenset(("main", "__main__", "app", "cli", "run", "manage", "server", "index", "wsgi", "asgi"))
_SETTINGS = frozenset(("config", "settings"))
_READMES = ("README.md", "README.rst", "README.txt", "README", "readme.md", "Readme.md")
_TITLES: tuple[tuple[manifests.Topic, str, int], ...] = (
    ("commands", "Build, test and run", 14),
    ("entry points", "Entry points", 10),
    ("ports", "Ports", 6),
    ("dependencies", "Dependencies", 6),
    ("licence", "Licence", 2),
)


@dataclass(frozen=True, slots=True)
class Group:
    """A heading of PROJECT_CONTEXT.md with its facts."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the template of PROJECT_CONTEXT.md is given as `p`."""

    name: str
    about: tuple[Fact, ...] = ()
    sections: tuple[Group, ...] = ()


@dataclass(slots=True)
class _Tree:
    languages: Counter[str] = field(default_factory=Counter)
    folders: Counter[str] = field(default_factory=Counter)
    starts: list[str] = field(default_factory=list)
    total: int = 0
    cut: bool = False


def survey(root: Path, name: str) -> Survey:
    """Facts of the project at `root`; takes about a second for 100,000 files."""
    tree = _walk(root)
    top = [entry for entry in (*_READMES, *manifests.PARSERS) if (root / entry).is_file()]
    found: list[Found] = []
    for entry in top:
        if text := _text(root, entry):
            found += (manifests.readme if entry in _READMES else manifests.PARSERS[entry])(text, entry)
            found += manifests.ports(text, entry) if entry in _READMES else []
    for entry in tree.starts[:_MOST_SOURCES]:
        found += manifests.ports(_text(root, entry), entry)
    about = [_fact(item) for item in _unique(found, "about")]
    sections = [Group("Files", _files(tree))] if tree.total else []
    for topic, title, most in _TITLES:
        if facts := [_fact(item) for item in _unique(found, topic)][:most]:
            sections.append(Group(title, tuple(facts)))
    return Survey(flat(name, 80), tuple(about), tuple(sections))


def about(root: Path) -> Fact | None:
    """The first thing that the project's README or manifest says of it."""
    for entry in (*_READMES, "pyproject.toml", "package.json", "Cargo.toml", "go.mod"):
        if text := _text(root, entry):
            parse = manifests.readme if entry in _READMES else manifests.PARSERS[entry]
            if found := [item for item in parse(text, entry) if item.topic == "about"]:
                return _fact(found[0])
    return None


def _walk(root: Path) -> _Tree:
    tree = _Tree()
    for path, depth in _files_below(root):
        if tree.total >= MOST_FILES:
            tree.cut = True
            break
        tree.total += 1
        stem, _, ending = path.rpartition("/")[2].rpartition(".")
        if language := _LANGUAGES.get(ending.lower()):
            tree.languages[language] += 1
        if depth:
            tree.folders[path.partition("/")[0]] += 1
        is_start = stem.lower() in _STARTS | _SETTINGS and language and language not in _TEXTS
        if is_start and depth <= 3 and len(tree.starts) < _MOST_SOURCES:
            tree.starts.append(path)
    return tree


def _files_below(root: Path) -> Iterator[tuple[str, int]]:
    """Relative paths with `/`, and their depth: near ones first, names in order, so that a survey repeats."""
    level = [""]
    depth = 0
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
                if entry.is_symlink() or entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    if entry.name not in _SKIPPED and not os.path.lexists(f"{entry.path}/pyvenv.cfg"):
                        below.append(path)
                elif entry.is_file() and path not in _OWN:
                    yield path, depth
        level, depth = below, depth + 1


def _files(tree: _Tree) -> tuple[Fact, ...]:
    shown = [f"{name} {count}" for name, count in _common(tree.languages) if name not in _TEXTS][:6]
    at_least = "the first " if tree.cut else ""
    facts = [Fact(f"Languages, by number of files: {', '.join(shown)}")] if shown else []
    folders = [f"{flat(name, 40)}/ {count}" for name, count in _common(tree.folders)][:8]
    if folders:
        facts.append(Fact(f"Folders, by number of files: {', '.join(folders)}"))
    counted = f"counted in {at_least}{tree.total} files"
    return tuple(Fact(fact.text, (counted,)) for fact in facts)


def _common(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _text(root: Path, entry: str) -> str:
    try:
        data = files.read(root / entry, (root,), _MOST_BYTES)
    except DocumentError:
        return ""
    return decode(data) if data and b"\0" not in data[:1024] else ""


def _unique(found: list[Found], topic: manifests.Topic) -> list[Found]:
    return list({item.text: item for item in reversed(found) if item.topic == topic}.values())[::-1]


def _fact(found: Found) -> Fact:
    return Fact(found.text, (flat(found.source, 120).replace("]", ")"),))

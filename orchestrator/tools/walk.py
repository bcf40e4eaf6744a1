"""The files of a project, as a person sees them: no hidden ones, none that git ignores."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

MAX_FILES = 20_000
_NOISE = frozenset({"node_modules", "__pycache__", "venv", "target", "dist", "build"})

_COMPARED = 4000
"""Files whose names are compared letter by letter."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One line of a .gitignore, for paths relative to its folder."""

    pattern: re.Pattern[str]
    keeps: bool
    folders_only: bool


def project_files(root: Path, under: Path | None = None, limit: int = MAX_FILES) -> Iterator[str]:
    """Relative paths of regular files, sorted by folder, at most `limit`. Links are not followed."""
    base = root.resolve()
    start = (under or base).resolve()
    rules: list[tuple[str, list[_Rule]]] = []
    for folder in reversed([start, *start.parents][: len(start.relative_to(base).parts) + 1]):
        _add_rules(base, str(folder), rules)
    yield from islice(_walk(str(base), str(start), rules), limit)


def project_folders(root: Path, depth: int, limit: int) -> Iterator[Path]:
    """Folders below `root` that are not hidden or ignored, the nearest first: `limit` are looked into."""
    base = root.resolve()
    rules: list[tuple[str, list[_Rule]]] = []
    _add_rules(base, str(base), rules)
    level = [(base, rules)]
    for _ in range(depth):
        below = []
        for folder, above in level:
            if (limit := limit - 1) < 0:
                return
            for entry in _subfolders(folder):
                path = os.path.relpath(entry.path, base).replace(os.sep, "/")
                if not _ignored(path, True, above):
                    yield Path(entry.path)
                    inner = list(above)
                    _add_rules(base, entry.path, inner)
                    below.append((Path(entry.path), inner))
        level = below


def _subfolders(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry
                for entry in entries
                if entry.name[0] != "." and entry.name not in _NOISE and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []


def _walk(base: str, folder: str, rules: list[tuple[str, list[_Rule]]]) -> Iterator[str]:
    try:
        entries = sorted(
            os.scandir(folder), key=lambda entry: (entry.is_dir(follow_symlinks=False), entry.name)
        )
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = os.path.relpath(entry.path, base).replace(os.sep, "/")
        is_folder = entry.is_dir(follow_symlinks=False)
        if _ignored(path, is_folder, rules):
            continue
        if entry.is_file(follow_symlinks=False):
            yield path
        elif is_folder and entry.name not in _NOISE:
            below = list(rules)
            _add_rules(Path(base), entry.path, below)
            yield from _walk(base, entry.path, below)


def _add_rules(base: Path, folder: str, rules: list[tuple[str, list[_Rule]]]) -> None:
    path = Path(folder, ".gitignore")
    try:
        if not path.is_file() or path.stat().st_size > 100_000:
            return
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    inside = os.path.relpath(folder, base).replace(os.sep, "/")
    prefix = "" if inside == "." else inside + "/"
    rules.append((prefix, [rule for line in lines if (rule := _rule(line)) is not None]))


def _ignored(path: str, is_folder: bool, rules: list[tuple[str, list[_Rule]]]) -> bool:
    ignored = False
    for prefix, group in rules:
        inside = path.removeprefix(prefix)
        for rule in group:
            if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(inside):
                ignored = not rule.keeps
    return ignored


@lru_cache(maxsize=2048)
def _rule(line: str) -> _Rule | None:
    text = line.rstrip()
    if not text or text.startswith("#"):
        return None
    keeps = text.startswith("!")
    text = text.removeprefix("!").removeprefix("\\")
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    anchored = "/" in text
    try:
        pattern = re.compile(("" if anchored else "(?:.*/)?") + _glob(text.lstrip("/")), re.DOTALL)
    except re.error:
        return None
    return _Rule(pattern, keeps, folders_only)


def _glob(text: str) -> str:
    """A git glob as a regular expression: `**/` any folders, `*` and `?` within one name."""
    tokens = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|/\*\*|\*\*|\*|\?|\[[^\]]+\])", text)
    return "".join(
        tokens.get(part) or (part.replace("[!", "[^") if part[:1] == "[" else re.escape(part))
        for part in parts
    )


def nearest_names(name: str, files: list[str], count: int = 5) -> list[str]:
    """Files whose path or base name resembles `name`, the likeliest first."""
    wanted = name.strip("/").lower()
    base = wanted.rpartition("/")[2]
    same = [path for path in files if path.lower().rpartition("/")[2] == base]
    compared = files[:_COMPARED]  # each costs tens of microseconds
    close = difflib.get_close_matches(wanted, [path.lower() for path in compared], n=count, cutoff=0.6)
    bases: dict[str, list[str]] = {}
    for path in compared:
        bases.setdefault(path.lower().rpartition("/")[2], []).append(path)
    near = difflib.get_close_matches(base, list(bases), n=count, cutoff=0.6)
    stem = base.partition(".")[0].replace("_", "-")
    parts = [path for path in files if len(stem) > 2 and stem in path.lower().replace("_", "-")]
    found = [
        *same,
        *(path for path in files if path.lower() in close),
        *(p for b in near for p in bases[b]),
        *parts,
    ]
    return list(dict.fromkeys(found))[:count]

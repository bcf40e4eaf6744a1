"""What one project of a workspace says of itself and of others: a few small files, nothing run.

From profiles `relations` finds how projects relate.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator import durable
from orchestrator.documents import regions
from orchestrator.documents.plain import first_line, first_sentence
from orchestrator.documents.tiers import PROJECT, decode
from orchestrator.errors import DocumentError
from orchestrator.handoff import manifests
from orchestrator.handoff.facts import Fact
from orchestrator.handoff.survey import about, text_of
from orchestrator.vcs import Repository

_MOST_ENTRIES = 300
_MOST_MANIFESTS = 40
_MOST_LINES = 600
_SKIPPED = frozenset(("node_modules", "vendor", "venv", "target", "dist", "build", "__pycache__"))
_CITED = re.compile(r"^- (.*\S) \[([^\[\]]+)\]$")
_MARK = re.compile(r"<!--.*?-->")


@dataclass(frozen=True, slots=True)
class Profile:
    """One project. `folder` is relative to the workspace, with `/`; sources are relative to the project.

    `provides` and `wants` are names of packages in their ecosystem with where they stand; `points` are
    paths that something in the project leads to: normalised, relative to the workspace.
    """

    folder: str
    name: str
    id: str = ""
    says: Fact | None = None
    origin: str = ""
    provides: tuple[tuple[str, str], ...] = ()
    wants: tuple[tuple[str, str], ...] = ()
    points: tuple[tuple[str, str, str], ...] = ()
    """Path, what leads there, source."""
    submodules: tuple[tuple[str, str, str], ...] = ()
    """Path, address, source."""
    words: tuple[tuple[str, str], ...] = ()
    """Lines that people wrote, with their source."""


def profile(root: Path, folder: str, name: str, id: str = "") -> Profile:
    """Reads the README, manifests at most two folders deep, links and `.gitmodules`."""
    provides, wants, points = _packages(root, folder)
    return Profile(
        folder,
        name,
        id,
        _says(root),
        _origin(root),
        tuple(provides),
        tuple(wants),
        (*points, *_links(root, folder)),
        tuple(_submodules(root, folder)),
        tuple(_words(root)),
    )


def branch(root: Path) -> tuple[str, str] | None:
    """The branch or commit of the repository at `root`, and the file that says so; starts no git."""
    repository = Repository.find(root)
    if repository is None or repository.root != root:
        return None
    try:
        head = durable.read(repository.git_dir / "HEAD", 4096).decode("utf-8", "replace").strip()
    except OSError:
        return None
    if head.startswith("ref: "):
        return head.removeprefix("ref: ").removeprefix("refs/heads/"), ".git/HEAD"
    return (head[:8], ".git/HEAD") if re.fullmatch(r"[0-9a-f]{40,64}", head) else None


def plain_address(url: str) -> str:
    """An address of a repository without what differs between ways to reach it."""
    url = re.sub(r"^(?:\w+://)?(?:[^@/]*@)?", "", url.strip()).removesuffix("/").removesuffix(".git")
    return url.replace(":", "/").lower()


def _says(root: Path) -> Fact | None:
    """The first line of its tier 2, by whom it was written; else what README or manifest say first."""
    text = text_of(root, PROJECT.filename)
    for number, line in enumerate(text.splitlines()[:_MOST_LINES], 1):
        line = _MARK.sub("", line).strip()
        if found := _CITED.match(line):
            return Fact(first_sentence(found[1], 160), (found[2],))
        if line and not line.startswith(("#", "<!--", "-->")):
            said = first_line(line, 160)
            return Fact(said, (f"{PROJECT.filename}:{number}",)) if said else None
    first = about(root)
    return Fact(first_sentence(first.text, 160), first.cites) if first else None


def _packages(
    root: Path, folder: str
) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[tuple[str, str, str]]]:
    provides: dict[str, str] = {}
    wants: dict[str, str] = {}
    points: list[tuple[str, str, str]] = []
    for path in _manifests(root):
        parse = manifests.parser_of(path)
        for found in parse(text_of(root, path), path) if parse else ():
            if found.topic == "package":
                provides.setdefault(found.text, found.source)
            elif found.topic == "wants":
                if found.text:
                    wants.setdefault(found.text, found.source)
                if found.path:
                    here = posixpath.join(folder, posixpath.dirname(path), found.path)
                    points.append((posixpath.normpath(here), "a path in a manifest", found.source))
    return list(provides.items()), list(wants.items()), points


def _manifests(root: Path) -> Iterator[str]:
    """Paths of manifests, near ones first."""
    level, count = [""], 0
    for _ in range(3):
        below: list[str] = []
        for folder in level:
            for entry in _entries(root / folder):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_file(follow_symlinks=False):
                    name = entry.name
                    if name in manifests.PACKAGES or name.endswith(
                        (".gemspec", ".cabal", ".csproj", ".fsproj")
                    ):
                        yield path
                        count += 1
                        if count >= _MOST_MANIFESTS:
                            return
                elif entry.is_dir(follow_symlinks=False) and entry.name not in _SKIPPED:
                    below.append(path)
        level = below[:_MOST_ENTRIES]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            found = [entry for entry, _ in zip(listing, range(4000), strict=False)]
    except OSError:
        return []
    shown = [entry for entry in found if not entry.name.startswith(".")]
    return sorted(shown, key=lambda entry: entry.name)[:_MOST_ENTRIES]


def _links(root: Path, folder: str) -> Iterator[tuple[str, str, str]]:
    """Symbolic links at the top and one folder below."""
    top = _entries(root)
    inner = [e for e in top if e.is_dir(follow_symlinks=False) and e.name not in _SKIPPED][:40]
    for entry in (*top, *(one for each in inner for one in _entries(Path(each.path)))):
        if entry.is_symlink():
            try:
                path = Path(entry.path).relative_to(root).as_posix()
                target = os.readlink(entry.path)
            except (OSError, ValueError):
                continue
            if os.path.isabs(target):
                target = os.path.relpath(target, os.path.dirname(entry.path)).replace(os.sep, "/")
            yield posixpath.normpath(posixpath.join(folder, posixpath.dirname(path), target)), "a link", path


def _submodules(root: Path, folder: str) -> Iterator[tuple[str, str, str]]:
    source = manifests.Source(text_of(root, ".gitmodules"), ".gitmodules")
    sections = re.split(r"^[ \t]*\[submodule\b", source.text, flags=re.MULTILINE)[1:60]
    for section in sections:
        path = re.search(r"^[ \t]*path[ \t]*=[ \t]*(\S+)", section, re.MULTILINE)
        url = re.search(r"^[ \t]*url[ \t]*=[ \t]*(\S+)", section, re.MULTILINE)
        if path and url:
            place = posixpath.normpath(posixpath.join(folder, path[1]))
            yield place, url[1], source.at(rf"^[ \t]*path[ \t]*=[ \t]*{re.escape(path[1])}")


def _origin(root: Path) -> str:
    """The address that the repository was cloned from; nothing is run."""
    repository = Repository.find(root)
    if repository is None or repository.root != root:
        return ""
    try:
        text = durable.read(repository.common_dir / "config", 64 * 1024).decode("utf-8", "replace")
    except OSError:
        return ""
    found = re.search(r'^\[remote "origin"\][^\[]*?^[ \t]*url[ \t]*=[ \t]*(\S+)', text, re.MULTILINE)
    return found[1] if found else ""


def _words(root: Path) -> Iterator[tuple[str, str]]:
    """What people wrote: the README, and PROJECT_CONTEXT.md outside of what is generated."""
    for name in manifests.READMES:
        if (root / name).is_file() and (text := text_of(root, name)):
            for number, line in enumerate(text.splitlines()[:_MOST_LINES], 1):
                yield line[:400], f"{name}:{number}"
            break
    data = text_of(root, PROJECT.filename).encode()
    try:
        inside = [(region.begin, region.end) for region in regions.parse(data)]
    except DocumentError:
        return
    offset = 0
    for number, row in enumerate(data.split(b"\n")[:_MOST_LINES], 1):
        if not any(begin <= offset < end for begin, end in inside):
            yield decode(row[:400]), f"{PROJECT.filename}:{number}"
        offset += len(row) + 1

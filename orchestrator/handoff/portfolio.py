"""Tier 1: the projects of a workspace, where they lie, what each is, how they stand and relate."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.documents import files
from orchestrator.documents.plain import code, flat, prose
from orchestrator.documents.tiers import PORTFOLIO, Warn, warn_in_log
from orchestrator.errors import ProjectError
from orchestrator.handoff import templates
from orchestrator.handoff.facts import Fact
from orchestrator.handoff.manifests import PACKAGES
from orchestrator.handoff.pen import PEN, Pen
from orchestrator.handoff.profile import Profile, branch, profile
from orchestrator.handoff.relations import relations
from orchestrator.handoff.templates import Templates
from orchestrator.handoff.writer import write_portfolio
from orchestrator.journal.reader import JournalReader
from orchestrator.journal.sessions import sessions
from orchestrator.paths import PROJECT_FOLDER, Home
from orchestrator.workspaces import Known, Registry, find_project

MOST_PROJECTS = 400
_MOST_FOLDERS = 4000
_DEPTH = 2
_SKIPPED = frozenset(("node_modules", "vendor", "venv", "target", "dist", "build", "site-packages"))


@dataclass(frozen=True, slots=True)
class Member:
    """A project of the workspace; `id` is empty where nobody initialised it."""

    root: Path
    folder: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A project as the template of PORTFOLIO_CONTEXT.md gets it."""

    line: str
    relations: tuple[Fact, ...]
    state: tuple[Fact, ...]


def members(workspace: Path, home: Home, warn: Warn = warn_in_log) -> tuple[list[Member], list[Known]]:
    """The projects in `workspace` by folder, and those that the registry knows but that are gone.

    Found on disk at most two folders deep (a repository, or a folder with an id), and by the registry at
    any depth; a project that moved is where it is now.
    """
    known = Registry(home, warn).projects()
    roots = set(_repositories(workspace))
    roots |= {
        Path(path)
        for one in known
        for path in one.paths
        if Path(path).is_relative_to(workspace) and (Path(path) / PROJECT_FOLDER / "project.toml").is_file()
    }
    found = sorted((_member(root, workspace, warn) for root in roots), key=lambda one: one.folder)
    there = {one.id for one in found}
    gone = [
        one
        for one in known
        if one.id not in there
        and any(Path(path).is_relative_to(workspace) for path in one.paths[:1])
        and not any(os.path.isdir(path) for path in one.paths)
    ]
    if len(found) > MOST_PROJECTS:
        warn(f"{PORTFOLIO.filename} lists the first {MOST_PROJECTS} of {len(found)} projects.")
    return found[:MOST_PROJECTS], gone


def rendered(
    workspace: Path,
    home: Home,
    journal: JournalReader | None,
    warn: Warn = warn_in_log,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """PORTFOLIO_CONTEXT.md as it would be made anew. `progress` gets projects looked at, and all."""
    found, gone = members(workspace, home, warn)
    profiles: list[Profile] = []
    for number, one in enumerate(found):
        profiles.append(profile(one.root, one.folder, one.name, one.id))
        progress(number + 1, len(found))
    related = relations(profiles)
    entries = [
        Entry(
            _line(one).line,
            tuple(relation.fact for relation in related.get(one.folder, ())),
            tuple(_state(member, journal)),
        )
        for member, one in zip(found, profiles, strict=True)
    ]
    values = {
        "name": flat(workspace.name or str(workspace), 80),
        "projects": entries,
        "gone": [_gone(one, workspace) for one in gone[:8]],
    }
    return Templates().render(templates.PORTFOLIO, values)


def refresh(
    workspace: Path,
    home: Home,
    journal: JournalReader | None,
    warn: Warn = warn_in_log,
    *,
    replace: bool = False,
    pen: Pen = PEN,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Make the workspace's PORTFOLIO_CONTEXT.md or bring it up to date; what was done, as `write_regions`.

    One lock is held around looking and writing, so that two that join at once are both listed.
    """

    def work() -> str:
        text = rendered(workspace, home, journal, warn, progress)
        return write_portfolio(workspace, text, warn, replace=replace, pen=pen)

    if not pen.writes:
        return work()
    with files.locked(home.run / "portfolio.lock"):
        return work()


def holds_projects(folder: Path) -> bool:
    """Whether a folder is none itself and holds several: a workspace, then."""
    own = (folder / ".git", folder / PROJECT_FOLDER / "project.toml", *(folder / name for name in PACKAGES))
    if any(os.path.lexists(path) for path in own):
        return False
    return may_be_workspace(folder) and len(repositories(folder)) > 1


def may_be_workspace(folder: Path) -> bool:
    """Not a folder like /tmp, where anybody may put a project, and not the root of a file system."""
    try:
        return folder.parent != folder and not folder.stat().st_mode & stat.S_ISVTX
    except OSError:
        return False


def repositories(folder: Path) -> list[Path]:
    """Repositories and projects directly in a folder, by name."""
    return sorted(path for path in _repositories(folder, 1) if path != folder)


def _repositories(folder: Path, depth: int = _DEPTH) -> Iterator[Path]:
    level, looked = [folder], 0
    for _ in range(depth):
        below: list[Path] = []
        for place in level:
            try:
                with os.scandir(place) as listing:
                    inside = sorted(entry.name for entry in listing if entry.is_dir(follow_symlinks=False))
            except OSError:
                continue
            for name in inside:
                looked += 1
                if looked > _MOST_FOLDERS:
                    return
                path = place / name
                if (path / ".git").exists() or (path / PROJECT_FOLDER / "project.toml").is_file():
                    yield path
                elif name not in _SKIPPED and not name.startswith("."):
                    below.append(path)
        level = below


def _member(root: Path, workspace: Path, warn: Warn) -> Member:
    known = ""
    try:
        project = find_project(root)
        known = project.id if project and project.root == root else ""
    except ProjectError as error:  # a damaged id is told where the project is used
        warn(str(error))
    relative = root.relative_to(workspace).as_posix()
    folder = "" if relative == "." else relative
    return Member(root, folder, root.name, known)


def _line(one: Profile) -> Fact:
    text = f"**{prose(one.name, 80)}** ({code(f'{one.folder}/' if one.folder else './', 120)})"
    if one.says is None:
        return Fact(text)
    cites = tuple(flat(f"{one.folder}/{cite}" if one.folder else cite, 160) for cite in one.says.cites)
    return Fact(f"{text}: {one.says.text}", cites)


def _state(member: Member, journal: JournalReader | None) -> Iterable[Fact]:
    """Its branch, and its last session."""
    if stands := branch(member.root):
        where = f"{member.folder}/{stands[1]}" if member.folder else stands[1]
        yield Fact(f"branch {code(stands[0], 60)}", (flat(where, 160),))
    last = sessions(journal, member.id, limit=1) if journal and member.id else []
    for one in last:
        yield Fact(f"last session {one.started[:10]}", (one.citation,))


def _gone(known: Known, workspace: Path) -> Fact:
    folder = Path(known.paths[0]).relative_to(workspace).as_posix()
    return Fact(f"**{prose(known.name, 80)}** was in {code(folder + '/', 120)}, which is no longer there")

"""`orch init`: register a project and create its documents, or make a folder of projects a workspace."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import Home
    from orchestrator.workspaces import Project

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_WORDS = {
    "created": "made",
    "updated": "brought up to date",
    "unchanged": "up to date",
    "kept": "kept as it is (written or edited by hand)",
}


@app.command()
def init(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of the project, or a folder of projects; default: the one you are in.",
            readable=False,
        ),
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Folder above it that gets PORTFOLIO_CONTEXT.md.")
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Every repository in the folder, which becomes a workspace.")
    ] = False,
    agents_md: Annotated[
        bool, typer.Option("--agents-md", help="Keep a region in AGENTS.md that points to the documents.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Make parts anew that were generated and then edited by hand.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Register a project and create its documents. What people wrote is never changed.

    In a folder that is no project itself and holds several it makes that folder a workspace.

    Example: orch init ~/code/heron --workspace ~/code
    """
    from orchestrator.handoff import portfolio
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home

    where = home()
    with SqliteJournal.open(where) as journal:
        desk = _Desk(where, journal, agents_md, yes, as_json)
        folder = _folder(path or Path())
        if all_ or (workspace is None and portfolio.holds_projects(folder)):
            report = desk.workspace(folder, all_)
        else:
            report = desk.project(path, workspace)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class _Desk:
    where: Home
    journal: SqliteJournal
    agents: bool
    yes: bool
    quiet: bool

    def project(self, path: Path | None, workspace: Path | None) -> dict[str, object]:
        from orchestrator.documents.plain import counted
        from orchestrator.workspaces import open_project, remember, workspace_of

        project = open_project(path or Path(), here=path is not None)
        place = _workspace(workspace, project) if workspace else workspace_of(project)
        remember(project, self.where)
        self._say(f"{project.name}: {project.root}")
        if not project.writable:
            self._say("The folder cannot be written: its documents are kept in orch's own home.")
        made = self._documents(project)
        if place:
            made |= self._portfolio(place)
            remember(project, self.where)
        for file, state in made.items():
            self._say(f"{file}: {_WORDS[state]}")
        if place is None and (beside := _beside(project)):
            number = counted(beside, "other project lies", "other projects lie")
            self._say(f"{number} beside it: `orch init {project.root.parent}` lists them together.")
        return {**_about(project), "workspace": str(place) if place else None, "files": _files(made)}

    def workspace(self, folder: Path, all_: bool) -> dict[str, object]:
        """PORTFOLIO_CONTEXT.md of a folder of projects; with `all_` the documents of each, too."""
        from orchestrator.documents.plain import counted
        from orchestrator.errors import OrchError, ProjectError
        from orchestrator.handoff import portfolio
        from orchestrator.workspaces import open_project, remember

        roots = portfolio.repositories(folder)
        if not roots:
            raise ProjectError(f"{folder} holds no repositories.", "Name the folder that holds them.")
        projects: list[dict[str, object]] = []
        failed = False
        for number, root in enumerate(roots if all_ else (), 1):
            try:
                project = open_project(root, here=True)
                remember(project, self.where)
                made = self._documents(project)
            except OrchError as error:  # the others are made all the same
                failed = True
                _warn(f"{root}: {error}")
                continue
            states = ", ".join(f"{name} {_WORDS[state]}" for name, state in made.items())
            self._say(f"{number}/{len(roots)} {project.name}: {states}")
            projects.append({**_about(project), "files": _files(made)})
        made = self._portfolio(folder)
        for file, state in made.items():
            self._say(f"{file}: {_WORDS[state]}")
        found, _ = portfolio.members(folder, self.where, _warn)
        new = sum(not one.id for one in found)
        self._say(f"A workspace of {counted(len(found), 'project', 'projects')}.")
        if new:
            verb = "has" if new == 1 else "have"
            self._say(f"{new:,} {verb} no documents yet: `orch init --all {folder}` makes them.")
        if failed:
            raise SystemExit(1)
        return {"workspace": str(folder), "projects": projects, "files": _files(made)}

    def _documents(self, project: Project) -> dict[str, str]:
        """Path of each document → what was done with it."""
        from orchestrator import wiring
        from orchestrator.documents.tiers import AGENTS, BRIEFING, PROJECT
        from orchestrator.workspaces import share_id

        if project.writable:
            share_id(project)
        documents = wiring.documents(project, self.journal, self.where, _warn)
        folder = documents.folder
        made = {
            PROJECT.filename: self._asked(folder / PROJECT.filename, documents.refresh_project),
            BRIEFING.filename: self._asked(
                folder / BRIEFING.filename, lambda replace: documents.refresh(create=True, replace=replace)
            ),
            "SESSION_LOG.md": documents.log.create(),
        }
        state = self._asked(
            project.root / AGENTS.filename,
            lambda replace: documents.write_agents(create=self.agents, replace=replace),
        )
        return {**made, AGENTS.filename: state} if self.agents or state != "unchanged" else made

    def _portfolio(self, place: Path) -> dict[str, str]:
        from orchestrator.documents.tiers import PORTFOLIO
        from orchestrator.handoff import portfolio

        path = place / PORTFOLIO.filename
        with _counting() as progress:
            state = self._asked(
                path,
                lambda replace: portfolio.refresh(
                    place, self.where, self.journal, _warn, replace=replace, progress=progress
                ),
            )
        return {str(path): state}

    def _asked(self, path: Path, write: Callable[..., str]) -> str:
        """Write a document; where a person edited a generated part, only if told to."""
        edited = _edited(path)
        replace = bool(edited) and self.yes
        if edited and not replace and not self.quiet and sys.stdin.isatty() and sys.stderr.isatty():
            names = ", ".join(edited)
            said = f"{path.name}: the part {names} was generated and then edited by hand."
            question = _plain(f"{said} Make it anew and lose that?")
            replace = typer.confirm(question, default=False, err=True)
        return write(replace=replace)

    def _say(self, text: str) -> None:
        if not self.quiet:
            typer.echo(_plain(text))


def _edited(path: Path) -> list[str]:
    """The generated regions of a document that a person changed."""
    from orchestrator.documents import files, regions, tiers
    from orchestrator.errors import DocumentError

    try:
        data = files.read(path, (path.parent,), tiers.HEAD_BYTES) or b""
        return [region.name for region in regions.parse(data) if region.edited]
    except DocumentError:  # told where it is written
        return []


@contextmanager
def _counting() -> Iterator[Callable[[int, int], None]]:
    """Shows how far a look at many projects is, where somebody sees it."""
    shown = False

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if total > 20 and sys.stderr.isatty() and (done % 10 == 0 or done == total):
            shown = True
            print(f"\rlooking at projects: {done} of {total}", end="", file=sys.stderr, flush=True)

    yield progress
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _folder(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        return path  # whoever opens it says what is wrong with it


def _workspace(path: Path, project: Project) -> Path:
    from orchestrator.errors import ProjectError

    place = path.expanduser().resolve()
    if not place.is_dir():
        raise ProjectError(f"{path} is not a folder.", "Name an existing folder that holds the project.")
    if not project.root.is_relative_to(place):
        raise ProjectError(f"{project.root} does not lie in {place}.", "Name a folder above the project.")
    return place


def _beside(project: Project) -> int:
    """How many other projects lie in the same folder; none where anybody may put one, or at home."""
    from orchestrator.handoff import portfolio

    if not portfolio.may_be_workspace(project.root.parent):
        return 0
    return sum(root != project.root for root in portfolio.repositories(project.root.parent))


def _about(project: Project) -> dict[str, object]:
    return {
        "id": project.id,
        "name": project.name,
        "path": str(project.root),
        "writable": project.writable,
    }


def _files(made: dict[str, str]) -> list[dict[str, Any]]:
    return [{"path": path, "state": state} for path, state in made.items()]


def _warn(text: str) -> None:
    logging.getLogger(__name__).warning("%s", _plain(text))


def _plain(text: str) -> str:
    """A path may hold terminal escapes and lone surrogates."""
    from orchestrator.documents.plain import flat

    return flat(text, 2000)

"""What `orch handoff` works with: the journal, the wish, and which projects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestrator.errors import UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.handoff.pen import Pencil
    from orchestrator.handoff.regenerate import Done, Wish
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import Home
    from orchestrator.workspaces import Project

SAID = {
    "created": "made",
    "updated": "brought up to date",
    "unchanged": "up to date",
    "kept": "kept as it is (written or edited by hand)",
}


@dataclass
class Desk:
    """What a regeneration works with; `told` are sentences for the user."""

    where: Home
    journal: SqliteJournal
    wish: Wish
    told: list[str] = field(default_factory=list)
    last: dict[Path | None, str] = field(default_factory=dict)
    """Of each workspace, the project that is done last."""

    def documents(self, project: Project, pencil: Pencil | None = None) -> ProjectDocuments:
        from orchestrator import wiring
        from orchestrator.handoff.pen import PEN

        return wiring.documents(project, self.journal, self.where, self.told.append, pencil or PEN)

    def regenerate(self, project: Project, wish: Wish, pencil: Pencil | None = None) -> list[Done]:
        from orchestrator.handoff import portfolio
        from orchestrator.handoff.pen import PEN
        from orchestrator.handoff.regenerate import regenerate
        from orchestrator.journal.running import RunningSessions

        documents = self.documents(project, pencil)
        workspace = documents.workspace

        def write_portfolio() -> str:
            assert workspace is not None
            if self.last.get(workspace, project.id) != project.id:
                return "unchanged"  # its last project writes it, when all others are up to date
            return portfolio.refresh(
                workspace, self.where, self.journal, self.told.append, replace=wish.replace, pen=pencil or PEN
            )

        running = RunningSessions(self.where.run).marked()
        return regenerate(project, documents, wish, running, write_portfolio if workspace else None)


def place_of(path: Path | None) -> Project:
    """The project that the path lies in, by default this folder's."""
    from orchestrator.workspaces import open_project

    return open_project(path or Path())


def known(where: Home) -> list[Project]:
    """Every project of the registry that is on this machine, each once."""
    from orchestrator.workspaces import Registry, find_project

    found: dict[str, Project] = {}
    for known in Registry(where).projects():
        roots = (Path(path) for path in known.paths if Path(path).is_dir())
        for place in (one for root in roots if (one := find_project(root)) and one.id == known.id):
            found.setdefault(place.id, place)
    if not found:
        raise UsageError("No project is known here.", "Run `orch init` in one.")
    return list(found.values())


def tell(desk: Desk, made: Mapping[str, Sequence[Done]], as_json: bool) -> None:
    """Say what was done; exit 1 where a project failed."""
    if as_json:
        projects = [
            {
                "path": path,
                "documents": [
                    {"tier": done.tier, "path": str(done.path), "state": done.state} for done in documents
                ],
            }
            for path, documents in made.items()
        ]
        typer.echo(json.dumps({"projects": projects, "said": list(dict.fromkeys(desk.told))}))
    else:
        for documents in made.values():
            for done in documents:
                typer.echo(plain(f"{done.path}: {SAID.get(done.state, done.state)}"))
        say(desk)
    if not all(made.values()):
        raise SystemExit(1)


def say(desk: Desk) -> None:
    """What the user should know besides, each sentence once."""
    for text in dict.fromkeys(desk.told):
        typer.echo(plain(text), err=True)
    desk.told.clear()

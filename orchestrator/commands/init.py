"""`orch init`: register a project and create its documents."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orchestrator.handoff.facts import Fact
    from orchestrator.handoff.pen import Pen
    from orchestrator.paths import Home
    from orchestrator.workspaces import Project

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_WORDS = {
    "created": "made",
    "updated": "brought up to date",
    "unchanged": "up to date",
    "kept": "kept as it is (written by hand)",
}


@app.command()
def init(
    path: Annotated[
        Path | None,
        typer.Argument(help="Folder of the project; default: the one you are in.", readable=False),
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Folder above it that gets PORTFOLIO_CONTEXT.md.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Register a project and create its documents. What people wrote is never changed.

    Example: orch init ~/code/heron --workspace ~/code
    """
    from orchestrator.paths import home
    from orchestrator.workspaces import open_project, remember

    where = home()
    project = open_project(path or Path(), here=path is not None)
    place = _workspace(workspace, project) if workspace else None
    remember(project, where)
    made = _documents(project, where)
    if place:
        made[str(place / "PORTFOLIO_CONTEXT.md")] = portfolio(place, project, where)
        remember(project, where)
    if as_json:
        typer.echo(json.dumps(_report(project, place, made), ensure_ascii=False))
        return
    typer.echo(f"{_plain(project.name)}: {_plain(str(project.root))}")
    if not project.writable:
        typer.echo("The folder cannot be written: its documents are kept in orch's own home.")
    for file, state in made.items():
        typer.echo(f"{_plain(file)}: {_WORDS[state]}")


def _documents(project: Project, where: Home) -> dict[str, str]:
    """Path of each document → what was done with it."""
    from orchestrator.handoff import templates
    from orchestrator.handoff.survey import survey
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.journal.store import SqliteJournal

    with SqliteJournal.open(where) as journal:
        documents = ProjectDocuments(project, journal, where, _warn)
        found = survey(project.root, project.name)
        return {
            "PROJECT_CONTEXT.md": documents.write_project({"p": found}, templates.PROJECT),
            "SESSION_BRIEFING.md": documents.refresh(create=True),
            "SESSION_LOG.md": documents.create_log(),
        }


def _workspace(path: Path, project: Project) -> Path:
    from orchestrator.errors import ProjectError

    place = path.expanduser().resolve()
    if not place.is_dir():
        raise ProjectError(f"{path} is not a folder.", "Name an existing folder that holds the project.")
    if not project.root.is_relative_to(place):
        raise ProjectError(f"{project.root} does not lie in {place}.", "Name a folder above the project.")
    return place


def portfolio(
    place: Path, project: Project, where: Home, *, replace: bool = False, pen: Pen | None = None
) -> str:
    """Bring the PORTFOLIO_CONTEXT.md of the workspace up to date; says what was done."""
    from orchestrator.documents import files
    from orchestrator.documents.plain import flat
    from orchestrator.handoff import templates
    from orchestrator.handoff.pen import PEN
    from orchestrator.handoff.writer import write_portfolio
    from orchestrator.workspaces import Registry

    # one lock around reading the registry and writing, so that two that join at once are both listed
    with files.locked(where.run / "portfolio.lock"):
        roots = {
            Path(known.paths[0]): known.name for known in Registry(where, _warn).projects() if known.paths
        }
        roots[project.root] = project.name
        lines = [
            _project_line(root, name, place)
            for root, name in sorted(roots.items())
            if root.is_relative_to(place) and root.is_dir()
        ]
        values = {"name": flat(place.name or str(place), 80), "projects": lines}
        rendered = templates.Templates().render(templates.PORTFOLIO, values)
        return write_portfolio(place, rendered, _warn, replace=replace, pen=pen or PEN)


def _project_line(root: Path, name: str, place: Path) -> Fact:
    """One project: what it is called, where it lies, and what its README says first."""
    from orchestrator.documents.plain import code, flat, prose
    from orchestrator.handoff.facts import Fact
    from orchestrator.handoff.survey import about

    folder = root.relative_to(place).as_posix()
    first = about(root)
    text = f"**{prose(name, 80)}** ({code(folder + '/', 120)})"
    if first is None:
        return Fact(text)
    source = flat(f"{folder}/{first.cites[0]}", 160)
    return Fact(f"{text}: {prose(first.text, 200)}", (source,))


def _report(project: Project, place: Path | None, made: dict[str, str]) -> dict[str, object]:
    return {
        "id": project.id,
        "name": project.name,
        "path": str(project.root),
        "writable": project.writable,
        "workspace": str(place) if place else None,
        "files": [{"path": path, "state": state} for path, state in made.items()],
    }


def _warn(text: str) -> None:
    logging.getLogger(__name__).warning("%s", _plain(text))


def _plain(text: str) -> str:
    """A path may hold terminal escapes and lone surrogates."""
    from orchestrator.documents.plain import flat

    return flat(text, 2000)

"""`orch rewind`: files and conversation as they were before a prompt."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.complete import complete_points
from orchestrator.errors import UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.agent.points import Point, Points
    from orchestrator.agent.rewinding import Went
    from orchestrator.checkpoints.plan import Plan, Step
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import Home
    from orchestrator.workspaces import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: orch rewind S7f3a#4 --diff, then: orch rewind S7f3a#4 --yes")
def rewind(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[ID]",
            help="Before which prompt: S7f3a#4, or its number in the list. Without it: the list.",
            autocompletion=complete_points,
        ),
    ] = "",
    listed: bool = typer.Option(False, "--list", help="The points one can go back to, newest first."),
    diff: bool = typer.Option(False, "--diff", help="Only show what would change."),
    files_only: bool = typer.Option(False, "--files-only", help="Leave the conversation."),
    conversation_only: bool = typer.Option(False, "--conversation-only", help="Leave the files."),
    overwrite: bool = typer.Option(
        False,
        "--overwrite",
        help="Also restore files that you changed since; yours are kept as a checkpoint.",
    ),
    yes: bool = typer.Option(False, "--yes", help="Do it without asking."),
    as_json: bool = typer.Option(False, "--json", help="JSON instead of text."),
    project: Annotated[
        Path, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = Path("."),
) -> None:
    """Go back to before a prompt: files as they were, and later turns out of what the next instance reads.

    A file that you changed since is left unless --overwrite says otherwise. Going back is a change of its
    own: `orch rewind` with its name, R and a few characters, brings the files back. Git is not touched.
    """
    from orchestrator.agent.points import Points
    from orchestrator.checkpoints.store import Checkpoints
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home
    from orchestrator.workspaces import find_project

    if files_only and conversation_only:
        raise UsageError("--files-only and --conversation-only exclude each other.", "Give one, or none.")
    here = find_project(project)
    if here is None:
        raise UsageError(f"{project} is no project yet.", "Nothing was changed here: there is no way back.")
    where = home()
    with SqliteJournal.open(where) as journal:
        store = Checkpoints(here.root, here.root / ".orchestrator" / "checkpoints")
        points = Points(journal, store, here.id)
        if listed or not name:
            _list(points, as_json)
            return
        point = points.find(name)
        wanted = _plan(points, point)
        if diff:
            _show(points, point, wanted, as_json)
            return
        if not yes:
            _ask(points, point, wanted)
        _refuse_open(where, here, conversation=not files_only)
        went = _go(points, point, wanted, journal, where, here, files_only, conversation_only, overwrite)
        typer.echo(json.dumps(_json(went)) if as_json else plain(went.told()))


def _list(points: Points, as_json: bool) -> None:
    from orchestrator.agent.point_list import NOTHING, SHOWN, line

    found = points.all(SHOWN)
    if as_json:
        for point in found:
            files = list(point.files)
            typer.echo(
                json.dumps({"id": point.name, "at_ms": point.at_ms, "title": point.title, "files": files})
            )
        return
    for number, point in enumerate(found, 1):
        typer.echo(plain(line(number, point)))
    if not found:
        typer.echo(NOTHING, err=True)


def _plan(points: Points, point: Point) -> Plan:
    from orchestrator.checkpoints.restore import planned

    return planned(points.store, points.changes_since(point))


def _show(points: Points, point: Point, wanted: Plan, as_json: bool) -> None:
    from orchestrator.agent.point_list import changes
    from orchestrator.agent.points import diff_of

    def row(step: Step) -> dict[str, Any]:
        return {"path": step.path, "why": step.why, "diff": diff_of(points.store, step)}

    if as_json:
        steps, kept = [row(step) for step in wanted.steps], [row(step) for step in wanted.kept]
        typer.echo(json.dumps({"id": point.name, "restores": steps, "leaves": kept}))
    else:
        typer.echo(plain(changes(points.store, wanted)))


def _ask(points: Points, point: Point, wanted: Plan) -> None:
    """Show what would happen, and do nothing without a yes. Raises `UsageError`."""
    from orchestrator.agent.point_list import changes

    turns = sum(record.kind == "message" for record in points.later(point))
    said = f"{turns} messages would leave the conversation." if turns else ""
    typer.echo(plain("\n".join(filter(None, (changes(points.store, wanted), said)))), err=True)
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError("Nothing is changed yet.", "Add --yes to do it.")
    if not typer.confirm(f"Go back before {point.name}?", err=True):
        raise typer.Exit(1)


def _refuse_open(where: Home, here: Project, *, conversation: bool) -> None:
    """What an open session holds in its window cannot be taken out from here. Raises `UsageError`."""
    from orchestrator.journal.running import RunningSessions

    if conversation and here.id in RunningSessions(where.run).alive():
        raise UsageError("A session of this project is open.", "Type /rewind there, or add --files-only.")


def _go(
    points: Points,
    point: Point,
    wanted: Plan,
    journal: SqliteJournal,
    where: Home,
    here: Project,
    files_only: bool,
    conversation_only: bool,
    overwrite: bool,
) -> Went:
    from orchestrator.agent.rewinding import go_back
    from orchestrator.handoff.writer import ProjectDocuments

    documents = ProjectDocuments(here, journal, where, lambda text: typer.echo(plain(text), err=True))
    return go_back(
        points,
        point,
        wanted,
        point.session,
        documents.rewriting,
        files=not conversation_only,
        conversation=not files_only,
        overwrite=overwrite,
    )


def _json(went: Went) -> dict[str, Any]:
    left = [{"path": path, "why": why} for path, why in went.files.left]
    return {"id": went.point.name, "restored": list(went.files.done), "left": left, "turns": went.turns}

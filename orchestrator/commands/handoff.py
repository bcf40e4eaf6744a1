"""`orch handoff`: the four tiers made anew from what was recorded."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.errors import OrchError, UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.handoff.draft import Edited
    from orchestrator.handoff.pen import Pencil
    from orchestrator.handoff.regenerate import Done, Wish
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import Home
    from orchestrator.workspaces import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = 'Example: orch handoff "make charge refuse at zero" --edit'
_SMALLEST = 200
_DAY_S = 24 * 3600.0
_SAID = {
    "created": "made",
    "updated": "brought up to date",
    "unchanged": "up to date",
    "kept": "kept as it is (written by hand)",
}


@app.command(epilog=_EPILOG)
def handoff(
    goal: Annotated[
        str, typer.Argument(help="What the next session is for: the briefing is selected for it.")
    ] = "",
    tier: Annotated[
        list[int] | None,
        typer.Option(min=1, max=4, metavar="N", help="Only this tier, 1 to 4; may be given again."),
    ] = None,
    project: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every project that is known here.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change, and write nothing.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 when a document is stale or cites what is not there.")
    ] = False,
    budget: Annotated[
        int | None,
        typer.Option(min=_SMALLEST, metavar="TOKENS", help="Most tokens of the briefing, this time."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Make regions anew that were edited by hand.")
    ] = False,
    edit: Annotated[bool, typer.Option("--edit", help="Open the draft for GOAL in $EDITOR first.")] = False,
    agents_md: Annotated[
        bool, typer.Option("--agents-md", help="Keep a region in AGENTS.md that points to the documents.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take the draft for GOAL as it is.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and follow what changes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the handoff documents anew: tiers 1 to 3, and the log entries of sessions that have none.

    What people wrote is never changed. With GOAL the briefing is selected for it and shown as a draft;
    nothing is written until --yes, or --edit and a save.
    """
    _refuse(goal, all_, project, diff, check, edit or yes, watch)

    from orchestrator.handoff.regenerate import TIERS, Wish
    from orchestrator.handoff.render import BRIEFING_CHARS, CHARS_PER_TOKEN
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home

    where = home()
    wish = Wish(
        tuple(dict.fromkeys(tier or TIERS)),
        budget * CHARS_PER_TOKEN if budget else BRIEFING_CHARS,
        replace,
        agents_md,
    )
    with SqliteJournal.open(where) as journal:
        desk = Desk(where, journal, wish)
        places = _known(where) if all_ else [_place(project)]
        if goal:
            _for_goal(desk, places[0], goal, edit=edit, yes=yes, as_json=as_json)
        elif diff or check:
            raise SystemExit(_look(desk, places, check=check, as_json=as_json))
        elif watch:
            _watch(desk, places)
        else:
            _tell(desk, _write_all(desk, places), as_json)


def _refuse(
    goal: str, all_: bool, project: Path | None, diff: bool, check: bool, takes: bool, watch: bool
) -> None:
    if all_ and project is not None:
        raise UsageError("--all and --project exclude each other.", "Leave one of them out.")
    if sum((diff, check, watch)) > 1:
        raise UsageError("--diff, --check and --watch exclude each other.", "Give one of them.")
    if goal and (all_ or check or watch):
        raise UsageError(
            "A goal is one project's, and takes no --all, --check or --watch.", "Leave them out."
        )
    if takes and not goal:
        raise UsageError("--edit and --yes need a goal.", 'Write orch handoff "GOAL" --edit.')


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


def _place(path: Path | None) -> Project:
    from orchestrator.workspaces import open_project

    return open_project(path or Path())


def _known(where: Home) -> list[Project]:
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


def _write_all(desk: Desk, places: Iterable[Project]) -> dict[str, list[Done]]:
    """Folder of each project → what was done; a project that fails does not stop the others."""
    from dataclasses import replace

    from orchestrator import wiring
    from orchestrator.journal.running import RunningSessions
    from orchestrator.workspaces import workspace_of

    made = {}
    places = list(places)
    desk.last = {workspace_of(place): place.id for place in places}
    for place in places:
        notices = wiring.close_abandoned(RunningSessions(desk.where.run), desk.journal, desk.where, place.id)
        desk.told += [notice.text for notice in notices]
        wish = desk.wish
        if not wish.replace and sys.stdin.isatty() and (edited := _edited(desk, place)):
            names = " and ".join(path.name for path in edited)
            question = f"{names}: the generated part was edited by hand. Make it anew, and lose the edit?"
            wish = replace(wish, replace=typer.confirm(plain(question), default=False, err=True))
        try:
            made[str(place.root)] = desk.regenerate(place, wish)
        except OrchError as error:
            desk.told.append(f"{place.root}: {error}")
            made[str(place.root)] = []
    return made


def _edited(desk: Desk, place: Project) -> list[Path]:
    """Documents whose generated part a person changed: made anew they would read otherwise."""
    from dataclasses import replace

    from orchestrator.handoff.pen import Pencil

    kept, anew = Pencil(), Pencil()
    quiet = Desk(desk.where, desk.journal, desk.wish)
    quiet.regenerate(place, desk.wish, kept)
    if not any("edited by hand" in text for text in quiet.told):
        return []
    quiet.regenerate(place, replace(desk.wish, replace=True), anew)
    return [path for path in anew.changed if path not in kept.changed or anew.now(path) != kept.now(path)]


def _look(desk: Desk, places: Sequence[Project], *, check: bool, as_json: bool) -> int:
    """Show what would change, or only whether it does; the exit code."""
    from orchestrator.handoff.pen import Pencil
    from orchestrator.handoff.regenerate import stale

    pencil = Pencil()
    for place in places:
        desk.regenerate(place, desk.wish, pencil)
    old = stale(pencil) if check else pencil.changed
    if as_json:
        report: dict[str, Any] = {"stale": [str(path) for path in old], "said": desk.told}
        typer.echo(json.dumps(report if check else {**report, "diff": list(pencil.diff())}))
    elif check:
        for path in old:
            typer.echo(plain(f"{path}: stale. Run `orch handoff`."))
    else:
        for line in pencil.diff():
            typer.echo(plain(line))
    if not as_json:
        _say(desk)
    return int(bool(check and old))


def _tell(desk: Desk, made: dict[str, list[Done]], as_json: bool) -> None:
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
                typer.echo(plain(f"{done.path}: {_SAID.get(done.state, done.state)}"))
        _say(desk)
    if not all(made.values()):
        raise SystemExit(1)


def _say(desk: Desk) -> None:
    for text in dict.fromkeys(desk.told):
        typer.echo(plain(text), err=True)
    desk.told.clear()


def _for_goal(desk: Desk, place: Project, goal: str, *, edit: bool, yes: bool, as_json: bool) -> None:
    """Show the briefing for a goal, or take it: the goal is recorded and the documents follow."""
    from orchestrator.handoff import draft

    documents = desk.documents(place)
    facts = draft.for_goal(documents.briefing_facts(), goal)
    text = draft.text_of(documents.rendered(facts, desk.wish.budget))
    if not (edit or yes):
        typer.echo(json.dumps({"goal": goal, "draft": text}) if as_json else plain(text), nl=as_json)
        typer.echo("Nothing is written: --yes takes it, --edit opens it in your editor first.", err=True)
        return
    change = draft.Edited()
    if edit:
        saved = _in_editor(text)
        if not saved.strip():
            typer.echo("The draft was emptied: nothing is written.", err=True)
            return
        change = draft.compared(text, saved)
    _record_goal(desk, place, goal, change)
    if change.added:
        documents.add_below(f"For the goal: {goal}", change.added)
    _tell(desk, {str(place.root): desk.regenerate(place, desk.wish)}, as_json)


def _record_goal(desk: Desk, place: Project, goal: str, change: Edited) -> None:
    """As a note of the user's, unless it is the goal already."""
    import secrets

    from orchestrator.handoff.selection import WITHOUT
    from orchestrator.types import Entry

    goals = [note for note in desk.journal.live_notes(place.id) if note.kind == "goal"]
    now = (goals[-1].body or {}) if goals else {}
    if now.get("text") == goal and not change.without:
        return
    without = [*now.get(WITHOUT, []), *change.without] if now.get("text") == goal else [*change.without]
    body = {"text": goal, "by": "user", "status": "confirmed"}
    old = {"supersedes": goals[-1].id} if now.get("text") == goal else {}
    entry = Entry(
        "goal", {**body, **old, **({WITHOUT: without} if without else {})}, place.id, secrets.token_hex(16)
    )
    desk.journal.append([entry])


def _in_editor(text: str) -> str:
    """What a person makes of the text in their own editor."""
    import os
    import shlex
    import subprocess
    import tempfile

    program = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "SESSION_BRIEFING.md"
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(program), str(path)], check=False)
            if done.returncode:
                raise UsageError(f"{program} ended with {done.returncode}: nothing is written.", "Try again.")
            return path.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{program} cannot be started: {error}.", "Set EDITOR to your editor."
            ) from error


def _watch(desk: Desk, places: Sequence[Project]) -> None:
    """Follow journal, git and manifests until somebody ends it; once a day without that."""
    import contextlib
    import threading
    import time

    from orchestrator.handoff.watch import watched

    changed, seen = threading.Event(), ""
    paths = [desk.where.memory_log, *(path for place in places for path in _watched(place))]
    with contextlib.suppress(KeyboardInterrupt), watched(paths, changed.set):
        while True:
            changed.clear()
            for documents in _write_all(desk, places).values():
                for done in documents:
                    if done.state not in ("unchanged", "kept"):
                        now = time.strftime("%H:%M:%S")
                        typer.echo(plain(f"{now} {done.path}: {_SAID[done.state]}"))
            _say(desk)
            if not seen:
                seen = "once"
                typer.echo("Watching; Ctrl+C ends it.", err=True)
            changed.wait(_DAY_S)


def _watched(place: Project) -> list[Path]:
    """Files whose change may change a document."""
    from orchestrator.handoff.manifests import PARSERS
    from orchestrator.vcs import Repository

    found = [place.root / name for name in ("README.md", *PARSERS)]
    if repository := Repository.find(place.root):
        found += [
            repository.git_dir / "HEAD",
            repository.git_dir / "logs" / "HEAD",
            repository.git_dir / "index",
        ]
    return [path for path in found if path.parent.is_dir()]

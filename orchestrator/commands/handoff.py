"""`orch handoff`: the four tiers made anew from what was recorded."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.commands.handoff_desk import SAID, Desk, known, place_of, say, tell
from orchestrator.errors import OrchError, UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.handoff.regenerate import Done
    from orchestrator.handoff.verify import Finding
    from orchestrator.paths import Home
    from orchestrator.workspaces import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = 'Example: orch handoff "make charge refuse at zero" --edit'
_SMALLEST = 200
_DAY_S = 24 * 3600.0


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
    edit: Annotated[
        bool, typer.Option("--edit", help="Open the draft for GOAL in $EDITOR first; empty it to cancel.")
    ] = False,
    agents_md: Annotated[
        bool, typer.Option("--agents-md", help="Keep a region in AGENTS.md that points to the documents.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take the draft for GOAL as it is.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Let this model (or auto) say notes in fewer words, checked; with --rehearse, whom to ask.",
            autocompletion=complete_models,
        ),
    ] = None,
    rehearse: Annotated[
        bool,
        typer.Option(
            "--rehearse", help="Ask a fresh instance what it knows from the documents; write nothing."
        ),
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and follow what changes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
) -> None:
    """Make the handoff documents anew: tiers 1 to 3, and the log entries of sessions that have none.

    What people wrote is never changed. With GOAL the briefing is selected for it and shown as a draft;
    nothing is written until --yes, or --edit and a save.
    """
    _refuse(goal, all_, project, diff, check, edit or yes, watch, rehearse)
    if model and (goal or diff or check or watch):
        raise UsageError("--model goes with no goal and none of --diff, --check, --watch.", "Run it alone.")

    from orchestrator.handoff.regenerate import TIERS, Wish
    from orchestrator.handoff.render import BRIEFING_CHARS, CHARS_PER_TOKEN
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home

    where = home()
    if background:
        return _in_background(where)
    wish = Wish(
        tuple(dict.fromkeys(tier or TIERS)),
        budget * CHARS_PER_TOKEN if budget else BRIEFING_CHARS,
        replace,
        agents_md,
    )
    with SqliteJournal.open(where) as journal:
        desk = Desk(where, journal, wish)
        places = known(where) if all_ else [place_of(project)]
        if goal:
            from orchestrator.commands.handoff_goal import for_goal

            for_goal(desk, places[0], goal, edit=edit, yes=yes, as_json=as_json)
        elif diff or check:
            raise SystemExit(_look(desk, places, check=check, as_json=as_json))
        elif rehearse:
            from orchestrator.commands.handoff_rehearse import rehearse_all

            rehearse_all(desk, places, model, as_json=as_json)
        elif watch:
            _watch(desk, places)
        else:
            if model:
                _polish(desk, places, model)
            tell(desk, _write_all(desk, places, asks=not as_json), as_json)


def _in_background(where: Home) -> None:
    """Briefings that are there already, in every project; nobody waits for it, and nobody hears of it."""
    from orchestrator.documents.tiers import BRIEFING
    from orchestrator.handoff.regenerate import Wish
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.models.background import step_aside

    step_aside()
    with SqliteJournal.open(where) as journal:
        desk = Desk(where, journal, Wish((BRIEFING.number,)))
        for place in known(where):
            with contextlib.suppress(OrchError):
                if (desk.documents(place).folder / BRIEFING.filename).is_file():
                    desk.regenerate(place, desk.wish)


def _polish(desk: Desk, places: Sequence[Project], model: str) -> None:
    from orchestrator.commands.handoff_polish import polish

    for place in places:
        desk.told += polish(desk.documents(place), model, desk.where)


def _refuse(
    goal: str,
    all_: bool,
    project: Path | None,
    diff: bool,
    check: bool,
    takes: bool,
    watch: bool,
    rehearse: bool,
) -> None:
    if all_ and project is not None:
        raise UsageError("--all and --project exclude each other.", "Leave one of them out.")
    if sum((diff, check, watch, rehearse)) > 1:
        raise UsageError("--diff, --check, --watch and --rehearse exclude each other.", "Give one of them.")
    if goal and (all_ or check or watch or rehearse):
        raise UsageError(
            "A goal is one project's, and takes no --all, --check, --watch or --rehearse.", "Leave them out."
        )
    if takes and not goal:
        raise UsageError("--edit and --yes need a goal.", 'Write orch handoff "GOAL" --edit.')


def _write_all(desk: Desk, places: Iterable[Project], *, asks: bool) -> dict[str, list[Done]]:
    """Folder of each project → what was done; a project that fails does not stop the others."""
    from dataclasses import replace

    from orchestrator import wiring
    from orchestrator.journal.running import RunningSessions
    from orchestrator.workspaces import remember, workspace_of

    made = {}
    places = list(places)
    desk.last = {workspace_of(place): place.id for place in places}
    for place in places:
        notices = wiring.close_abandoned(RunningSessions(desk.where.run), desk.journal, desk.where, place.id)
        desk.told += [notice.text for notice in notices]
        wish = desk.wish
        if asks and not wish.replace and sys.stdin.isatty() and (edited := _edited(desk, place)):
            names = " and ".join(path.name for path in edited)
            question = f"{names}: the generated part was edited by hand. Make it anew, and lose the edit?"
            wish = replace(wish, replace=typer.confirm(plain(question), default=False, err=True))
        try:
            made[str(place.root)] = desk.regenerate(place, wish)
            remember(place, desk.where)  # so that --all finds it
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
    """Show what would change, or check what is there; the exit code."""
    from orchestrator.handoff.pen import Pencil
    from orchestrator.handoff.regenerate import stale

    pencil = Pencil()
    for place in places:
        desk.regenerate(place, desk.wish, pencil)
    if not check:
        if as_json:
            typer.echo(json.dumps({"diff": list(pencil.diff()), "said": desk.told}))
        else:
            for line in pencil.diff():
                typer.echo(plain(line))
            say(desk)
        return 0
    old = stale(pencil)
    found = [finding for place in places for finding in _findings(desk, place)]
    if as_json:
        report = {"stale": [str(path) for path in old], "findings": [one.as_json() for one in found]}
        typer.echo(json.dumps({**report, "said": desk.told}))
    else:
        for path in old:
            typer.echo(plain(f"{path}: stale. Run `orch handoff`."))
        for one in found:
            typer.echo(plain(f"{one.document}:{one.number}: {one.what}: {one.says} {one.remedy}"))
        say(desk)
    return int(bool(old) or any(not one.warning for one in found))


def _findings(desk: Desk, place: Project) -> Sequence[Finding]:
    """What is wrong with the lines that stand in the project's documents now."""
    from dataclasses import replace
    from functools import partial

    from orchestrator.documents.tiers import TIERS
    from orchestrator.handoff import portfolio, verify
    from orchestrator.handoff.document import read
    from orchestrator.handoff.polish import load, originals

    documents = desk.documents(place)
    names = {tier.filename for tier in TIERS if tier.number in desk.wish.tiers}
    paths = [path for path in documents.paths if path.name in names]
    polished = load(documents.polished_path)
    whole = [replace(one, text=originals(one.text, polished)) for one in read(paths, (place.root,))]
    with documents.sources() as sources:
        anew = partial(portfolio.rendered, home=desk.where, journal=desk.journal)
        found = verify.check(whole, sources, place.name, anew)
    if desk.journal.records(project=place.id, limit=1):
        return found
    desk.told.append(f"{place.root}: no record of it is in this journal; only commits and files are checked.")
    return [finding for finding in found if finding.what != "dangling"]


def _watch(desk: Desk, places: Sequence[Project]) -> None:
    """Follow journal, git and manifests until somebody ends it; once a day without that."""
    import threading
    import time

    from orchestrator.handoff.watch import watched

    changed, seen = threading.Event(), ""
    paths = [desk.where.memory_log, *(path for place in places for path in _watched(place))]
    with contextlib.suppress(KeyboardInterrupt), watched(paths, changed.set):
        while True:
            changed.clear()
            for documents in _write_all(desk, places, asks=False).values():
                for done in documents:
                    if done.state not in ("unchanged", "kept"):
                        now = time.strftime("%H:%M:%S")
                        typer.echo(plain(f"{now} {done.path}: {SAID[done.state]}"))
            say(desk)
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

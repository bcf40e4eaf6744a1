"""`orch goals`: what the project's own records and documents say should be done next. Starts nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.terminal import one_line, plain

if TYPE_CHECKING:
    from orchestrator.handoff.proposals import Goal
    from orchestrator.workspaces import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_SHOWN = 10


@app.command(epilog="Example: orch goals --limit 3")
def goals(
    project: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = None,
    limit: int = typer.Option(_SHOWN, min=1, metavar="N", help="At most N, the most pressing."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Propose the project's next goals, each with its evidence and the command that would start it.

    They come from tests that fail, blockers, next steps, errors and dead ends that two sessions or more
    met, and lines of documents that are stale, in this order; within each what a person or a tool vouches
    for comes first, then what more sessions saw, then the newest. Nothing is started.
    """
    from orchestrator import wiring
    from orchestrator.autonomy.ledger import Ledger
    from orchestrator.handoff import open_matters
    from orchestrator.handoff.proposals import proposed
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home
    from orchestrator.workspaces import open_project

    place, where = open_project(project or Path()), home()
    told: list[str] = []
    with SqliteJournal.open(where) as journal:
        documents = wiring.documents(place, journal, where, told.append)
        apart = [run.run for run in Ledger(journal, place.id).runs() if run.phase != "applied"]
        found = proposed(open_matters.of_project(journal, place.id, documents, apart))
    shown, left_out = found[:limit], max(len(found) - limit, 0)
    at = project if project is not None else None
    if as_json:
        rows = [_json(number, goal, at) for number, goal in enumerate(shown, 1)]
        report = {"project": str(place.root), "goals": rows, "left_out": left_out, "said": told}
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    for line in _lines(place, shown, left_out, at):
        typer.echo(plain(line))
    for text in dict.fromkeys(told):
        typer.echo(one_line(text), err=True)


def start_command(goal: str, check: str = "", project: Path | None = None) -> str:
    """The command line that would start a run, fit to be pasted into a shell."""
    words = ["orch", "run", goal]
    words += ["--check", check] if check else []
    words += ["--project", str(project)] if project is not None else []
    return shlex.join(words)


def _json(number: int, goal: Goal, at: Path | None) -> dict[str, Any]:
    return {
        "rank": number,
        "kind": goal.matter,
        "goal": goal.text,
        "citations": list(goal.cites),
        "status": goal.status,
        "check": goal.check or None,
        "sessions": goal.sessions,
        "told": list(goal.told),
        "command": start_command(goal.text, goal.check, at),
    }


def _lines(place: Project, shown: Sequence[Goal], left_out: int, at: Path | None) -> Iterator[str]:
    if not shown:
        yield f"Nothing is open that the records and documents of {one_line(place.name)} know of."
        return
    for number, goal in enumerate(shown, 1):
        evidence = ", ".join((*goal.cites, goal.status) if goal.status else goal.cites)
        yield f"{number}. {one_line(goal.text)} [{one_line(evidence)}]"
        seen = [f"in {goal.sessions} sessions"] if goal.sessions > 1 else []
        yield "   " + "; ".join([goal.matter, *seen, *(one_line(text) for text in goal.told)])
        yield "   " + one_line(start_command(goal.text, goal.check, at))
    if left_out:
        yield f"… {left_out:,} more: --limit {len(shown) + left_out}"

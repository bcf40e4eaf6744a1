"""`orch note`: a decision, lesson, blocker or next step from the shell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from orchestrator.commands.complete import complete_note_kinds
from orchestrator.errors import DocumentError, UsageError
from orchestrator.types import NOTE_KINDS, Kind

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = (
    'Example: orch note decision "use PostgreSQL" --because "SQLite locks under our writers"; '
    "orch note confirm S7f3a#3"
)
CONFIRM = "confirm"


@app.command(epilog=_EPILOG)
def note(
    kind: str = typer.Argument(
        help="decision, lesson, blocker, next, goal, constraint, dead-end or note; confirm for one there is.",
        autocompletion=complete_note_kinds,
    ),
    text: str = typer.Argument(
        help="One sentence, - reads it from stdin; with confirm, the note's citation."
    ),
    because: str = typer.Option("", help="The reason."),
    rejected: str = typer.Option("", help="What was considered and not taken."),
    error: str = typer.Option("", help="Of a dead end: how it failed."),
    instead: str = typer.Option("", help="Of a dead end: what to do instead."),
    supersedes: str = typer.Option(
        "", metavar="ID", help="The note this one replaces: S7f3a#3, D2 (the second decision) or record id."
    ),
    project: Annotated[
        Path, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = Path("."),
    private: bool = typer.Option(False, "--private", help="Never leaves this device, nor enters a document."),
    as_json: bool = typer.Option(False, "--json", help="Print the record as JSON."),
) -> None:
    """Record a note for the instances to come; it is in the next prompt."""
    kind = kind.replace("-", "_")
    if kind not in (*NOTE_KINDS, CONFIRM):
        known = ", ".join((*NOTE_KINDS, CONFIRM))
        raise UsageError(f"There is no kind of note {kind!r}.", f"Choose from: {known}.")
    body = (
        {}
        if kind == CONFIRM
        else _body(text, because=because, rejected=rejected, error=error, instead=instead)
    )

    import json
    import secrets

    from orchestrator import wiring
    from orchestrator.journal import naming
    from orchestrator.journal.canonical import record_json
    from orchestrator.journal.store import PRIVATE, SqliteJournal
    from orchestrator.paths import home
    from orchestrator.types import Entry
    from orchestrator.workspaces import open_project

    place, where = open_project(project), home()
    with SqliteJournal.open(where) as journal:
        parents: tuple[str, ...] = ()
        if kind == CONFIRM:
            said = naming.named(journal, text, place.id)
            kind, body, parents = said.kind, naming.confirmed(journal, said), (said.id,)
            private = private or said.stream == PRIVATE
        if supersedes:
            body["supersedes"] = naming.named(journal, supersedes, place.id).id
            parents = (*parents, body["supersedes"])
        entry = Entry(
            cast(Kind, kind), body, place.id, secrets.token_hex(16), parents=parents, private=private
        )
        record = journal.append([entry])[0]
        citation = journal.cite(record)
        typer.echo(json.dumps({"citation": citation, **record_json(record)}) if as_json else citation)
        try:
            wiring.documents(place, journal, where).refresh()
        except DocumentError as error:
            raise DocumentError(
                f"The note is recorded, but the briefing is not: {error.message}", error.remedy
            ) from error


def _body(text: str, **more: str) -> dict[str, Any]:
    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        raise UsageError("The note is empty.", "Give one sentence, or - and the text on stdin.")
    body: dict[str, Any] = {"text": text.strip()}
    given = {name: value.strip() for name, value in more.items() if value.strip()}
    return {**body, **given, "by": "user", "status": "confirmed"}

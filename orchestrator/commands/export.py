"""`orch export`: what was said, given back as JSON lines or Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from orchestrator.commands.log import print_lines, summary
from orchestrator.errors import UsageError
from orchestrator.terminal import one_line, plain

if TYPE_CHECKING:
    from orchestrator.types import Record

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = "Example: orch export --format markdown > heron.md"


@app.command(epilog=_EPILOG)
def export(
    form: Annotated[
        Literal["jsonl", "markdown"], typer.Option("--format", help="How it is written.")
    ] = "jsonl",
    project: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = None,
    everything: bool = typer.Option(False, "--all", help="All projects, not this folder's."),
) -> None:
    """Give back what was said and done, oldest first; imported turns with their own ids.

    A line of JSON has id, session, timestamp, role, content and kind, and can be imported again.
    """
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home
    from orchestrator.workspaces import find_project, open_project

    if everything and project is not None:
        raise UsageError("--all and --project exclude each other.", "Give one of them.")
    here = open_project(project) if project else find_project(Path("."))
    if here is None and not everything:
        raise UsageError("This folder belongs to no project.", "Go to one, or give --project or --all.")
    with SqliteJournal.open(home()) as journal:
        records = journal.in_order(None if everything or here is None else here.id)
        print_lines(_json(records) if form == "jsonl" else _markdown(records))


def _json(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        if fields := _fields(record):
            yield json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace").decode()


def _fields(record: Record) -> dict[str, Any] | None:
    """The line of one record; None for those that say nothing."""
    from orchestrator.journal.turns import TURN_KINDS, content, role

    body = record.body
    if not body:
        return None
    said = content(record.kind, body) if record.kind in TURN_KINDS else summary(record)
    return {
        "id": body.get("source_id") or record.id,
        "session": body.get("source_session") or record.session,
        "timestamp": body.get("source_time") or body.get("time") or record.wall,
        "role": role(record.kind, body),
        "content": said,
        "kind": record.kind,
    }


def _markdown(records: Iterable[Record]) -> Iterator[str]:
    session = ""
    for record in records:
        fields = _fields(record)
        if fields is None:
            continue
        if fields["session"] != session:
            session = fields["session"]
            yield f"\n## {one_line(session)}, {one_line(fields['timestamp'][:10])}"
        yield f"\n**{one_line(fields['role'])}**, {one_line(fields['timestamp'][:16])}:\n"
        yield "\n".join(f"> {text}" for text in plain(fields["content"]).splitlines())

"""`orch show`: the record or commit that a citation names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.log import line, print_lines, summary
from orchestrator.errors import JournalError, OrchError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.types import Record

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = "Example: orch show S7f3a#3 --around 4"
_COMMIT_LINES = 200
_COMMIT = re.compile(r"\[?([0-9a-fA-F]{4,64})\]?\Z")


@app.command(epilog=_EPILOG)
def show(
    citation: str = typer.Argument(help="S7f3a#3, S7f3a, the beginning of a record's id, or a commit."),
    around: int = typer.Option(2, min=0, metavar="N", help="Records before and after."),
    project: Annotated[
        Path, typer.Option(metavar="PATH", help="A folder of the repository, for a commit.", readable=False)
    ] = Path("."),
    as_json: bool = typer.Option(False, "--json", help="The records as JSON, one a line."),
) -> None:
    """Open what a citation in a document rests on."""
    from orchestrator.journal.canonical import record_json
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home

    with SqliteJournal.open(home()) as journal:
        try:
            records = journal.resolve(citation)
        except JournalError:
            if (commit := _commit(citation, project)) is None:
                raise
            print_lines([json.dumps({"commit": commit}) if as_json else plain(commit)])
            return
        if as_json:
            print_lines(json.dumps({"citation": journal.cite(one), **record_json(one)}) for one in records)
        elif len(records) == 1 and not _names_session(citation):
            print_lines(_with_neighbours(journal, records[0], around))
        else:
            print_lines(line(record, journal.cite(record), 110) for record in records)


def _names_session(citation: str) -> bool:
    from orchestrator.journal.citations import SessionCitation, parse

    named = parse(citation)
    return isinstance(named, SessionCitation) and named.ordinal is None


def _with_neighbours(journal: SqliteJournal, record: Record, around: int) -> Iterator[str]:
    session = journal.around(record, around)
    place = next(number for number, one in enumerate(session) if one.id == record.id)
    for before in session[:place]:
        yield line(before, journal.cite(before), 110)
    yield from _whole(record, journal.cite(record))
    for behind in session[place + 1 :]:
        yield line(behind, journal.cite(behind), 110)


def _whole(record: Record, citation: str) -> Iterator[str]:
    body = record.body or {}
    yield ""
    yield plain(f"{citation}  {record.kind}  {record.wall}  {record.id}")
    for name in ("source", "source_id", "source_session", "time", "status", "by", "exit_code", "supersedes"):
        if body.get(name) not in (None, ""):
            yield plain(f"{name}: {body[name]}")
    yield ""
    yield plain(summary(record))
    yield ""


def _commit(citation: str, path: Path) -> str | None:
    """The commit as text; None where the citation names none here."""
    from orchestrator.config import load
    from orchestrator.paths import home
    from orchestrator.tools.git import confined_reading
    from orchestrator.tools.sandbox import chosen
    from orchestrator.vcs import Repository

    match = _COMMIT.match(citation.strip())
    if match is None:
        return None
    try:
        where = home()
        sandbox = chosen(load(where.config).tools.sandbox, where)
        repository = Repository.find(path, lambda argv: confined_reading(argv, path, sandbox))
        if repository is None or not repository.has(match[1]):
            return None
        code, text = repository.run(
            ["show", "--stat=100", "--patch", "--format=fuller", "--end-of-options", match[1], "--"]
        )
    except OrchError:
        return None
    lines = text.splitlines()
    more = [f"… {len(lines) - _COMMIT_LINES:,} more lines"] if len(lines) > _COMMIT_LINES else []
    return "\n".join([*lines[:_COMMIT_LINES], *more]) if code == 0 else None

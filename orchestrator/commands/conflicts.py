"""`orch conflicts`: documents that were changed on two devices at once."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.errors import UsageError
from orchestrator.journal.store import SqliteJournal
from orchestrator.journal.versions import Versions, projects_with_versions, versions
from orchestrator.paths import home
from orchestrator.terminal import one_line, plain
from orchestrator.types import Entry, Record

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
    epilog="Example: orch conflicts resolve 3f9c2a",
)


@app.callback()
def conflicts(
    context: typer.Context, as_json: bool = typer.Option(False, "--json", help="One JSON object a line.")
) -> None:
    """List documents of which two devices have versions that neither was made from."""
    if context.invoked_subcommand is None:
        _list(as_json)


@app.command("list", epilog="Example: orch conflicts list --json")
def list_(as_json: bool = typer.Option(False, "--json", help="One JSON object a conflict.")) -> None:
    """List them, the same on every device."""
    _list(as_json)


@app.command(epilog="Example: orch conflicts show 3f9c2a")
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="First characters of a version's id.")],
) -> None:
    """Print the text of one version."""
    with SqliteJournal.open(home()) as journal:
        _, _, record = _find(journal, identity)
    typer.echo(plain(_text(record)))


@app.command(epilog="Example: orch conflicts resolve 3f9c2a --text merged.md")
def resolve(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The version to keep, by its id.")],
    text: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep this text instead; - reads it from stdin.")
    ] = None,
) -> None:
    """End a conflict by a version that follows all others. They stay in the journal."""
    from orchestrator.commands.sync import _documents

    where = home()
    with SqliteJournal.open(where) as journal:
        project, held, record = _find(journal, identity)
        body = {"name": held.entity, "text": _text(record) if text is None else _given(text)}
        parents = tuple(leaf.id for leaf in held.leaves)
        entry = Entry("doc", body, project, secrets.token_hex(16), entity=held.entity, parents=parents)
        made = journal.append([entry])[0]
        typer.echo(f"{one_line(held.entity)}: {made.id[:12]} holds now.")
        for documents in _documents(journal, where, [project]):
            documents.catch_up()


def _list(as_json: bool) -> None:
    with SqliteJournal.open(home()) as journal:
        found = _all(journal)
        for project, held in found:
            records = [journal.by_id_prefix(leaf.id)[0] for leaf in held.leaves]
            if as_json:
                leaves = [{"id": one.id, "device": one.dev, "wall": one.wall} for one in records]
                print(json.dumps({"project": project, "document": held.entity, "versions": leaves}))
                continue
            typer.echo(f"{one_line(held.entity)} (project {one_line(project)})")
            for number, one in enumerate(records):
                holds = "holds" if number == 0 else "does not"
                when = one_line(one.wall[:16]).replace("T", " ")
                typer.echo(f"  {one.id[:12]}  {when}  device {one.dev[:8]}  {holds}")
    if not found and not as_json:
        typer.echo("There are no conflicts.")
    elif not as_json:
        print("`orch conflicts show ID` prints one, `orch conflicts resolve ID` keeps it.", file=sys.stderr)


def _all(journal: SqliteJournal) -> list[tuple[str, Versions]]:
    return [
        (project, held)
        for project in projects_with_versions(journal)
        for held in versions(journal, project)
        if held.conflict
    ]


def _find(journal: SqliteJournal, identity: str) -> tuple[str, Versions, Record]:
    """The conflict and the version that an id's first characters name. Raises `UsageError`."""
    named: dict[str, tuple[str, Versions]] = {
        leaf.id: (project, held)
        for project, held in _all(journal)
        for leaf in held.leaves
        if len(identity) >= 4 and leaf.id.startswith(identity)
    }
    if len(named) != 1:
        raise UsageError(
            f"{identity!r} names {len(named)} versions in conflict, not one.", "See `orch conflicts` for ids."
        )
    (whole, (project, held)) = next(iter(named.items()))
    return project, held, journal.by_id_prefix(whole)[0]


def _text(record: Record) -> str:
    value: Any = (record.body or {}).get("text")
    return value if isinstance(value, str) else ""


def _given(path: Path) -> str:
    from orchestrator.documents.human_text import human_text

    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Name a text file.") from error
    return human_text(data)

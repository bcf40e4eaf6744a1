"""`orch forget`: what a record says is removed from every place that orch wrote it to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.log import line, summary
from orchestrator.errors import OrchError, UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import Home
    from orchestrator.types import Record

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = "Example: orch forget S7f3a#3 --yes"
_KEPT = ("redact", "tombstone")
_SHOWN = 20
_TELLING = 8  # characters: a shorter text stands in many places by chance


@app.command(epilog=_EPILOG)
def forget(
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...", help="S7f3a#3, the beginning of a record's id, or S7f3a: all of a session."
        ),
    ],
    yes: bool = typer.Option(False, "--yes", help="Do it; without this it only says what would go."),
) -> None:
    """Remove what records say: from journal, index, mirror, documents, prompt history and KV snapshots.

    The record stays as a hash without its text, so that nothing else changes. It cannot be undone.
    """
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home

    where = home()
    with SqliteJournal.open(where) as journal:
        named = [record for citation in ids for record in journal.resolve(citation)]
        records = list({record.id: record for record in named if record.kind not in _KEPT}.values())
        if not records:
            raise UsageError("That names nothing that says something.", "See `orch log` for citations.")
        _list(journal, records)
        if not yes:
            typer.echo("Nothing is removed yet. Add --yes to do it; it cannot be undone.")
            return
        _forget(journal, records, where)


def _list(journal: SqliteJournal, records: Sequence[Record]) -> None:
    for record in records[:_SHOWN]:
        typer.echo(line(record, journal.cite(record), 110))
    if len(records) > _SHOWN:
        typer.echo(f"… and {len(records) - _SHOWN:,} more.")
    ids = {record.id for record in records}
    for record in records[:_SHOWN]:
        replaced = (record.body or {}).get("supersedes")
        if isinstance(replaced, str) and (old := journal.by_id_prefix(replaced)):
            typer.echo(f"{journal.cite(old[0])}, which it superseded, is valid again after that.")
    others = [record for record in _copies(journal, records) if record.id not in ids]
    if others:
        cited = ", ".join(journal.cite(record) for record in others[:_SHOWN])
        typer.echo(f"The same text also stands in: {cited}. Name these as well to be rid of it.")


def _copies(journal: SqliteJournal, records: Sequence[Record]) -> Iterator[Record]:
    """Other records that hold the whole text of one of these."""
    for text in _texts(records)[:_SHOWN]:
        yield from journal.containing(text, limit=_SHOWN)


def _texts(records: Sequence[Record]) -> list[str]:
    """What each record says, where that is long enough to be told from others."""
    bodies = ((record.body or {}).get("text") for record in records)
    texts = [text.strip() if isinstance(text, str) else "" for text in bodies]
    return [text for text in dict.fromkeys(texts) if len(text) >= _TELLING]


def _forget(journal: SqliteJournal, records: Sequence[Record], where: Home) -> None:
    said = [record for record in records if record.body is not None]
    texts = _texts(said)
    told: list[str] = []
    documents = _documents(journal, said, where, told)
    before = [(own, {session: own.log.entry(session) for session in sessions}) for own, sessions in documents]
    journal.redact(records)
    for own, entries in before:
        with _telling(told):
            own.forget(entries)
    _forget_prompts(where, said)
    _forget_snapshots(where, said)
    typer.echo(f"{len(said):,} records say nothing any more.")
    for sentence in dict.fromkeys(told):
        typer.echo(sentence, err=True)
    _tell_leftovers(where, [file for own, _ in documents for file in own.files()], texts)


def _documents(
    journal: SqliteJournal, records: Sequence[Record], where: Home, told: list[str]
) -> list[tuple[ProjectDocuments, list[str]]]:
    """The documents of each project that the records belong to, and their sessions."""
    from orchestrator import wiring
    from orchestrator.workspaces import Registry, find_project

    sessions: dict[str, dict[str, None]] = {}
    for record in records:
        sessions.setdefault(record.project, {})[record.session] = None
    places = {known.id: known.paths for known in Registry(where).projects()}
    if (here := find_project(Path("."))) and here.id in sessions:
        places[here.id] = (str(here.root), *places.get(here.id, ()))
    found = []
    for project, own in sessions.items():
        roots = dict.fromkeys(places.get(project, ()))
        opened = [one for root in roots if (one := find_project(Path(root))) and one.id == project]
        if project and not opened:
            told.append(
                f"The project {project} is nowhere on this machine: its documents were not looked at."
            )
        found += [(wiring.documents(one, journal, where, told.append), list(own)) for one in opened]
    return found


@contextlib.contextmanager
def _telling(told: list[str]) -> Iterator[None]:
    """The journal is clean by now: a document that cannot be written is told, not the end."""
    try:
        yield
    except OrchError as error:
        told.append(str(error))


def _forget_prompts(where: Home, records: Sequence[Record]) -> None:
    """Take prompts out of the history of what was typed."""
    from orchestrator import durable

    with contextlib.suppress(FileNotFoundError):
        old = durable.read(where.history).decode("utf-8", "replace")
        new = f"\n{old}"
        for record in records:
            text = (record.body or {}).get("text")
            if isinstance(text, str) and (record.body or {}).get("role") == "user":
                new = new.replace("\n" + text.strip().replace("\n", "\\\n") + "\n", "\n")
        if new[1:] != old:
            durable.replace(where.history, new[1:].encode(), mode=0o600)


def _forget_snapshots(where: Home, records: Sequence[Record]) -> None:
    """Remove snapshots of the KV cache that were made since: they hold what the prompts said."""
    since = min((record.ts[0] for record in records), default=0) / 1000
    for path in where.snapshots.glob("*/*"):
        with contextlib.suppress(OSError):
            if records and path.is_file() and path.stat().st_mtime >= since:
                path.unlink()


def _tell_leftovers(where: Home, documents: Sequence[Path], texts: Sequence[str]) -> None:
    """Say which files still hold a text: they are a person's, or were kept aside."""
    from orchestrator.journal.forget import holding

    own = [path for path in where.root.iterdir() if path.is_file()] if where.root.is_dir() else []
    for path in dict.fromkeys(holding([*own, *documents], texts)):
        typer.echo(plain(f"{path} still holds the text: look there yourself."), err=True)


__all__ = ["app", "summary"]

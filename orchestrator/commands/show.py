"""`orch show`: what a citation names: a record, session, commit, line of a file, or decision by number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.log import line, print_lines, summary
from orchestrator.errors import DocumentError, JournalError, OrchError, UsageError
from orchestrator.terminal import plain
from orchestrator.types import NOTE_KINDS

if TYPE_CHECKING:
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.types import Record
    from orchestrator.workspaces import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = "Example: orch show S7f3a#3 --around 4; orch show D2; orch show pyproject.toml:12"
_COMMIT_LINES = 200
_HEAD_LINES, _WIDTH = 40, 400
_FILE_BYTES = 4 << 20
_COMMIT = re.compile(r"\[?([0-9a-fA-F]{4,64})\]?\Z")
_FIELDS = ("source", "source_id", "source_session", "time", "status", "by", "exit_code", "supersedes")


@app.command(epilog=_EPILOG)
def show(
    citation: str = typer.Argument(
        help="S7f3a#3, S7f3a, D2, a commit, path:line, the beginning of a record's id, or several: [a, b]."
    ),
    around: int = typer.Option(2, min=0, metavar="N", help="Records, or lines of a file, before and after."),
    project: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help="A folder of the project, for commits, files and D2.", readable=False
        ),
    ] = Path("."),
    as_json: bool = typer.Option(False, "--json", help="JSON, one object a line."),
) -> None:
    """Open what a citation in a document rests on."""
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home
    from orchestrator.workspaces import find_project

    with SqliteJournal.open(home()) as journal:
        opener = _Opener(journal, project, find_project(project), around, as_json)
        print_lines(row for item in _items(citation) for row in opener.open(item))


def _items(text: str) -> tuple[str, ...]:
    """One citation, or those in the brackets at the end of a document's line."""
    from orchestrator.documents.citations import evidence

    if re.fullmatch(r"\[?[^\[\],]+\]?", text.strip()):
        return (text.strip().strip("[]"),)
    return evidence(text).cites or (text,)


@dataclass(frozen=True)
class _Opener:
    """Opens citations; each method gives lines, or None where the text names no such thing."""

    journal: SqliteJournal
    folder: Path
    project: Project | None
    around: int
    as_json: bool

    def open(self, item: str) -> Iterator[str]:
        """The lines to print. Raises `JournalError` where nothing is named."""
        from orchestrator.journal.citations import parse
        from orchestrator.journal.naming import decision

        if self.project and (found := decision(self.journal, self.project.id, item)):
            return self._records([found], whole=True)
        if (place := self._place(item)) is not None:
            return place
        try:
            records = self.journal.resolve(item)
        except JournalError:
            if (commit := self._commit(item)) is None:
                if parse(item) is None:
                    forms = "Write S7f3a#3, S7f3a, D2, a commit, or path:line of a file in the project."
                    raise JournalError(f"{item!r} names nothing here.", forms) from None
                raise
            return commit
        return self._records(records, whole=not _names_session(item))

    def _records(self, records: Sequence[Record], *, whole: bool) -> Iterator[str]:
        if self.as_json:
            yield from (json.dumps(self._value(record)) for record in records)
        elif whole and len(records) == 1:
            yield from self._with_neighbours(records[0])
        else:
            yield from (line(record, self.journal.cite(record), 110) for record in records)

    def _value(self, record: Record) -> dict[str, Any]:
        from orchestrator.journal.canonical import record_json

        about = {"citation": self.journal.cite(record), "number": self._number(record)}
        return {**about, "superseded_by": self._superseded_by(record), **record_json(record)}

    def _number(self, record: Record) -> str | None:
        from orchestrator.journal.cited import number_of

        return number_of(self.journal, record) or None

    def _superseded_by(self, record: Record) -> str | None:
        from orchestrator.journal.cited import retired

        newer = retired(self.journal, [record]).get(record.id) if record.kind in NOTE_KINDS else None
        return self.journal.cite(newer) if newer else None

    def _with_neighbours(self, record: Record) -> Iterator[str]:
        journal = self.journal
        session = journal.around(record, self.around)
        place = next(number for number, one in enumerate(session) if one.id == record.id)
        for before in session[:place]:
            yield line(before, journal.cite(before), 110)
        yield from self._whole(record)
        for behind in session[place + 1 :]:
            yield line(behind, journal.cite(behind), 110)

    def _whole(self, record: Record) -> Iterator[str]:
        body = record.body or {}
        number = self._number(record)
        yield ""
        head = f"{self.journal.cite(record)}  {record.kind}{f' {number}' if number else ''}"
        yield plain(f"{head}  {record.wall}  {record.id}")
        for name in _FIELDS:
            if body.get(name) not in (None, ""):
                yield plain(f"{name}: {body[name]}")
        if newer := self._superseded_by(record):
            yield f"superseded by: {newer}"
        yield ""
        yield plain(summary(record))
        yield ""

    def _place(self, item: str) -> Iterator[str] | None:
        """A file of the project, around the line that is named."""
        from orchestrator.documents import files
        from orchestrator.documents.citations import evidence
        from orchestrator.documents.tiers import decode

        places = evidence(f"[{item}]").places
        root = self.project.root if self.project else self.folder.absolute()
        if not places or "\0" in item or not (root / places[0].path).is_file():
            return None
        place = places[0]
        try:
            data = files.read(root / place.path, (root,), _FILE_BYTES) or b""
        except DocumentError:
            return None
        rows = decode(data).split("\n")
        rows = rows[:-1] if rows[-1:] == [""] else rows
        if place.line > len(rows):
            raise UsageError(
                f"{place.path} has {len(rows):,} lines, and no line {place.line:,}.",
                "It was changed since: see `git log` of the file.",
            )
        first = max(place.line - self.around, 1)
        last = place.line + self.around if place.line else _HEAD_LINES
        shown = enumerate(rows[first - 1 : last], first)
        if self.as_json:
            found = [{"path": place.path, "line": number, "text": row} for number, row in shown]
            return iter([json.dumps(one) for one in found])
        return (
            plain(f"{'>' if number == place.line else ' '}{number:>6}  {row[:_WIDTH]}")
            for number, row in shown
        )

    def _commit(self, item: str) -> Iterator[str] | None:
        from orchestrator.config import load
        from orchestrator.handoff.reachable import lost
        from orchestrator.paths import home
        from orchestrator.tools.git import confined_reading
        from orchestrator.tools.sandbox import chosen
        from orchestrator.vcs import Repository

        match = _COMMIT.match(item.strip())
        if match is None:
            return None
        try:
            where = home()
            sandbox = chosen(load(where.config).tools.sandbox, where)
            repository = Repository.find(
                self.folder, lambda argv: confined_reading(argv, self.folder, sandbox)
            )
            if repository is None or not repository.has(match[1]):
                return None
            code, text = repository.run(
                ["show", "--stat=100", "--patch", "--format=fuller", "--end-of-options", match[1], "--"]
            )
            why = lost(repository, [match[1]]).get(match[1], "")
        except OrchError:
            return None
        if code != 0:
            return None
        lines = text.splitlines()
        more = [f"… {len(lines) - _COMMIT_LINES:,} more lines"] if len(lines) > _COMMIT_LINES else []
        shown = "\n".join([*lines[:_COMMIT_LINES], *more])
        if self.as_json:
            return iter([json.dumps({"commit": match[1], "lost": why or None, "text": shown})])
        return iter([*([f"This commit {why}"] if why else []), plain(shown)])


def _names_session(citation: str) -> bool:
    from orchestrator.journal.citations import SessionCitation, parse

    named = parse(citation)
    return isinstance(named, SessionCitation) and named.ordinal is None

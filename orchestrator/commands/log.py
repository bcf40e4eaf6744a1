"""`orch log`: reads the journal, and rebuilds a damaged one."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from orchestrator.commands.complete import complete_kinds
from orchestrator.errors import UsageError
from orchestrator.terminal import one_line
from orchestrator.types import Kind, Record

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = "Example: orch log --kind decision --kind lesson --since 2d"
_ON_SCREEN = 50
_PIPED_WIDTH = 400
_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@app.command(epilog=_EPILOG)
def log(
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", help="Only this kind; may be given again.", autocompletion=complete_kinds
        ),
    ] = None,
    since: str = typer.Option("", metavar="TIME", help="2d, 3h, 2026-11-01 or an ISO time."),
    project: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = None,
    everything: bool = typer.Option(False, "--all", help="All projects, not this folder's."),
    session: str = typer.Option("", metavar="S7f3a", help="Only this session."),
    limit: int | None = typer.Option(None, min=1, metavar="N", help="The newest N; 50 on a screen."),
    as_json: bool = typer.Option(False, "--json", help="One record a line, as JSON."),
    rebuild: bool = typer.Option(False, "--rebuild", help="Make a damaged journal anew from its mirror."),
) -> None:
    """Read the journal, newest last."""
    if rebuild:
        _rebuild()
        return
    if unknown := [name for name in kind or () if name not in get_args(Kind)]:
        raise UsageError(f"There is no kind {unknown[0]!r}.", f"Choose from: {', '.join(get_args(Kind))}.")
    if everything and project is not None:
        raise UsageError("--all and --project exclude each other.", "Give one of them.")
    since_ms = since_time(since, time.time_ns() // 1_000_000) if since else None

    from orchestrator.journal.canonical import record_json
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home

    if limit is None and not as_json and sys.stdout.isatty():
        limit = _ON_SCREEN
    with SqliteJournal.open(home()) as journal:
        named = journal.resolve(session)[0].session if session else None
        found = journal.records(
            project=None if everything or named else _project(project),
            session=named,
            kinds=cast(list[Kind], kind) or None,
            since_ms=since_ms,
            newest_first=True,
            limit=limit,
        )
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPED_WIDTH
        cited = ((record, journal.cite(record)) for record in reversed(found))
        if as_json:
            print_lines(
                json.dumps({"citation": citation, **record_json(record)}) for record, citation in cited
            )
        else:
            print_lines(line(record, citation, width) for record, citation in cited)


def since_time(text: str, now_ms: int) -> int:
    """Milliseconds since 1970 of `2d`, `2026-11-01` or an ISO time (local without offset)."""
    if match := re.fullmatch(r"(\d{1,6})([mhdw])", text.strip()):
        return max(now_ms - int(match[1]) * _UNITS_MS[match[2]], 0)
    try:
        return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"{text!r} is no time.", "Write 2d, 3h, 2026-11-01 or 2026-11-01T09:30.") from error


def line(record: Record, citation: str, width: int) -> str:
    """The record on one line, at most `width` characters, without control characters."""
    head = f"{one_line(record.wall[:16]).replace('T', ' ')}  {record.kind:<11}  "
    tail = f"  [{citation}]"
    return head + one_line(summary(record), max(width - len(head) - len(tail), 20)) + tail


def summary(record: Record) -> str:
    """What the record says, as text of any length."""
    body = record.body
    if body is None:
        return "(redacted)"
    if record.kind == "tool_call":
        return f"{body.get('name', '')} {_compact(body.get('arguments', {}))}"
    said = body.get("text")
    if not isinstance(said, str):
        return _compact(body)
    before = " ".join(str(body[key]) for key in ("role", "name") if body.get(key))
    after = f" (because {body['because']})" if body.get("because") else ""
    return f"{before}: {said}{after}" if before else said + after


def _compact(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_compact(item)}" for key, item in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _project(path: Path | None) -> str | None:
    from orchestrator.workspaces import find_project, open_project

    if path is not None:
        return open_project(path).id
    here = find_project(Path("."))
    return None if here is None else here.id


def print_lines(lines: Iterable[str]) -> None:
    """One line each; a reader that has seen enough (`| head`) is no error."""
    try:
        for text in lines:
            typer.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more at its end, which would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _rebuild() -> None:
    from orchestrator.journal.rebuild import is_sound, rebuild
    from orchestrator.paths import home

    where = home()
    if is_sound(where):
        typer.echo("The journal is sound: nothing was rebuilt.")
        return
    done = rebuild(where)
    typer.echo(f"The new journal holds {done.records} records.")
    if done.unread:
        typer.echo(f"{done.unread} damaged lines are kept in {where.memory_log.name}.replaced.")
    if done.aside is not None:
        typer.echo(f"The damaged journal is kept as {done.aside}.")

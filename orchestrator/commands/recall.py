"""`orch recall`: what was said and decided before, within a budget of tokens."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from orchestrator.commands.complete import complete_recalled_kinds
from orchestrator.commands.log import print_lines, since_time
from orchestrator.errors import UsageError
from orchestrator.terminal import plain
from orchestrator.types import Kind

if TYPE_CHECKING:
    from orchestrator.journal.excerpts import Recall, Recalled, Scope

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = 'Example: orch recall "why did we leave SQLite" --budget 512'
_FIELDS = ("id", "source_id", "session", "timestamp", "role", "content", "kind", "citation", "cut")


@app.command(epilog=_EPILOG)
def recall(
    query: str = typer.Argument(help="What to look for; - reads one a line from stdin."),
    budget: int = typer.Option(1024, min=1, metavar="TOKENS", help="Most tokens of content."),
    project: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = None,
    workspace: bool = typer.Option(False, "--workspace", help="All projects of this workspace."),
    since: str = typer.Option("", metavar="TIME", help="Said since 2d, 2026-11-01 or an ISO time."),
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Only message, decision, lesson, …; may be given again.",
            autocompletion=complete_recalled_kinds,
        ),
    ] = None,
    as_json: bool = typer.Option(False, "--json", help="One JSON object a query."),
) -> None:
    """Find what was said and decided in earlier sessions, best first, dated and cited."""
    from orchestrator.journal.excerpts import Recall, Scope
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.journal.turns import TURN_KINDS
    from orchestrator.paths import home

    if query != "-" and not query.strip():
        raise UsageError("There is nothing to look for.", "Give a few words, or - and one query a line.")
    if unknown := [name for name in kind or () if name not in TURN_KINDS]:
        raise UsageError(f"Nothing said is of kind {unknown[0]!r}.", f"Choose from: {', '.join(TURN_KINDS)}.")
    scope = Scope(
        projects=_projects(project, workspace),
        since_ms=since_time(since, time.time_ns() // 1_000_000) if since else None,
        kinds=cast("list[Kind]", kind or []),
    )
    with SqliteJournal.open(home()) as journal:
        found = Recall(journal)
        build(found)
        if query == "-":
            print_lines(_answers(found, budget, scope))
        elif as_json:
            print_lines([_json(query, found.ask(query, budget, scope))])
        else:
            print_lines(_text(found.ask(query, budget, scope), budget))


def build(recall: Recall) -> None:
    """Index what is not yet, and say how far that is where it takes a while."""
    started = said = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - started > 1 and now - said > 2:
            said = now
            print(f"Indexing the journal: {done:,} of {total:,} records", file=sys.stderr, flush=True)

    recall.build(progress)


def _projects(path: Path | None, workspace: bool) -> tuple[str, ...] | None:
    """Ids of the projects to look in; None for all, where this folder belongs to none."""
    from orchestrator.workspaces import find_project, open_project

    if path is not None and not workspace:
        return (open_project(path).id,)
    here = find_project(path or Path("."))
    if not workspace:
        return None if here is None else (here.id,)
    if here is None:
        raise UsageError("This folder belongs to no project.", "Go to one, or give --project.")

    from orchestrator.paths import home
    from orchestrator.workspaces import Registry, workspace_of

    place = workspace_of(here)
    known = Registry(home()).projects() if place else []
    inside = [one.id for one in known if any(Path(path).is_relative_to(place or "") for path in one.paths)]
    return tuple(dict.fromkeys((here.id, *inside)))


def _answers(recall: Recall, budget: int, scope: Scope) -> Iterator[str]:
    """One JSON line a line of standard input, each as soon as it is known."""
    for line in sys.stdin:
        query = line.rstrip("\r\n")
        yield _json(query, recall.ask(query, budget, scope))
        sys.stdout.flush()


def _json(query: str, found: Recalled) -> str:
    excerpts: list[dict[str, Any]] = [
        {name: getattr(excerpt, name) for name in _FIELDS} for excerpt in found.excerpts
    ]
    return json.dumps(
        {"query": query, "excerpts": excerpts, "tokens": found.tokens, "left_out": found.left_out}
    )


def _text(found: Recalled, budget: int) -> Iterator[str]:
    from orchestrator.journal.excerpts import shown

    for block in shown(found.excerpts):
        yield plain(block)
    if not found.excerpts:
        yield "Nothing like it was said." if not found.left_out else "What fits the question is too large."
    if found.left_out:
        yield f"… {found.left_out:,} more turns fit the question, but not into {budget:,} tokens."
